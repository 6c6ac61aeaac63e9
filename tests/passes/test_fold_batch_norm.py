"""Folding batch norms: the module and its weights change together, the outputs do not."""

import networks
import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.backends.reference import run
from drawloom.backends.weights import check_weights, initialise
from drawloom.ir import Module, parse_module, verify
from drawloom.passes import (
    PASSES,
    Context,
    PassManager,
    fold_batch_norm,
    fold_weights,
    inline_all,
    resolve,
    sample,
)


def random_weights(module: Module) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    fresh = initialise(module)
    return {n: w + rng.uniform(0.2, 1.0, w.shape).astype(np.float32) for n, w in fresh.items()}


def assert_folding_keeps_outputs(module: Module) -> Module:
    weights = random_weights(module)
    kept = {n: w.copy() for n, w in weights.items()}
    folded, new = fold_batch_norm(module), fold_weights(module, weights)
    verify(folded)
    check_weights(folded, new)
    rng = np.random.default_rng(1)
    images = [rng.normal(size=(2, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]
    before, after = run(module, weights, images), run(folded, new, images)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=1e-4 * np.abs(a).max())
    assert all((weights[n] == w).all() for n, w in kept.items())
    return folded


@pytest.mark.parametrize("build", [networks.mobile, networks.branches, networks.cells])
def test_outputs_stay(build):
    assert_folding_keeps_outputs(build())


def test_a_mobile_network_loses_all_its_batch_norms():
    module = networks.mobile()
    folded = assert_folding_keeps_outputs(module)
    assert any(op.name == "batch_norm" for f in module.functions.values() for op in f.operations)
    assert not any(op.name == "batch_norm" for f in folded.functions.values() for op in f.operations)
    flat = assert_folding_keeps_outputs(inline_all(module))
    assert not any(op.name == "batch_norm" for op in flat.entry.operations)


def test_candidates_of_the_zoo(zoo_space):
    module = zoo_space("mobile_fashion")
    for assignment in sample(module, 3, seed=0).assignments():
        assert_folding_keeps_outputs(resolve(module, assignment))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network(module):
    assert_folding_keeps_outputs(module)


def network(body: str) -> Module:
    return parse_module(f"module @m {{\n network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6] {{\n{body}\n }}\n}}\n")


KEPT = {
    "read twice": """
        %c = conv2d %x {out=4, kernel=1, param="c"} : f32[4, 6, 6]
        %n = batch_norm %c {param="n"} : f32[4, 6, 6]
        %s = add %n, %c : f32[4, 6, 6]
        return %s""",
    "not after a convolution": """
        %r = relu %x : f32[4, 6, 6]
        %n = batch_norm %r {param="n"} : f32[4, 6, 6]
        return %n""",
    "convolution shared": """
        %c = conv2d %x {out=4, kernel=1, param="c"} : f32[4, 6, 6]
        %n = batch_norm %c {param="n"} : f32[4, 6, 6]
        %d = conv2d %n {out=4, kernel=1, param="c"} : f32[4, 6, 6]
        return %d""",
    "norm shared": """
        %c = conv2d %x {out=4, kernel=1, param="c"} : f32[4, 6, 6]
        %n = batch_norm %c {param="n"} : f32[4, 6, 6]
        %m = batch_norm %n {param="n"} : f32[4, 6, 6]
        return %m""",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_folded_stays(name):
    module = network(KEPT[name])
    assert fold_batch_norm(module) is module
    weights = random_weights(module)
    assert fold_weights(module, weights).keys() == weights.keys()


def test_a_bias_and_a_norm_without_weights():
    assert_folding_keeps_outputs(
        network(
            """
            %c = conv2d %x {out=4, kernel=3, pad=1, groups=2, bias=true, param="c"} : f32[4, 6, 6]
            %n = batch_norm %c {eps=0.1, affine=false, param="n"} : f32[4, 6, 6]
            return %n"""
        )
    )


def test_a_linear_layer():
    text = """module @m { network @m(%x: f32[8]) -> f32[5] {
        %l = linear %x {out=5, param="l"} : f32[5]
        %n = batch_norm %l {param="n"} : f32[5]
        return %n } }"""
    folded = assert_folding_keeps_outputs(parse_module(text))
    assert [op.name for op in folded.entry.operations] == ["linear"]


def test_the_pass_folds_the_weights_of_its_context():
    module = networks.mobile()
    weights = random_weights(module)
    context = Context(PASSES, weights=weights)
    folded = PassManager.from_text("fold-batch-norm").run(module, context)
    expected = fold_weights(module, weights)
    assert context.weights is not None
    assert context.weights.keys() == expected.keys()
    check_weights(folded, dict(context.weights))


@given(data=st.data())
@settings(max_examples=5)
def test_folding_twice_is_folding_once(data):
    module = data.draw(modules(resolved=True))
    once = fold_batch_norm(module)
    if not any(op.name == "batch_norm" for f in once.functions.values() for op in f.operations):
        assert fold_batch_norm(once) is once
