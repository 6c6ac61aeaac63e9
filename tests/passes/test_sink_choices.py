"""Sinking: the same candidates, with an operation for each alternative of the choice that it read."""

import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawloom.ir import Module, UserError, parse_module, structural_hash, verify
from drawloom.passes import PASSES, Context, PassManager, resolve, sample


def sunk(module: Module, options: str = "") -> tuple[Module, dict[str, int]]:
    context = Context(PASSES)
    result = PassManager.from_text(f"sink-choices{options}").run(module, context)
    verify(result)
    return result, context.statistics["sink-choices"]


def assert_same_candidate(before: Module, after: Module, assignment: dict[str, object]) -> None:
    left = {n: v for n, v in assignment.items() if n in after.decisions}
    assert structural_hash(resolve(after, left)) == structural_hash(resolve(before, assignment))


@pytest.mark.parametrize(
    "options", ["", "{depth=0,limit=8}", "{unequal=true,depth=0}", "{ops=[conv2d,call],depth=2}"]
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_candidates_stay(options, data):
    module = data.draw(modules())
    if "ops" in options:
        assume({"conv2d", "call"} <= {op.name for f in module.functions.values() for op in f.operations})
    after, _ = sunk(module, options)
    assert_same_candidate(module, after, data.draw(assignments(module)))


@pytest.mark.parametrize("options", ["", "{depth=2}"])
def test_a_mobile_space(options, zoo_space):
    module = zoo_space("mobile_fashion")
    after, counts = sunk(module, options)
    assert counts["operations moved"] > 0
    for assignment in sample(module, 5, seed=2).assignments():
        assert_same_candidate(module, after, assignment)


SHAPES = """
op fit(x; c) = if height(x) == 8 { x |> conv(c, kernel=1, stride=2) } else { x |> conv(c, kernel=1) }
block operand(states; c) {
    h = choose input from states
    return fit(h; c) |> relu
}
network n(image: f32[3, 8, 8]) {
    small = image |> max_pool(2, stride=2) |> conv(6, kernel=1)
    return operand([image, small]; 5) |> conv(2, kernel=1) as head
}
"""


def test_alternatives_of_different_shape_become_mixable(space_of):
    module = space_of(SHAPES)
    after, counts = sunk(module, "{unequal=true,depth=0}")
    assert counts == {"operations moved": 1, "operations left alone": 0}
    choices = [op for f in after.functions.values() for op in f.operations if op.name == "choice"]
    made = [
        c for c in choices if all(v.producer is not None and v.producer.name == "call" for v in c.operands)
    ]
    assert [v.type for c in made for v in c.operands] == [made[0].result.type] * 2
    for assignment in ({"operand.input": v} for v in module.decisions["operand.input"].domain):
        assert_same_candidate(module, after, assignment)


NETWORK = """module @m {{
  decision @i : one_of [0, 1]
  decision @j : one_of [0, 1, 2]
  network @m(%a: f32[4, 6, 6], %b: f32[4, 6, 6], %c: f32[4, 6, 6]) -> f32[4, 6, 6] {{
    %x = choice %a, %b by @i : f32[4, 6, 6]
    %y = choice %a, %b, %c by @j : f32[4, 6, 6]
    %z = choice %c, %a by @i : f32[4, 6, 6]
{body}
  }}
}}"""


def names(module: Module) -> list[str]:
    return [op.name for op in module.entry.operations]


def test_choices_by_one_decision_are_split_together():
    module = parse_module(NETWORK.format(body="    %s = sub %x, %z : f32[4, 6, 6]\n    return %s"))
    after, _ = sunk(module)
    assert names(after)[3:] == ["sub", "sub", "choice"]
    pairs = [tuple(v.name for v in op.operands) for op in after.entry.operations if op.name == "sub"]
    assert pairs == [("a", "c"), ("b", "a")]


def test_choices_by_two_decisions_multiply_up_to_the_limit():
    module = parse_module(NETWORK.format(body="    %s = sub %x, %y : f32[4, 6, 6]\n    return %s"))
    after, _ = sunk(module)
    assert names(after).count("sub") == 6
    same, counts = sunk(module, "{limit=5}")
    assert same is module
    assert counts == {"operations moved": 0, "operations left alone": 1}
    one, _ = sunk(module, "{decisions=i}")
    assert names(one).count("sub") == 2


def test_equal_operands_are_one_alternative():
    body = "    %s = choice %a, %b, %a by @j : f32[4, 6, 6]\n    %t = tanh %s : f32[4, 6, 6]\n    return %t"
    after, _ = sunk(parse_module(NETWORK.format(body=body)))
    assert names(after).count("tanh") == 2
    assert str(after.entry.operations[-1].attributes["selector"]) == "select(index(@j), [0, 1, 0])"


def test_decisions_that_do_not_matter_are_not_in_the_selector():
    body = """    %s = choice %a, %a, %a, %b, %b, %b by index(@i) * 3 + index(@j) : f32[4, 6, 6]
    %t = tanh %s : f32[4, 6, 6]
    return %t"""
    after, _ = sunk(parse_module(NETWORK.format(body=body)))
    assert names(after).count("tanh") == 2
    assert str(after.entry.operations[-1].attributes["selector"]) == "index(@i)"


def test_weights_are_one_for_each_input():
    body = """    %s = conv2d %y {{out=4, kernel=1, param="c"}} : f32[4, 6, 6]
    %t = conv2d %s {{out=4, kernel=1, param="d"}} : f32[4, 6, 6]
    return %t""".replace("{{", "{").replace("}}", "}")
    after, _ = sunk(parse_module(NETWORK.format(body=body)))
    assert [op.param for op in after.entry.operations if op.param] == ["c.0", "c.1", "c.2", "d"]
    deeper, _ = sunk(parse_module(NETWORK.format(body=body)), "{depth=2}")
    assert [op.param for op in deeper.entry.operations if op.param] == [
        f"{p}.{i}" for p in "cd" for i in range(3)
    ]


def test_a_type_that_comes_in_from_outside_stays():
    text = """module @m {
      decision @w : one_of [4, 8]
      block @b(%x: f32[@w, 6, 6]) -> f32[@w, 6, 6] {
        %t = tanh %x : f32[@w, 6, 6]
        %r = relu %x : f32[@w, 6, 6]
        %c = choice %t, %r by index(@w) : f32[@w, 6, 6]
        %s = add %c, %x : f32[@w, 6, 6]
        return %s
      }
      network @m(%x: f32[4, 6, 6]) -> f32[6, 6] {
        %0 = conv2d %x {out=@w, kernel=1, param="c"} : f32[@w, 6, 6]
        %1 = call @b(%0) {param="b"} : f32[@w, 6, 6]
        %2 = slice %1 {axis=0, begin=0, end=1} : f32[1, 6, 6]
        %3 = reshape %2 {shape=[6, 6]} : f32[6, 6]
        return %3
      }
    }"""
    module = parse_module(text)
    after, counts = sunk(module)
    assert after is module
    assert counts["operations left alone"] == 1
    both = PassManager.from_text("expand-choices,sink-choices{ops=add}").run(module)
    for w in (4, 8):
        assert_same_candidate(module, both, {"w": w})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{depth=-1}", "depth=-1, limit=64 of sink-choices are out of range"),
        ("{ops=convd}", "no operation fits 'convd'"),
        ("{decisions=kernels}", r"no decision fits 'kernels' .did you mean 'kernel'"),
    ],
)
def test_bad_options(options, message, small_space):
    with pytest.raises(UserError, match=message):
        sunk(small_space, options)
