"""Children of two assignments: where their values come from, and what is refused."""

from collections import Counter

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.ir import UserError, structural_hash
from drawloom.passes import (
    PassManager,
    active_decisions,
    crossover,
    parse_pipeline,
    pipeline_text,
    resolve,
    satisfied,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_values_come_from_the_parent_in_which_they_matter(data):
    module = data.draw(modules().filter(lambda m: m.decisions and not m.constraints))
    first, second = data.draw(assignments(module)), data.draw(assignments(module))
    rng = np.random.default_rng(data.draw(st.integers(0, 50)))
    method = data.draw(st.sampled_from(["uniform", "one-point"]))
    child = crossover(module, first, second, rng, method)
    assert list(child) == list(module.decisions)
    one, other = active_decisions(module, first), active_decisions(module, second)
    for name, value in child.items():
        wanted = {
            (True, True): {first[name], second[name]},
            (True, False): {first[name]},
            (False, True): {second[name]},
            (False, False): {first[name]},
        }[name in one, name in other]
        assert value in wanted
    same = crossover(module, first, first, rng, method)
    assert structural_hash(resolve(module, same)) == structural_hash(resolve(module, first))


@pytest.fixture
def parents(zoo_space):
    """The mobile space and two parents without a common value; all its decisions always matter."""
    module = zoo_space("mobile_fashion")
    first = {d.name: d.domain[0] for d in module.decisions.values()}
    second = {d.name: d.domain[-1] for d in module.decisions.values()}
    assert active_decisions(module, first) == active_decisions(module, second) == set(first)
    return module, first, second


def origins(child, first, second) -> list[int]:
    """For each decision the parent, 0 or 1, that its value comes from."""
    return [int(child[n] != first[n]) if child[n] in (first[n], second[n]) else -1 for n in first]


def test_uniform_takes_each_from_either_with_equal_probability(parents):
    module, first, second = parents
    rng = np.random.default_rng(0)
    rows = np.array([origins(crossover(module, first, second, rng), first, second) for _ in range(400)])
    assert set(np.unique(rows)) == {0, 1}
    # five standard deviations of a mean of 400 coins
    assert np.abs(rows.mean(axis=0) - 0.5).max() < 5 * 0.5 / 20
    # neighbours are independent
    assert 0.4 < (rows[:, 1:] == rows[:, :-1]).mean() < 0.6


def test_one_point_cuts_once_anywhere(parents):
    module, first, second = parents
    rng = np.random.default_rng(0)
    cuts = Counter()
    for _ in range(400):
        row = origins(crossover(module, first, second, rng, "one-point"), first, second)
        assert row == sorted(row)
        cuts[row.index(1)] += 1
    assert set(cuts) == set(range(1, len(first)))


def test_what_matters_in_one_parent_comes_along(space_of):
    module = space_of(
        """
        network n(x: f32[8, 8, 8]) {
            return choose op { skip: x  conv: conv(x; 8, kernel=choose k from [1, 3, 5]) }
        }
        """
    )
    op, k = module.decisions
    skipping, convolving = {op: "skip", k: 1}, {op: "conv", k: 5}
    rng = np.random.default_rng(0)
    children = [crossover(module, skipping, convolving, rng) for _ in range(40)]
    assert {tuple(c.values()) for c in children} == {("skip", 5), ("conv", 5)}


def test_children_meet_the_constraints(space_of):
    module = space_of(
        """
        network n(x: f32[3, 8, 8]) {
            a = choose a from [8, 16, 32, 64]
            b = choose b from [8, 16, 32, 64]
            require params(network) <= 9K, "too large"
            return x |> conv(a, kernel=3) |> conv(b, kernel=3)
        }
        """
    )
    rng = np.random.default_rng(0)
    wide, deep = {"a": 64, "b": 8}, {"a": 8, "b": 64}
    assert satisfied(module, [wide, deep]).tolist() == [True, True]
    found = {tuple(crossover(module, wide, deep, rng).values()) for _ in range(60)}
    assert found == {(64, 8), (8, 64), (8, 8)}
    with pytest.raises(UserError, match="no child of the two assignments that was tried meets"):
        crossover(module, {"a": 64, "b": 64}, {"a": 64, "b": 64}, rng)


def test_mistakes_are_named(small_space):
    rng = np.random.default_rng(0)
    whole = {"kernel": 3, "arm": "conv"}
    with pytest.raises(UserError, match=r"unknown method of crossover 'uniforms' .did you mean 'uniform'"):
        crossover(small_space, whole, whole, rng, "uniforms")
    with pytest.raises(UserError, match="decision 'arm' is not assigned"):
        crossover(small_space, whole, {"kernel": 3}, rng)
    for text, message in {
        "crossover{kernel=[3,5,7]}": "'kernel' has 3 values",
        "crossover{kernels=3}": "unknown decision 'kernels'",
        "crossover{kernel=[3,4]}": "'4' is not a value of decision 'kernel'",
    }.items():
        with pytest.raises(UserError, match=message):
            PassManager.from_text(text).run(small_space)


def test_the_pass_assigns_a_child(small_space):
    text = "crossover{kernel=[3,5],arm=conv},canonicalize,dce"
    assert pipeline_text(parse_pipeline(text)) == text
    kernels = set()
    for seed in range(12):
        after = PassManager.from_text(text.replace("{", f"{{seed={seed},")).run(small_space)
        assert after.resolved
        kernels |= {op.attributes["kernel"] for op in after.entry.operations if op.name == "conv2d"}
    assert kernels == {(3, 3), (5, 5)}


def test_unnamed_decisions_differ_between_the_parents(zoo_space):
    module = zoo_space("mobile_fashion")
    found = {structural_hash(PassManager.from_text(f"crossover{{seed={s}}}").run(module)) for s in range(5)}
    assert len(found) == 5
