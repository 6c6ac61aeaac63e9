"""Pruning: what is left computes what the whole network does when nobody reads the channels that went."""

import networks
import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from morphisms import difference, exact_weights, transformed
from tiny_networks import network

from drawloom.ir import UserError, parse_module, structural_hash
from drawloom.passes import PASSES, Context, PassManager, network_cost
from drawloom.passes.channels import find_channels
from drawloom.passes.instances import separated
from drawloom.passes.prune_channels import PruneChannels


def unread(module, kept, weights):
    """The weights with zeros for every channel that a layer reads and that is not kept."""
    channels = find_channels(separated(module))
    result = dict(weights)
    for path, layer in channels.layers.items():
        reads = np.repeat(kept[layer.inputs.atoms], layer.inputs.sizes)
        weight = result[f"{path}.weight"].copy()
        weight[:, ~reads] = 0
        result[f"{path}.weight"] = weight
    return result


def assert_what_went_was_not_read(module, keep):
    """Compare a pruned network with the whole one, whose layers read zeros where a channel went."""
    weights = exact_weights(module)
    pruned, new, _ = transformed(module, f"prune-channels{{keep={keep}}}", weights)
    assert [v.type for v in pruned.entry.outputs] == [v.type for v in module.entry.outputs]
    channels = find_channels(separated(module))
    kept = PruneChannels(keep=keep).counts(channels, Context(PASSES, weights=weights)) == 1
    assert difference((module, unread(module, kept, weights)), (pruned, new)) < 1e-9
    return network_cost(pruned).parameters < network_cost(module).parameters


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network_computes_what_it_does_without_reading_what_went(module):
    assert_what_went_was_not_read(module, 0.4)


def test_a_network_with_gates_and_residual_sums():
    assert assert_what_went_was_not_read(networks.mobile(), 0.5)


def test_darts(darts_v2):
    assert assert_what_went_was_not_read(darts_v2(4), 0.3)


def test_half_the_width_is_the_published_network_of_that_width(mobilenet, darts_v2):
    pruned = PassManager.from_text("prune-channels{keep=0.5}").run(mobilenet(2.0, 224, 1000))
    assert structural_hash(pruned) == structural_hash(mobilenet(1.0, 224, 1000))
    assert network_cost(pruned).parameters == 3_504_872
    pruned = PassManager.from_text("prune-channels{keep=0.5}").run(darts_v2(8))
    assert structural_hash(pruned) == structural_hash(darts_v2(4))


def test_the_largest_filters_stay_in_order():
    module = network(lambda o, x: o("conv2d", o("conv2d", x, out=5, kernel=1), out=3, kernel=1), (2, 4, 4))
    weights = exact_weights(module)
    weights["layer0.weight"] = np.array([3.0, -1, 5, 0, -4])[:, None] * np.ones((1, 2)) / 2
    weights["layer0.weight"] = weights["layer0.weight"].reshape(5, 2, 1, 1)
    _, new, _ = transformed(module, "prune-channels{keep=0.6}", weights)
    assert new["layer0.weight"][:, 0, 0, 0].tolist() == [1.5, 2.5, -2.0]
    assert np.array_equal(new["layer1.weight"], weights["layer1.weight"][:, [0, 2, 4]])
    _, new, _ = transformed(module, "prune-channels{keep=0.6,by=first}", weights)
    assert new["layer0.weight"][:, 0, 0, 0].tolist() == [1.5, -0.5, 2.5]


def test_all_makers_of_a_channel_count():
    def made(o, x):
        a, b = o("conv2d", x, out=3, kernel=1), o("conv2d", x, out=3, kernel=1)
        return o("conv2d", o("add", [a, b]), out=2, kernel=1)

    module = network(made, (1, 4, 4))
    weights = exact_weights(module)
    weights["layer0.weight"] = np.array([5.0, 1, 3]).reshape(3, 1, 1, 1)
    weights["layer1.weight"] = np.array([1.0, 6, 2]).reshape(3, 1, 1, 1)
    _, new, _ = transformed(module, "prune-channels{layer0=2}", weights)
    assert new["layer0.weight"].ravel().tolist() == [5.0, 1.0]
    assert new["layer1.weight"].ravel().tolist() == [1.0, 6.0]


def test_every_part_of_a_concat_keeps_a_channel():
    def made(o, x):
        a, b = o("conv2d", x, out=2, kernel=1), o("conv2d", x, out=6, kernel=1)
        both = o("add", [o("concat", [a, b]), o("conv2d", x, out=8, kernel=1)])
        return o("conv2d", both, out=2, kernel=1)

    module = network(made, (1, 4, 4))
    weights = exact_weights(module)
    weights["layer0.weight"] *= 1e-3
    pruned, _, context = transformed(module, "prune-channels{keep=0.01}", weights)
    assert [op.attributes["out"] for op in pruned.entry.operations if op.name == "conv2d"] == [1, 1, 2, 2]
    assert context.statistics["prune-channels"] == {
        "groups pruned": 2,
        "channels removed": 6,
        "groups left alone": 1,
    }


def test_numbers_are_rounded_to_multiples(mobilenet):
    pruned = PassManager.from_text("prune-channels{keep=0.4,multiple=8}").run(mobilenet(1.0, 32, 10))
    widths = [
        op.attributes["out"] for f in pruned.functions.values() for op in f.operations if op.name == "conv2d"
    ]
    assert all(width % 8 == 0 for width in widths)
    assert max(widths) == 512
    assert min(widths) == 8


def test_the_scores_of_an_auxiliary_head_stay():
    module = networks.auxiliaries()
    (pruned, weights, _) = transformed(module, "prune-channels{keep=0.5}", exact_weights(module))
    heads = [op for f in pruned.functions.values() for op in f.operations if op.name == "auxiliary"]
    assert [op.operands[1].type.shape for op in heads] == [(3,), (3,)]
    assert weights["late.linear.weight"].shape == (3, 2)


def test_without_weights_the_structure_is_the_same():
    module = networks.mobile()
    pruned, _, _ = transformed(module, "prune-channels{keep=0.5}", exact_weights(module))
    assert structural_hash(PassManager.from_text("prune-channels{keep=0.5}").run(module)) == structural_hash(
        pruned
    )


def test_grouped_convolutions_are_left_alone():
    def made(o, x):
        h = o("conv2d", o("conv2d", x, out=8, kernel=1), out=8, kernel=3, groups=2)
        return o("conv2d", o("conv2d", h, out=8, kernel=1), out=2, kernel=1)

    module = network(made, (4, 6, 6))
    pruned, _, context = transformed(module, "prune-channels{keep=0.5}", exact_weights(module))
    assert [op.attributes["out"] for op in pruned.entry.operations] == [8, 8, 4, 2]
    assert context.statistics["prune-channels"]["groups left alone"] == 2


def test_one_of_several_calls():
    body = """(%x: f32[4, 5, 5]) {mid=6} -> f32[4, 5, 5] {
        %0 = conv2d %x {out=6, kernel=1, param="up"} : f32[6, 5, 5]
        %1 = conv2d %0 {out=4, kernel=1, param="down"} : f32[4, 5, 5]
        return %1
      }"""
    text = f"""module @m {{
      op @f{body}
      op @g of @f{body}
      network @m(%x: f32[4, 5, 5]) -> f32[4, 5, 5] {{
        %0 = call @f(%x) {{param="a"}} : f32[4, 5, 5]
        %1 = call @f(%0) {{param="b"}} : f32[4, 5, 5]
        %2 = call @g(%1) {{param="c"}} : f32[4, 5, 5]
        return %2
      }}
    }}"""
    module = parse_module(text)
    pruned = PassManager.from_text("prune-channels{b.up=3}").run(module)
    # what the user wrote twice stays twice
    assert list(pruned.functions) == ["f", "f.2", "g", "m"]
    assert all(pruned.functions[name] is module.functions[name] for name in "fg")
    assert "mid" not in pruned.functions["f.2"].arguments
    assert [op.attributes["out"] for op in pruned.functions["f.2"].operations] == [3, 4]


def test_nothing_to_do():
    module = networks.mobile()
    assert PassManager.from_text("prune-channels").run(module) is module


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("keep=0", "keep=0.0 of prune-channels is not above 0"),
        ("keep=1.5", r"keep=1.5 of prune-channels is not above 0 and at most 1"),
        ("multiple=0", "multiple=0 of prune-channels is not at least 1"),
        ("by=l2", r"by=l2 of prune-channels is unknown \(known: l1, first\)"),
        ("stem.convs=4", r"no layer fits 'stem.convs' \(did you mean 'stem.conv'\?\)"),
        ("stem.conv=0", "'stem.conv' has 8 channels, 0 cannot be left of them"),
        ("linear=4", "the channels of 'linear' cannot change: it is an output of the network"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UserError, match=message):
        PassManager.from_text(f"prune-channels{{{options}}}").run(networks.mobile())


def test_spaces_are_refused(small_space):
    with pytest.raises(UserError, match="widths change in resolved networks only"):
        PassManager.from_text("prune-channels{keep=0.5}").run(small_space)
