"""Expanding: afterwards decisions only select, and every assignment still means the same network."""

from collections.abc import Iterator

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.ir import Expr, Module, UserError, parse_module, structural_hash, verify
from drawloom.ir.expression import expressions
from drawloom.passes import PASSES, Context, PassManager, assign, price, resolve, sample

TWO_LAYERS = """
op layer(x; out, k) = x |> conv(out, kernel=k) |> batch_norm |> relu
network net(image: f32[3, 8, 8]) {
    h = image |> layer(choose width from [4, 8], k=choose kernel from [3, 5])
    return h |> layer(6, k=1) |> global_avg_pool |> linear(choose classes from [2, 3])
}
"""


def expanded(module: Module, options: str = "") -> tuple[Module, dict[str, int]]:
    context = Context(PASSES)
    result = PassManager.from_text(f"expand-choices{options}").run(module, context)
    verify(result)
    return result, context.statistics["expand-choices"]


def decided_attributes(module: Module) -> Iterator[Expr]:
    """Expressions anywhere but in selectors, presences and what follows from these."""
    for function in module.functions.values():
        for op in function.operations:
            if op.name != "choice":
                yield from expressions(tuple(op.attributes.values()))
            for weight in op.definition.weights(op).values():
                yield from expressions(weight.type.shape)


def assert_same_candidate(before: Module, after: Module, assignment: dict[str, object]) -> None:
    left = {n: v for n, v in assignment.items() if n in after.decisions}
    assert structural_hash(resolve(after, left)) == structural_hash(resolve(before, assignment))


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_candidates_stay(data):
    module = data.draw(modules())
    after, counts = expanded(module, "{skip=true}")
    assert_same_candidate(module, after, data.draw(assignments(module)))
    if not counts["operations left alone"]:
        assert not list(decided_attributes(after))


@pytest.mark.parametrize("name", ["mobile_fashion", "darts"])
def test_spaces_of_the_zoo(name, zoo_space):
    module = zoo_space(name)
    after, counts = expanded(module)
    assert counts["operations left alone"] == 0
    assert not list(decided_attributes(after))
    assert (after is module) == (name == "darts")
    batch = sample(module, 30, seed=1)
    for assignment in batch.assignments()[:6]:
        assert_same_candidate(module, after, assignment)
    prices = price(module, batch), price(after, sample(after, 30, seed=1))
    for metric in ("parameters", "multiply_adds"):
        assert np.array_equal(prices[0][metric], prices[1][metric])


def test_every_op_is_decided_and_has_weights_of_its_own(space_of):
    after, counts = expanded(space_of(TWO_LAYERS))
    assert counts == {"operations expanded": 3, "operations left alone": 0}
    ops = [f for f in after.functions.values() if f.kind == "op"]
    assert [f.arguments for f in ops[:4]] == [{"out": w, "k": k} for w in (4, 8) for k in (3, 5)]
    paths = [op.param for op in after.entry.operations if op.param]
    assert len(set(paths)) == len(paths) == 4 + 2 + 2
    assert paths[:4] == ["layer.0", "layer.1", "layer.2", "layer.3"]


def test_a_block_is_one_for_each_width_and_keeps_its_own_choices(space_of):
    after, _ = expanded(
        space_of("""
        block b(x; w) = x |> conv(w, kernel=1) |> conv(w, kernel=choose k from [1, 3]) as second
        network n(image: f32[3, 8, 8]) = image |> b(choose width from [4, 8]) |> conv(2, kernel=1)
        """)
    )
    blocks = [f for f in after.functions.values() if f.kind == "block"]
    assert [f.arguments["w"] for f in blocks] == [4, 8]
    assert all(str(f.operations[-1].attributes["selector"]) == "index(@b.k)" for f in blocks)


def test_values_that_come_to_the_same_are_one_alternative(space_of):
    after, counts = expanded(
        space_of("""
        op layer(x; out) = x |> conv(out, kernel=1)
        network n(image: f32[3, 8, 8]) = image |> layer(round8(8 * (choose width from [0.75, 1.0, 2.0])))
                                              |> global_avg_pool |> linear(5)
        """)
    )
    calls = list(after.entry.calls())
    assert [op.results[0].type.shape[0] for op in calls] == [8, 16]
    assert counts["operations expanded"] == 2


def test_calls_that_share_their_weights_share_those_of_each_alternative():
    text = """module @m {
      decision @k : one_of [1, 3]
      op @f(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = conv2d %x {out=4, kernel=@k, pad=@k // 2, param="conv"} : f32[4, 6, 6]
        return %0
      }
      network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = call @f(%x) {param="same"} : f32[4, 6, 6]
        %1 = call @f(%0) {param="same"} : f32[4, 6, 6]
        return %1
      }
    }"""
    module = parse_module(text)
    after, _ = expanded(module)
    assert [op.param for op in after.entry.calls()] == ["same.0", "same.1"] * 2
    for k in (1, 3):
        assert_same_candidate(module, after, {"k": k})


def test_weights_are_shared_where_only_the_size_of_images_is_decided():
    text = """module @m {
      decision @s : one_of [1, 2]
      op @f(%x: f32[2, 6 // @s, 6 // @s]) -> f32[2, 6 // @s, 6 // @s] {
        %0 = conv2d %x {out=2, kernel=1, param="conv"} : f32[2, 6 // @s, 6 // @s]
        return %0
      }
      network @m(%x: f32[2, 6, 6]) -> f32[2] {
        %0 = max_pool %x {kernel=1, stride=@s} : f32[2, (6 - 1) // @s + 1, (6 - 1) // @s + 1]
        %1 = call @f(%0) {param="f"} : f32[2, 6 // @s, 6 // @s]
        %2 = global_avg_pool %1 : f32[2]
        return %2
      }
    }"""
    module = parse_module(text)
    after, _ = expanded(module)
    assert [op.param for op in after.entry.calls()] == ["f", "f"]
    assert len([f for f in after.functions.values() if f.kind == "op"]) == 2


def test_more_alternatives_than_the_limit(space_of):
    module = space_of(TWO_LAYERS)
    with pytest.raises(UserError, match=r"call of @layer.* by width \(4, 8\), kernel \(3, 5\): .* limit=3"):
        PassManager.from_text("expand-choices{limit=3}").run(module)
    after, counts = expanded(module, "{limit=3,skip=true}")
    # the second layer cannot be told apart by widths of the first, which stayed one
    assert counts == {"operations expanded": 1, "operations left alone": 2}
    assert [op.attributes["callee"] for op in after.entry.calls()] == ["layer", "layer_1"]


def test_what_is_left_alone_leaves_nothing_behind():
    text = """module @m {
      decision @i : one_of [0, 1]
      network @m(%a: f32[2, 6, 6], %b: f32[6, 6, 6]) -> f32[4, 6, 6] {
        %0 = choice %a, %b by @i : f32[select(@i, [2, 6]), 6, 6]
        %1 = relu %0 : f32[select(@i, [2, 6]), 6, 6]
        %2 = conv2d %1 {out=4, kernel=1, param="c"} : f32[4, 6, 6]
        return %2
      }
    }"""
    module = parse_module(text)
    same, counts = expanded(module, "{limit=1,skip=true}")
    assert same is module
    assert counts["operations left alone"] == 1
    after, _ = expanded(module)
    assert [op.name for op in after.entry.operations].count("relu") == 3


def test_an_alternative_without_weights():
    text = """module @m {
      decision @arm : one_of ["skip", "conv"]
      decision @k : one_of [1, 3]
      op @f(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = conv2d %x {out=4, kernel=@k, pad=@k // 2, param="conv"} : f32[4, 6, 6]
        %1 = choice %x, %0 by index(@arm) : f32[4, 6, 6]
        return %1
      }
      network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = call @f(%x) {param="f"} : f32[4, 6, 6]
        return %0
      }
    }"""
    module = parse_module(text)
    after, _ = expanded(module)
    assert [op.param for op in after.entry.calls()] == ["f.0", "f.1", "f.2"]
    for assignment in ({"arm": arm, "k": k} for arm in ("skip", "conv") for k in (1, 3)):
        assert_same_candidate(module, after, assignment)


def test_values_for_which_an_operation_is_dead_and_has_no_type():
    text = """module @m {
      decision @g : one_of [1, 2, 3]
      network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = conv2d %x {out=4, kernel=1, groups=@g, param="c"} : f32[4, 6, 6]
        %1 = choice %0, %0, %x by index(@g) : f32[4, 6, 6]
        return %1
      }
    }"""
    module = parse_module(text)
    after, _ = expanded(module)
    assert [op.attributes["groups"] for op in after.entry.operations if op.name == "conv2d"] == [1, 2]
    for g in (1, 2, 3):
        assert_same_candidate(module, after, {"g": g})


def test_a_limit_out_of_range(small_space):
    with pytest.raises(UserError, match="limit=0 of expand-choices is not at least 1"):
        PassManager.from_text("expand-choices{limit=0}").run(small_space)


def test_networks_stay():
    module = assign(expanded_network(), {"k": 3})
    assert PassManager.from_text("expand-choices").run(module) is module


def expanded_network() -> Module:
    return parse_module("""module @m {
      decision @k : one_of [1, 3]
      network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {
        %0 = conv2d %x {out=4, kernel=@k, pad=@k // 2, param="conv"} : f32[4, 6, 6]
        return %0
      }
    }""")
