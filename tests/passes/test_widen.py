"""Widening: more channels, the same function, whatever ties the channels together."""

import networks
import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from morphisms import assert_same_function, difference, exact_weights, transformed
from tiny_networks import network, random_weights

from drawloom.ir import UserError, parse_module, structural_hash
from drawloom.passes import PASSES, Context, PassManager, network_cost


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network_computes_the_same(module):
    assert_same_function(module, "widen{factor=1.6}")


def test_a_mobile_network_in_single_precision(mobilenet):
    module = mobilenet(0.25)
    weights = random_weights(module)
    wider, new, context = transformed(module, "widen{factor=1.5,seed=3}", weights)
    assert difference((module, weights), (wider, new), batch=1) < 1e-5
    # all but the channels of the output
    assert context.statistics["widen"]["groups left alone"] == 1
    assert network_cost(wider).parameters > 2 * network_cost(module).parameters


def test_twice_the_width_is_the_published_network_of_that_width(mobilenet, darts_v2):
    wider = PassManager.from_text("widen{factor=2}").run(mobilenet(1.0, 224, 1000))
    assert structural_hash(wider) == structural_hash(mobilenet(2.0, 224, 1000))
    wider = PassManager.from_text("widen{factor=2}").run(darts_v2(4))
    assert structural_hash(wider) == structural_hash(darts_v2(8))


def test_darts(darts_v2):
    wider = assert_same_function(darts_v2(4), "widen{factor=1.5}")
    assert wider.functions.keys() >= darts_v2(4).functions.keys()


ALONE = {
    "depthwise": lambda o, x: o(
        "conv2d", o("conv2d", o("conv2d", x, out=4, kernel=1), out=4, kernel=3, groups=4), out=3, kernel=1
    ),
    "depthwise with two filters a channel": lambda o, x: o(
        "conv2d",
        o("conv2d", o("conv2d", x, out=4, kernel=1), out=8, kernel=3, groups=4, bias=True),
        out=3,
        kernel=1,
    ),
    "gate": lambda o, x: (
        lambda h: o(
            "conv2d",
            o("mul", [h, o("sigmoid", o("conv2d", o("global_avg_pool", h, keep=True), out=6, kernel=1))]),
            out=2,
            kernel=1,
        )
    )(o("conv2d", x, out=6, kernel=3)),
    "flatten": lambda o, x: o("linear", o("flatten", o("relu", o("conv2d", x, out=4, kernel=1))), out=5),
    "flatten and concat": lambda o, x: (
        lambda h: o("linear", o("batch_norm", o("concat", [o("flatten", h), o("global_avg_pool", h)])), out=5)
    )(o("conv2d", x, out=4, kernel=1)),
    "concat and slice": lambda o, x: (
        lambda a, b: o("conv2d", o("slice", o("concat", [a, b, a]), axis=0, begin=2, end=9), out=3, kernel=1)
    )(o("conv2d", x, out=4, kernel=1), o("conv2d", x, out=3, kernel=1)),
    "residual around a concat": lambda o, x: (
        lambda a, b: o(
            "conv2d", o("add", [o("concat", [a, b]), o("conv2d", x, out=7, kernel=1)]), out=3, kernel=1
        )
    )(o("conv2d", x, out=4, kernel=1), o("conv2d", x, out=3, kernel=1)),
    "differences and means": lambda o, x: (
        lambda a, b, c: o(
            "conv2d",
            o("weighted_sum", [o("sub", [a, b]), o("mean", [b, c]), o("affine", a)]),
            out=3,
            kernel=1,
        )
    )(*(o("conv2d", x, out=4, kernel=1) for _ in range(3))),
    "linear layers": lambda o, x: o(
        "linear", o("batch_norm", o("relu", o("linear", o("flatten", x), out=6))), out=3
    ),
    "sequence": lambda o, x: o(
        "linear", o("batch_norm", o("linear", o("reshape", x, shape=(4, 36)), out=6)), out=3
    ),
}


@pytest.mark.parametrize("name", ALONE)
def test_channels_are_followed(name):
    module = network(ALONE[name], (4, 6, 6))
    wider = assert_same_function(module, "widen{factor=2}")
    assert network_cost(wider).parameters > network_cost(module).parameters


LEFT = {
    "grouped": lambda o, x: o("conv2d", o("conv2d", x, out=4, kernel=1), out=6, kernel=3, groups=2),
    "shuffled": lambda o, x: o(
        "conv2d", o("channel_shuffle", o("conv2d", x, out=4, kernel=1), groups=2), out=2, kernel=1
    ),
    "softmax": lambda o, x: o("linear", o("softmax", o("linear", o("flatten", x), out=6)), out=3),
    "two arrangements": lambda o, x: o(
        "linear",
        o("add", [o("flatten", o("conv2d", x, out=4, kernel=1)), o("linear", o("flatten", x), out=144)]),
        out=2,
    ),
    "broadcast": lambda o, x: o("mul", [x, o("sigmoid", o("conv2d", x, out=1, kernel=1))]),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_widen_is_left_alone_and_counted(name):
    module = network(LEFT[name], (4, 6, 6))
    weights = exact_weights(module)
    same, new, context = transformed(module, "widen{factor=2}", weights)
    assert same is module
    assert new == weights
    assert context.statistics["widen"].keys() == {"groups left alone"}


def test_calls_that_share_their_weights_widen_together():
    text = """module @m {
      block @b(%x: f32[4, 5, 5]) -> f32[4, 5, 5] {
        %0 = conv2d %x {out=6, kernel=3, pad=1, param="up"} : f32[6, 5, 5]
        %1 = conv2d %0 {out=4, kernel=1, param="down"} : f32[4, 5, 5]
        return %1
      }
      network @m(%x: f32[4, 5, 5]) -> f32[3, 5, 5] {
        %0 = call @b(%x) {param="shared"} : f32[4, 5, 5]
        %1 = call @b(%0) {param="shared"} : f32[4, 5, 5]
        %2 = call @b(%1) {param="own"} : f32[4, 5, 5]
        %3 = conv2d %2 {out=3, kernel=1, param="head"} : f32[3, 5, 5]
        return %3
      }
    }"""
    module = parse_module(text)
    wider = assert_same_function(module, "widen{factor=2}")
    # what the shared calls hand on is what the network gives them: only their inside is wider
    shared, own = (f for f in wider.functions.values() if f.kind == "block")
    assert [op.attributes["out"] for op in shared.operations] == [12, 4]
    assert [op.attributes["out"] for op in own.operations] == [12, 8]
    both = assert_same_function(module, "widen{shared.up=9,own.up=9}")
    assert [f.name for f in both.functions.values()] == ["b", "m"]


def test_one_weight_of_two_operations_widens_for_both():
    def made(o, x):
        a = o("conv2d", o("conv2d", x, out=6, kernel=1, param="first"), out=4, kernel=1, param="same")
        b = o("conv2d", o("conv2d", x, out=6, kernel=1, param="second"), out=4, kernel=1, param="same")
        return [o("global_avg_pool", a), o("conv2d", b, out=3, kernel=1)]

    module = network(made, (4, 6, 6))
    wider = assert_same_function(module, "widen{factor=2}")
    outs = {op.param: op.attributes["out"] for op in wider.entry.operations if op.name == "conv2d"}
    assert (outs["first"], outs["second"], outs["same"]) == (12, 12, 4)


@pytest.mark.parametrize("shared", ["batch_norm", "conv2d"])
def test_one_weight_along_the_channels_of_two_layers(shared):
    attributes = {"kernel": 3, "groups": 4, "out": 4} if shared == "conv2d" else {}

    def made(o, x):
        a, b = o("conv2d", x, out=4, kernel=1), o("conv2d", x, out=4, kernel=1)
        both = [o(shared, h, param="same", **attributes) for h in (a, b)]
        return o("conv2d", o("concat", both), out=3, kernel=1)

    module = network(made, (4, 6, 6))
    wider = assert_same_function(module, "widen{layer0=7}")
    assert [op.attributes["out"] for op in wider.entry.operations if op.name == "conv2d"][:2] == [7, 7]


def test_copies_are_drawn_by_the_seed_and_differ_by_the_noise():
    module = network(lambda o, x: o("conv2d", o("conv2d", x, out=8, kernel=1), out=3, kernel=1), (4, 6, 6))
    weights = exact_weights(module)

    def filters(pipeline):
        return transformed(module, pipeline, weights)[1]["layer0.weight"].reshape(12, -1)

    first = filters("widen{factor=1.5,seed=1}")
    assert np.array_equal(first, filters("widen{factor=1.5,seed=1}"))
    assert not np.array_equal(first, filters("widen{factor=1.5,seed=2}"))
    assert len(np.unique(first, axis=0)) == 8
    noisy = filters("widen{factor=1.5,seed=1,noise=0.1}")
    assert len(np.unique(noisy, axis=0)) == 12
    same = (noisy == first).all(axis=1)
    assert same.sum() == 8
    spread = np.abs(noisy - first)[~same].std()
    assert 0.01 < spread / weights["layer0.weight"].std() < 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("factor=0.5", "factor=0.5 of widen is below 1"),
        ("noise=-1.0", "noise=-1.0 of widen is negative"),
        ("layer1=2", "the channels of 'layer1' cannot change: it is an output of the network"),
        ("layer0=7", "'layer0' has 8 channels, it cannot be widened to 7"),
        ("layers=leyer0", "no layer fits 'leyer0'"),
        ("layer0=9,*0=10", "two widths are asked for one group of channels: 9, 10"),
    ],
)
def test_bad_options(options, message):
    module = network(lambda o, x: o("conv2d", o("conv2d", x, out=8, kernel=1), out=3, kernel=1), (4, 6, 6))
    with pytest.raises(UserError, match=message):
        PassManager.from_text(f"widen{{{options}}}").run(module)


def test_a_width_by_pattern_leaves_alone_what_cannot_have_it():
    module = network(lambda o, x: o("conv2d", o("conv2d", x, out=8, kernel=1), out=3, kernel=1), (4, 6, 6))
    wider, _, context = transformed(module, "widen{layer*=12}", exact_weights(module))
    assert [op.attributes["out"] for op in wider.entry.operations] == [12, 3]
    assert context.statistics["widen"]["groups left alone"] == 1


def test_a_space_is_refused(small_space):
    with pytest.raises(UserError, match=r"'small' still has 2 open decisions"):
        PassManager.from_text("widen{factor=2}").run(small_space, Context(PASSES))


def test_a_width_that_is_read_in_parts():
    module = network(ALONE["residual around a concat"], (4, 6, 6))
    with pytest.raises(
        UserError, match="the width of 'layer2' cannot be set: its channels are several groups"
    ):
        PassManager.from_text("widen{layer2=9}").run(module)


def test_networks_by_hand_stay_as_functions():
    wider = assert_same_function(networks.mobile(), "widen{factor=1.25}")
    assert wider.functions.keys() == networks.mobile().functions.keys()
