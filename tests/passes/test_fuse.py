"""Kernels as functions: the same network, outlined by the rule that the TVM backend compiles by."""

import networks
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from morphisms import assert_same_function, difference, exact_weights
from tiny_networks import network

from drawloom.ir import Module, UserError, verify
from drawloom.passes import PASSES, Context, PassManager, network_cost
from drawloom.passes.fuse import fuse, partition


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network_computes_the_same(module):
    fused = fuse(module)
    verify(fused)
    assert all(f.kind == "op" for f in fused.functions.values() if f is not fused.entry)
    assert {op.name for op in fused.entry.operations} <= {"call", "reshape", "flatten"}
    weights = exact_weights(module)
    assert difference((module, weights), (fused, weights)) < 1e-9
    assert kernel_calls(fuse(fused)) == kernel_calls(fused)


def kernel_calls(fused: Module) -> list[str]:
    return [op.attributes.get("callee", op.name) for op in fused.entry.operations]


@pytest.mark.parametrize("build", [networks.mobile, networks.cells])
def test_weights_and_outputs_stay(build):
    module = build()
    fused = assert_same_function(module, "fuse")
    assert network_cost(fused).parameters == network_cost(module).parameters
    assert network_cost(fused).multiply_adds == network_cost(module).multiply_adds


def test_kernels_of_published_networks(mobilenet):
    context = Context(PASSES)
    PassManager.from_text("fuse").run(mobilenet(1.0, 224, 1000), context)
    # 52 convolutions, the pooling and the classifier; batch norms, activations and residual sums are in them
    assert context.statistics["fuse"]["kernels"] == 54
    assert context.statistics["fuse"]["distinct kernels"] < 40


def kernels_of(make, *shapes) -> list[str]:
    """The kernels of a small network in the order in which they run."""
    return [" ".join(op.name for op in kernel) for kernel in partition(network(make, *shapes).entry)]


X = (4, 6, 6)

PARTITIONS = {
    "a value read twice is stored": (
        lambda o, x: (lambda h: o("add", [o("relu", h), h]))(o("conv2d", x, out=4, kernel=1)),
        ["conv2d", "relu add"],
    ),
    "an output is read": (
        lambda o, x: (lambda h: [h, o("relu", h)])(o("conv2d", x, out=4, kernel=1)),
        ["conv2d", "relu"],
    ),
    "a sum joins the kernel that runs last": (
        lambda o, x: o("sum", [o("conv2d", x, out=4, kernel=1), o("max_pool", x, kernel=1), x]),
        ["conv2d", "max_pool sum"],
    ),
    "a kernel moves behind what it reads besides": (
        lambda o, x: (
            lambda a, b: o("add", [o("sigmoid", o("concat", [b, b])), o("tanh", o("mul", [a, a]))])
        )(o("conv2d", x, out=8, kernel=1), o("avg_pool", x, kernel=1)),
        ["conv2d", "avg_pool", "concat", "sigmoid", "mul tanh add"],
    ),
    "a kernel waits for an operand that is no kernel's to finish": (
        lambda o, x: o("add", [o("conv2d", x, out=8, kernel=1), o("concat", [x, x])]),
        ["concat", "conv2d add"],
    ),
    "a difference joins the kernel of its first tensor only": (
        lambda o, x: [
            o("sub", [x, o("max_pool", x, kernel=1)]),
            o("sub", [o("avg_pool", x, kernel=1), o("relu", x)]),
        ],
        ["max_pool", "sub", "relu", "avg_pool sub"],
    ),
    "a gate is not the base": (
        lambda o, x: o(
            "mul", [x, o("sigmoid", o("conv2d", o("global_avg_pool", x, keep=True), out=4, kernel=1))]
        ),
        ["global_avg_pool", "conv2d sigmoid", "mul"],
    ),
    "batch norm of rows": (
        lambda o, x: o("batch_norm", o("linear", o("reshape", x, shape=(4, 36)), out=5)),
        ["reshape", "linear", "batch_norm"],
    ),
    "what takes in nothing": (
        lambda o, x: o("relu", o("softmax", o("relu", o("slice", x, axis=0, begin=0, end=2)))),
        ["slice", "relu", "softmax", "relu"],
    ),
}


@pytest.mark.parametrize("name", PARTITIONS)
def test_partitions(name):
    make, expected = PARTITIONS[name]
    assert kernels_of(make, X) == expected


def test_equal_kernels_are_one_function_whatever_their_weights_are_called():
    def made(o, x):
        for _ in range(3):
            x = o("relu", o("conv2d", x, out=4, kernel=3, pad=1))
        return x

    # the last components of the paths differ: the names of weights stay
    assert len(fuse(network(made, X)).functions) == 4

    def named(o, x):
        for i in range(3):
            x = o("relu", o("conv2d", x, out=4, kernel=3, pad=1, param=f"layer.{i}.conv"))
        return x

    fused = fuse(network(named, X))
    assert list(fused.functions) == ["conv2d_relu", "tiny"]
    assert [op.param for op in fused.entry.calls()] == ["layer.0", "layer.1", "layer.2"]


def test_a_kernel_named_like_the_network():
    flat = network(lambda o, x: o("relu", x), X)
    module = Module("relu", {"relu": fuse(flat).functions["relu"], "tiny": fuse(flat).entry})
    assert list(fuse(module).functions) == ["relu", "tiny"]


def test_a_space_is_refused(small_space):
    with pytest.raises(UserError, match="kernels are those of a network"):
        PassManager.from_text("fuse").run(small_space)
