"""Restricting domains: what is kept, what the candidates of the rest are, and what is refused."""

from itertools import product

import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.ir import UserError, choice_text, parse_module, print_module, structural_hash, value_of, verify
from drawloom.passes import (
    PassManager,
    canonicalize,
    dce,
    narrow,
    parse_pipeline,
    pipeline_text,
    price,
    resolve,
    sample,
)

SPACE = """
module @m {
  decision @a.op : one_of ["none", "skip", "conv"]
  decision @b.op : one_of ["none", "skip", "pool"]
  decision @k : one_of [3, 5, -3]
  decision @edges : subset 1..=2 of ["x", "y", "z"]
  decision @input : one_of [0, 1, 2] labels ["x", "y", "z"]
  network @m(%x: f32[4]) -> f32[4] {
    return %x
  }
}
"""


def domain(name: str, **restrictions: object) -> tuple[object, ...]:
    after = narrow(parse_module(SPACE), {n.replace("_", "."): v for n, v in restrictions.items()})
    verify(after)
    return after.decisions[name].domain


def decided(name: str, restrictions: dict[str, object]) -> bool:
    return name not in narrow(parse_module(SPACE), restrictions).decisions


def test_values_are_kept_or_dropped():
    assert domain("a.op", a_op=["skip", "none"]) == ("none", "skip")
    assert domain("a.op", a_op="-none") == ("skip", "conv")
    assert domain("k", k=["3", 5]) == (3, 5)
    # a value that is written with a minus is itself
    assert domain("k", k=["-3", "5"]) == (5, -3)
    assert domain("k", k=[3, -3]) == (3, -3)
    assert domain("k", k="-5") == (3, -3)
    assert decided("k", {"k": "-3"})


def test_patterns_name_several_decisions():
    after = narrow(parse_module(SPACE), {"*.op": "-none"})
    assert [d.domain for d in after.decisions.values()][:2] == [("skip", "conv"), ("skip", "pool")]
    some = narrow(parse_module(SPACE), {"*op": ["skip", "conv"]})
    assert next(iter(some.decisions)) == "a.op"
    assert "b.op" not in some.decisions
    assert decided("a.op", {"*.op": "-none", "a.op": "-conv"})
    assert decided("a.op", {"?.op": "-none", "a.op": "-conv"})


def test_members_and_selections_of_k_of_n():
    assert domain("edges", edges="-y") == ((0,), (2,), (0, 2))
    assert domain("edges", edges=["0", "z"]) == ((0,), (2,), (0, 2))
    assert domain("edges", edges=["0+1", "z"]) == ((2,), (0, 1))
    assert domain("edges", edges=["-0+1", "-z"]) == ((0,), (1,))
    assert domain("edges", edges=[(0, 1), (1, 2)]) == ((0, 1), (1, 2))
    assert decided("edges", {"edges": (0, 1)})


def test_tensors_are_named_by_label_or_position():
    assert domain("input", input=["z", "0"]) == (0, 2)
    after = narrow(parse_module(SPACE), {"input": "-y"})
    assert after.decisions["input"].labels == ("x", "y", "z")
    assert parse_module(print_module(after)).decisions == after.decisions


def test_nothing_to_drop_is_the_same_module():
    module = parse_module(SPACE)
    assert narrow(module, {"a.op": ["conv", "skip", "none"]}) is module
    assert narrow(module, {}) is module


@pytest.mark.parametrize(
    ("restrictions", "message"),
    [
        ({"c.op": "skip"}, "unknown decision 'c.op' (did you mean"),
        ({"c.*": "skip"}, "unknown decision 'c.*'"),
        ({"a.op": "skipp"}, "'skipp' is not a value of decision 'a.op' (did you mean 'skip'?)"),
        ({"*.op": ["skip", "sep"]}, "'sep' is not a value of decision '*.op' (expected some of none, skip,"),
        ({"a.op": "-pool"}, "'pool' is not a value of decision 'a.op'"),
        ({"edges": "w"}, "'w' is not a value of decision 'edges' (expected some of x, y, z, 0, 1, 2, 0+1"),
        ({"a.op": ["skip", "-none"]}, "some to keep and some to drop"),
        ({"a.op": []}, "'a.op' is left no value"),
        ({"*.op": ["pool"]}, "decision 'a.op' has no value left of none, skip, conv ('*.op' keeps pool)"),
        ({"a.op": ["-none", "-skip", "-conv"]}, "('a.op' drops none, skip, conv)"),
        ({"edges": ["-0", "-1", "-2"]}, "decision 'edges' has no value left"),
    ],
)  # fmt: skip
def test_mistakes_are_named(restrictions, message):
    with pytest.raises(UserError) as caught:
        narrow(parse_module(SPACE), restrictions)
    assert message in str(caught.value)


def test_the_text_of_the_pass_survives_a_pipeline():
    text = 'narrow{a.*=[skip,-none],node[0].op=-"a b",edges=[0+1,x]}'
    assert pipeline_text(
        parse_pipeline('narrow{a.*=[skip,-none],node[0].op="-a b",edges=[0+1,x]}')
    ) == text.replace('-"a b"', '"-a b"')
    once = parse_pipeline("narrow{*.op=[skip,conv],edges=0+1}")
    assert parse_pipeline(pipeline_text(once)) == once


@st.composite
def restricted(draw):
    """A space, and for some of its decisions the values to keep."""
    module = draw(modules())
    kept = {
        name: draw(st.lists(st.sampled_from(d.domain), min_size=1, unique=True))
        for name, d in module.decisions.items()
        if draw(st.booleans())
    }
    return module, kept


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(restricted(), st.data())
def test_the_candidates_of_a_narrowed_space_are_those_of_the_space(case, data):
    module, kept = case
    after = narrow(module, kept)
    verify(after)
    assert parse_module(print_module(after)).decisions == after.decisions
    left = {n: _kept(d, kept[n]) if n in kept else d.domain for n, d in module.decisions.items()}
    assert {n: d.domain for n, d in after.decisions.items()} == {n: d for n, d in left.items() if len(d) > 1}
    values = {name: data.draw(st.sampled_from(domain)) for name, domain in left.items()}
    within = {name: v for name, v in values.items() if name in after.decisions}
    simple = dce(canonicalize(after))
    verify(simple)
    whole = structural_hash(resolve(module, values))
    assert structural_hash(resolve(after, within)) == whole
    still = {n: v for n, v in within.items() if n in simple.decisions}
    assert structural_hash(resolve(simple, still)) == whole
    columns = price(after, [within]).columns()
    assert {n: int(c[0]) for n, c in columns.items()} == {
        n: int(c[0]) for n, c in price(module, [values]).columns().items()
    }


def _kept(decision, values):
    """What a list of values keeps: of k of n, all selections of the members of the lone ones."""
    members = {v[0] for v in values if isinstance(v, tuple) and len(v) == 1}

    def stays(v):
        return v in values or (isinstance(v, tuple) and v != () and members.issuperset(v))

    return tuple(v for v in decision.domain if stays(v))


def test_a_narrowed_space_has_all_candidates_that_are_left(small_space):
    after = narrow(small_space, {"kernel": 3})
    assert list(after.decisions) == ["arm"]
    found = {structural_hash(resolve(after, {"arm": arm})) for arm in ("conv", "pool")}
    assert found == {
        structural_hash(resolve(small_space, {"kernel": k, "arm": arm}))
        for k, arm in product([3], ["conv", "pool"])
    }


def test_dropped_alternatives_go_from_real_spaces(zoo_space):
    module = zoo_space("darts")
    after = PassManager.from_text("narrow{*.op=[skip,max3]},canonicalize,dce").run(module)
    assert {d.domain for n, d in after.decisions.items() if n.endswith(".op")} == {("max3", "skip")}
    choices = [op for f in after.functions.values() for op in f.operations if op.name == "choice"]
    assert {len(op.operands) for op in choices} == {2}
    assert all(str(op.attributes["selector"]).startswith("index(") for op in choices)
    assert not any(f.definition == "sep_conv" for f in after.functions.values())


@pytest.mark.parametrize("name", ["mobile_fashion", "darts"])
def test_candidates_of_the_zoo_are_those_of_narrowed_spaces(zoo_space, name):
    module = zoo_space(name)
    rng = np.random.default_rng(0)
    for assignment in sample(module, 4, seed=3):
        kept = {}
        for d in module.decisions.values():
            others = rng.choice(len(d), size=2, replace=True)
            kept[d.name] = [choice_text(v) for v in {assignment[d.name], *(d.domain[i] for i in others)}]
        after = PassManager.from_text("canonicalize,dce").run(narrow(module, kept))
        left = {n: v for n, v in assignment.items() if n in after.decisions}
        assert 10 < len(after.decisions) <= len(module.decisions)
        assert structural_hash(resolve(after, left)) == structural_hash(resolve(module, assignment))


def test_labels_and_places_are_those_of_the_module():
    before = [parse_module(SPACE), parse_module(SPACE.replace('["x", "y", "z"]', '["p", "q", "r"]'))]
    shared = [value_of(d) for module in before for d in (module.decisions["edges"], module.decisions["k"])]
    module = parse_module(SPACE)
    after = narrow(module, {"edges": "-z"})
    assert after.decisions["edges"].labels == ("x", "y", "z")
    assert after.decisions["k"] is module.decisions["k"]
    shared.append(value_of(after.decisions["edges"]))
    assert narrow(before[1], {"edges": "-r"}).decisions["edges"].labels == ("p", "q", "r")
