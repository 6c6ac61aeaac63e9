"""Whole networks against the NumPy reference: every operation, fusion, layouts, several outputs, batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tvm", reason="TVM is not installed")

from tiny_networks import TOKENS, network, random_inputs, random_weights

from drawloom.backends.reference import run
from drawloom.backends.tvm import BoundNetwork, CompiledNetwork, KernelStore, compile_network, find_target
from drawloom.backends.tvm.rules import NO_RULE, RULES, lower_network
from drawloom.backends.tvm.workload import Convolution, Depthwise, Elementwise, Move
from drawloom.ir import OPS, DType, Module, TensorType, UserError
from drawloom.ir.ops.activation import ACTIVATIONS

X = (19, 7, 5)
WORDS = TensorType((6,), DType.I32)
STORE = KernelStore()

CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "conv": (
        lambda o, x: o(
            "conv2d", x, out=10, kernel=(3, 5), stride=(2, 1), pad=(1, 2), dilation=(1, 2), bias=True
        ),
        (X,),
    ),
    "conv groups": (lambda o, x: o("conv2d", x, out=20, kernel=3, groups=5, pad=1), ((10, 9, 9),)),
    "conv multiplier": (lambda o, x: o("conv2d", x, out=20, kernel=3, groups=10, pad=1), ((10, 9, 9),)),
    "conv one channel": (
        lambda o, x: o("relu", o("batch_norm", o("conv2d", x, out=20, kernel=3, pad=1))),
        ((1, 12, 12),),
    ),
    "conv grouped input": (lambda o, x: o("conv2d", x, out=15, kernel=3, groups=3, pad=1), ((3, 9, 8),)),
    "depthwise": (
        lambda o, x: o("hswish", o("batch_norm", o("conv2d", x, out=19, kernel=5, pad=2, groups=19))),
        (X,),
    ),
    "one pixel": (lambda o, x: o("conv2d", o("relu", x), out=37, kernel=3, pad=1), ((20, 1, 1),)),
    "linear": (lambda o, x: o("linear", x, out=7), ((37,),)),
    "linear norm": (lambda o, x: o("swish", o("batch_norm", o("linear", x, out=7))), ((37,),)),
    "linear sequence": (lambda o, x: o("batch_norm", o("linear", x, out=7, bias=False)), ((5, 37),)),
    "embedding": (lambda o, t: o("relu", o("embedding", t, vocabulary=TOKENS, out=19)), (WORDS,)),
    "embedding moved": (
        lambda o, t, u: [
            o("embedding", o("slice", o("concat", [t, u]), axis=0, begin=4, end=9), vocabulary=9, out=5),
            o("embedding", o("reshape", o("identity", t), shape=(6,)), vocabulary=TOKENS, out=1),
        ],
        (WORDS, WORDS),
    ),
    "unembedding": (
        lambda o, t: o(
            "tanh",
            o(
                "unembedding",
                o("embedding", t, vocabulary=TOKENS, out=6, param="w"),
                vocabulary=TOKENS,
                param="w",
            ),
        ),
        (WORDS,),
    ),
    "norm": (lambda o, x: o("batch_norm", x), (X,)),
    "norm fixed": (lambda o, x: o("batch_norm", x, affine=False, eps=1e-3), (X,)),
    "norm vector": (lambda o, x: o("batch_norm", x), ((19,),)),
    "norm sequence": (lambda o, x: o("batch_norm", x), ((19, 3),)),
    "norm rank 4": (lambda o, x: o("batch_norm", o("reshape", x, shape=(19, 7, 5, 1))), (X,)),
    "norm after relu": (lambda o, x: o("batch_norm", o("relu", o("conv2d", x, out=8, kernel=1))), (X,)),
    "norm twice": (lambda o, x: o("batch_norm", o("batch_norm", o("conv2d", x, out=8, kernel=1))), (X,)),
    "activations": (
        lambda o, x: [o(a, o("abs", x) if a in ("sqrt", "log") else x) for a in ACTIVATIONS],
        (X,),
    ),
    "larger and smaller": (
        lambda o, x, y, z: [
            o("maximum", [o("conv2d", x, out=19, kernel=1), y]),
            o("minimum", [y, o("tanh", x)]),
            o("maximum", [z, x]),
        ],
        (X, X, (19, 1, 1)),
    ),
    "quotient": (
        lambda o, x, y: [
            o("div", [o("conv2d", x, out=19, kernel=1), o("exp", y)]),
            o("relu", o("div", [y, o("exp", o("conv2d", x, out=19, kernel=1))])),
            o("div", [o("global_avg_pool", x, keep=True), o("exp", y)]),
        ],
        (X, X),
    ),
    "learned affine": (
        lambda o, x, y: [
            o("channel_affine", o("conv2d", x, out=7, kernel=1)),
            o("relu", o("channel_affine", o("channel_affine", x, shift=False), scale=False)),
            o("channel_affine", y),
            o("channel_affine", o("reshape", x, shape=(19, 5, 7, 1))),
        ],
        (X, (5, 4)),
    ),
    "add": (lambda o, x, y: o("add", [x, y]), (X, X)),
    "add itself": (lambda o, x: o("add", [x, x]), (X,)),
    "gate": (lambda o, x, y: o("mul", [y, x]), (X, (19, 1, 1))),
    "spatial gate": (lambda o, x, y: o("mul", [x, y]), (X, (1, 7, 5))),
    "outer product": (lambda o, x, y: o("mul", [x, y]), ((19, 1, 5), (1, 7, 1))),
    "add sequence": (lambda o, x, y: o("add", [x, y]), ((4, 5), (1, 5))),
    "difference": (
        lambda o, x, y: [
            o("sub", [o("conv2d", x, out=19, kernel=1), y]),
            o("relu", o("sub", [y, o("conv2d", x, out=19, kernel=1)])),
            o("sub", [o("global_avg_pool", x, keep=True), y]),
        ],
        (X, X),
    ),
    "affine": (lambda o, x: o("affine", o("conv2d", x, out=5, kernel=1), scale=2.5, shift=-1.0), (X,)),
    "mean": (lambda o, x, y: o("relu", o("mean", [o("max_pool", x, kernel=1), y, x])), (X, X)),
    "weighted sum": (
        lambda o, x, y: o("relu", o("weighted_sum", [x, o("conv2d", y, out=19, kernel=1), y])),
        (X, X),
    ),
    "sum": (lambda o, x, y, z: o("sum", [x, y, z, x]), (X, X, X)),
    "sum of kernels": (
        lambda o, x, y: o(
            "sum",
            [
                o("conv2d", x, out=19, kernel=1),
                o("zeros_like", y),
                o("conv2d", y, out=19, kernel=3, pad=1),
                o("max_pool", x, kernel=3, pad=1),
            ],
        ),
        (X, X),
    ),
    "sum of zeros": (lambda o, x: o("sum", [o("zeros_like", x), o("zeros_like", x)]), (X,)),
    "zeros strided": (lambda o, x: o("zeros_like", x, stride=2), (X,)),
    "zeros": (lambda o, x: o("add", [x, o("zeros", [], shape=X)]), (X,)),
    "identity": (lambda o, x: o("dropout", o("identity", x), rate=0.5), (X,)),
    "outputs": (lambda o, x: (lambda y: [x, y, y, o("sigmoid", y)])(o("relu", x)), (X,)),
    "concat": (
        lambda o, x, y: [o("relu", o("concat", [x, o("relu6", y), x], axis=a)) for a in range(3)],
        (X, X),
    ),
    "concat vectors": (lambda o, x, y: o("concat", [x, y]), ((5,), (3,))),
    "slice": (lambda o, x: [o("slice", x, axis=a, begin=1, end=4) for a in range(3)], (X,)),
    "slice whole": (lambda o, x: o("slice", x, axis=0, begin=0, end=19), (X,)),
    "softmax": (lambda o, x: [o("softmax", x, axis=a) for a in range(3)], (X,)),
    "softmax sequence": (lambda o, x: [o("softmax", x), o("softmax", x, axis=1)], ((10, 7),)),
    "max pool": (lambda o, x: o("relu", o("max_pool", x, kernel=(3, 2), stride=(2, 1), pad=1)), (X,)),
    "avg pool": (
        lambda o, x: [
            o("batch_norm", o("avg_pool", x, kernel=3, stride=2, pad=1, count_include_pad=c))
            for c in (True, False)
        ],
        (X,),
    ),
    "global pool": (
        lambda o, x: [o("global_avg_pool", x), o("relu", o("global_avg_pool", x, keep=True))],
        (X,),
    ),
    "flatten": (lambda o, x: [o("flatten", x), o("tanh", o("flatten", o("relu", x)))], (X,)),
    "flatten linear": (
        lambda o, x: [o("linear", o("flatten", x), out=9), o("linear", o("flatten", o("relu", x)), out=9)],
        (X,),
    ),
    "flatten used twice": (
        lambda o, x: (lambda v: [o("linear", v, out=9), o("relu", v)])(o("flatten", o("relu", x))),
        (X,),
    ),
    "reshape": (
        lambda o, x: [
            o("relu", o("reshape", o("relu", x), shape=(7, 19, 5))),
            o("linear", o("reshape", o("relu", x), shape=(19, 35)), out=4),
        ],
        (X,),
    ),
    "reshape vector": (lambda o, x: o("conv2d", o("reshape", x, shape=(4, 3, 3)), out=5, kernel=2), ((36,),)),
    "shuffle": (lambda o, x: o("relu", o("channel_shuffle", x, groups=4)), ((12, 5, 3),)),
    "resize": (
        lambda o, x: [
            o("resize", x, height=h, width=w, mode=m)
            for m in ("nearest", "bilinear")
            for h, w in ((14, 10), (3, 2))
        ],
        (X,),
    ),
    "residual": (
        lambda o, x: (
            lambda y: o("relu", o("add", [o("batch_norm", o("conv2d", y, out=8, kernel=3, pad=1)), y]))
        )(o("relu", o("conv2d", x, out=8, kernel=1))),
        (X,),
    ),
    "late operand": (
        lambda o, x: (lambda a: o("add", [a, o("softmax", o("conv2d", x, out=8, kernel=1))]))(
            o("conv2d", x, out=8, kernel=3, pad=1)
        ),
        (X,),
    ),
    "squeeze and excite": (
        lambda o, x: (
            lambda h: o(
                "mul",
                [
                    h,
                    o(
                        "hsigmoid",
                        o("conv2d", o("global_avg_pool", h, keep=True), out=19, kernel=1, bias=True),
                    ),
                ],
            )
        )(o("conv2d", x, out=19, kernel=3, pad=1, groups=19)),
        (X,),
    ),
}


def _errors(module: Module, batch: int) -> tuple[list[float], CompiledNetwork]:
    weights, inputs = random_weights(module), random_inputs(module, batch)
    compiled = compile_network(module, batch=batch, store=STORE)
    found = compiled.run(weights, inputs)
    double = {name: value.astype(np.float64) for name, value in weights.items()}
    wide = [x if x.dtype == np.int32 else x.astype(np.float64) for x in inputs]
    expected = run(module, double, wide)
    assert [y.shape for y in found] == [np.broadcast_shapes(y.shape, (batch, *y.shape[1:])) for y in expected]
    return [
        float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in zip(found, expected, strict=True)
    ], compiled


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_reference(name: str, batch: int) -> None:
    make, shapes = CASES[name]
    errors, _ = _errors(network(make, *shapes), batch)
    assert max(errors) < 3e-6


def test_every_operation_has_a_rule_or_a_reason() -> None:
    assert set(RULES) | set(NO_RULE) == set(OPS.names())
    assert not set(RULES) & set(NO_RULE)


def test_every_operation_is_tried() -> None:
    tried = {op.name for make, shapes in CASES.values() for op in network(make, *shapes).entry.operations}
    assert tried >= set(RULES)


def _bound(make: Any, *inputs: Any) -> BoundNetwork:
    module = network(make, *inputs)
    return compile_network(module, store=STORE).bind(random_weights(module))


def test_tokens_outside_the_smallest_vocabulary_that_reads_them_are_refused() -> None:
    words = _bound(
        lambda o, t: [
            o("embedding", t, vocabulary=9, out=4),
            o("embedding", o("slice", t, axis=0, begin=1, end=3), vocabulary=5, out=4),
        ],
        WORDS,
    )
    assert words.network.plan.vocabularies == (5,)
    words(np.full((1, 6), 4))
    for token in (-1, 5):
        with pytest.raises(UserError, match="tokens are from 0 to 4, got"):
            words(np.array([[0, 1, 2, token, 3, 4]]))
    with pytest.raises(UserError, match="tokens are integers, got float32"):
        words(np.zeros((1, 6), np.float32))


def test_an_exported_network_reads_no_memory_outside_its_table(tmp_path: Path) -> None:
    import tvm

    module = network(lambda o, t: o("embedding", t, vocabulary=TOKENS, out=4), WORDS)
    weights = random_weights(module)
    compile_network(module, store=STORE).export_library(tmp_path / "words.so", weights)
    table = next(iter(weights.values()))
    found = tvm.runtime.empty((1, 6, 4), "float32")
    tokens = np.array([[0, 1, 2, -(2**31), 2**31 - 1, TOKENS]], np.int32)
    tvm.runtime.load_module(str(tmp_path / "words.so"))["main"](tvm.runtime.tensor(tokens), found)
    np.testing.assert_array_equal(found.numpy()[0], table[[0, 1, 2, 0, TOKENS - 1, TOKENS - 1]])


def test_integers_that_are_no_tokens_are_refused() -> None:
    with pytest.raises(UserError, match="gives f32 only, and an output of 'tiny' is of integers"):
        _bound(lambda o, t: o("identity", t), WORDS)
    with pytest.raises(UserError, match=r"computes with f32 only, and 'add' gives i32\[6\]"):
        _bound(lambda o, t: o("embedding", o("add", [t, t]), vocabulary=9, out=4), WORDS)


def _workloads(make: Any, *shapes: tuple[int, ...]) -> list[Any]:
    return [call.workload for call in lower_network(network(make, *shapes), find_target("cpu").machine).calls]


def test_norm_activation_and_residual_join_the_convolution() -> None:
    def make(o: Any, x: Any) -> Any:
        y = o("relu", o("batch_norm", o("conv2d", x, out=8, kernel=1)))
        return o("relu", o("add", [o("batch_norm", o("conv2d", y, out=8, kernel=3, pad=1)), y]))

    first, second, last = _workloads(make, (3, 7, 5))
    assert isinstance(first, Convolution)
    assert isinstance(second, Convolution)
    assert [step.kind for step in second.epilogue] == ["add", "add", "relu"]
    assert isinstance(last, Move)


def test_a_value_read_twice_keeps_its_own_kernel() -> None:
    def make(o: Any, x: Any) -> Any:
        y = o("conv2d", x, out=8, kernel=1)
        return o("global_avg_pool", o("add", [o("relu", y), o("sigmoid", y)]))

    kinds = [type(w) for w in _workloads(make, X)]
    assert kinds[:2] == [Move, Convolution]
    assert kinds.count(Elementwise) == 2


def test_equal_layers_share_one_kernel_whatever_their_weights() -> None:
    def make(o: Any, x: Any) -> Any:
        for _ in range(4):
            x = o("relu", o("batch_norm", o("conv2d", x, out=19, kernel=3, pad=1, groups=19)))
        return o("global_avg_pool", x)

    plan = lower_network(network(make, X), find_target("cpu").machine)
    assert [n for w, n in plan.workloads.items() if isinstance(w, Depthwise)] == [4]


def test_a_vector_output_is_written_without_a_copy() -> None:
    kinds = [type(w) for w in _workloads(lambda o, x: o("linear", x, out=5), (7,))]
    assert kinds == [Convolution]
