"""Deepening: inserted layers change nothing."""

import math

import networks
import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from morphisms import assert_same_function, difference, exact_weights, transformed
from tiny_networks import network, random_weights

from drawloom.backends.reference import run
from drawloom.ir import UserError, parse_module
from drawloom.passes import PassManager
from drawloom.passes.deepen import clipped_moments


def names(module):
    return [op.name for op in module.entry.operations]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network_computes_the_same(module):
    assert_same_function(module, "deepen{after=*}")


def test_a_mobile_network_in_single_precision(mobilenet):
    module = mobilenet(0.25)
    weights = random_weights(module)
    deeper, new, context = transformed(module, "deepen{after=[*layer.1*,conv_bn.*,linear],times=2}", weights)
    assert difference((module, weights), (deeper, new), batch=1) < 1e-5
    assert context.statistics["deepen"].keys() == {"layers inserted"}
    assert context.statistics["deepen"]["layers inserted"] > 20


def test_darts(darts_v2):
    assert_same_function(darts_v2(4), "deepen{after=*}")


def test_deeper_and_wider_and_deeper(mobilenet):
    assert_same_function(
        mobilenet(0.25), "deepen{after=stage.1.*,kernel=1},widen{factor=1.3},deepen{after=*_deeper}"
    )


def test_the_pattern_is_repeated():
    def made(o, x):
        h = o("relu6", o("batch_norm", o("conv2d", x, out=4, kernel=3, stride=2, dilation=2, groups=4)))
        return o("conv2d", h, out=3, kernel=1, bias=True)

    module = network(made, (4, 9, 9))
    deeper = assert_same_function(module, "deepen{after=*,kernel=5}")
    assert names(deeper) == ["conv2d", "batch_norm", "relu6"] * 2 + ["conv2d", "conv2d"]
    inserted = deeper.entry.operations[3].attributes
    assert (inserted["groups"], inserted["stride"], inserted["dilation"]) == (4, (1, 1), (1, 1))
    assert (inserted["kernel"], inserted["pad"]) == ((5, 5), (2, 2))
    assert deeper.entry.operations[-1].attributes["bias"]


def test_grouped_and_linear_layers():
    def made(o, x):
        h = o("relu", o("conv2d", x, out=6, kernel=3, groups=2, bias=True))
        return o("linear", o("relu", o("batch_norm", o("linear", o("flatten", h), out=5))), out=2)

    deeper = assert_same_function(network(made, (4, 5, 5)), "deepen{after=*}")
    assert names(deeper).count("linear") == 4


def test_what_reads_a_layer_besides_its_batch_norm_reads_the_inserted_layer():
    def made(o, x):
        h = o("conv2d", x, out=4, kernel=1)
        return o("add", [o("hswish", o("batch_norm", h)), h])

    deeper = assert_same_function(network(made, (4, 5, 5)), "deepen{after=layer0}")
    assert names(deeper) == ["conv2d", "conv2d", "batch_norm", "hswish", "add"]


@pytest.mark.parametrize("activation", ["hswish", "hsigmoid", "sigmoid", "swish", "tanh", "softmax"])
def test_activations_that_are_not_idempotent_are_refused(activation):
    module = network(lambda o, x: o(activation, o("batch_norm", o("conv2d", x, out=4, kernel=1))), (4, 5, 5))
    with pytest.raises(UserError, match=f"no layer can be inserted after 'layer0': '{activation}' comes"):
        PassManager.from_text("deepen{after=layer0}").run(module)
    same, _, context = transformed(module, "deepen{after=*}", exact_weights(module))
    assert same is module
    assert context.statistics["deepen"] == {"layers left alone": 1}


def test_shared_weights_are_refused():
    def made(o, x):
        h = o(
            "conv2d", o("relu", o("conv2d", x, out=4, kernel=1, param="same")), out=4, kernel=1, param="same"
        )
        return o("linear", o("flatten", h), out=2)

    module = network(made, (4, 5, 5))
    with pytest.raises(UserError, match="several operations share its weights"):
        PassManager.from_text("deepen{after=same}").run(module)


def test_calls_that_share_their_weights_deepen_together():
    module = networks.cells()
    deeper = assert_same_function(module, "deepen{after=shared.*}")
    assert [len(f.operations) for f in deeper.functions.values() if f.kind == "cell"] == [4, 3]
    assert [op.attributes["callee"] for op in deeper.entry.calls()] == ["cell", "cell", "cell.2"]


def test_inserted_statistics_are_those_of_what_comes_in():
    module = network(lambda o, x: o("relu6", o("batch_norm", o("conv2d", x, out=3, kernel=1))), (1, 64, 64))
    weights = exact_weights(module)
    # each channel is the input, which is normal, so its statistics are known
    weights["layer0.weight"] = np.ones((3, 1, 1, 1))
    weights["layer1.running_mean"], weights["layer1.running_var"] = np.zeros(3), np.ones(3)
    weights["layer1.weight"], weights["layer1.bias"] = np.array([1.0, -2, 4]), np.array([0.5, -1, 3])
    _, new, _ = transformed(module, "deepen{after=layer0}", weights)
    image = np.random.default_rng(0).standard_normal((40, 1, 64, 64))
    (y,) = run(module, weights, [image])
    statistics = [new[f"layer0_deeper_norm.{name}"] for name in ("running_mean", "running_var")]
    np.testing.assert_allclose(statistics[0], y.mean(axis=(0, 2, 3)), rtol=0.02)
    np.testing.assert_allclose(statistics[1], y.var(axis=(0, 2, 3)), rtol=0.02)


def test_paths_that_are_taken():
    text = """module @m { network @m(%x: f32[4, 5, 5]) -> f32[4, 5, 5] {
        %0 = conv2d %x {out=4, kernel=1, param="a"} : f32[4, 5, 5]
        %1 = conv2d %0 {out=4, kernel=1, param="a_deeper"} : f32[4, 5, 5]
        return %1 } }"""
    deeper = assert_same_function(parse_module(text), "deepen{after=a}")
    assert [op.param for op in deeper.entry.operations] == ["a", "a_deeper_", "a_deeper"]


def test_noise_moves_the_inserted_layer_only():
    module = network(lambda o, x: o("conv2d", o("conv2d", x, out=8, kernel=3), out=8, kernel=1), (4, 6, 6))
    weights = exact_weights(module)

    def inserted(options):
        new = transformed(module, f"deepen{{after=layer0{options}}}", weights)[1]
        assert all((new[name] == w).all() for name, w in weights.items())
        return new["layer0_deeper.weight"]

    identity = np.zeros((8, 8, 3, 3))
    identity[range(8), range(8), 1, 1] = 1
    assert np.array_equal(inserted(""), identity)
    noise = inserted(",noise=0.5,seed=2") - identity
    assert np.array_equal(noise, inserted(",noise=0.5,seed=2") - identity)
    assert not np.array_equal(noise, inserted(",noise=0.5,seed=3") - identity)
    assert noise.std() == pytest.approx(0.5 * math.sqrt(2 / (8 * 9)), rel=0.15)


@pytest.mark.parametrize("cap", [math.inf, 6.0])
@pytest.mark.parametrize(("mean", "deviation"), [(0.3, 1.2), (-1.0, 0.5), (5.0, 2.0), (2.0, 4.0), (1.0, 0.0)])
def test_moments_of_what_an_activation_lets_through(mean, deviation, cap):
    z = np.linspace(-9, 9, 400_001)
    density = np.exp(-0.5 * z * z)
    y = np.clip(mean + deviation * z, 0, cap)
    expected = (y * density).sum() / density.sum()
    variance = ((y - expected) ** 2 * density).sum() / density.sum()
    found = clipped_moments(np.array([mean]), np.array([deviation]), cap)
    assert found[0][0] == pytest.approx(expected, abs=1e-6)
    assert found[1][0] == pytest.approx(variance, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("after=layer0,times=0", "times=0 of deepen is below 1"),
        ("after=layer0,noise=-1", "noise=-1.0 of deepen is negative"),
        ("after=layer0,kernel=4", "kernel=4 of deepen is not odd"),
        ("after=layer", r"no layer fits 'layer' \(did you mean 'layer0'\?\)"),
    ],
)
def test_bad_options(options, message):
    module = network(lambda o, x: o("conv2d", x, out=8, kernel=1), (4, 6, 6))
    with pytest.raises(UserError, match=message):
        PassManager.from_text(f"deepen{{{options}}}").run(module)


def test_a_space_is_refused(small_space):
    with pytest.raises(UserError, match="layers are inserted into resolved networks only"):
        PassManager.from_text("deepen{after=*}").run(small_space)
