"""How each operation is written in ONNX: a table from operation to rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from onnx import NodeProto, helper

from drawloom.backends.weights import Array, join
from drawloom.ir import Operation


class OnnxGraph:
    """Nodes and initialisers of a graph that is being written.

    Attributes:
        nodes: in order.
        initializers: arrays by name.
    """

    def __init__(self, weights: Mapping[str, Array], batch: str) -> None:
        """Start empty; `batch` names a value with the batch first."""
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, Array] = {}
        self.batch = batch
        self._weights = weights
        self._constants: dict[tuple[Any, ...], str] = {}

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Append a node with one output and give the output's name."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def weight(self, op: Operation, name: str) -> str:
        """A weight of an operation as an initialiser of its full name."""
        path = join(op.param or "", name)
        self.initializers[path] = self._weights[path].astype(np.float32)
        return path

    def constant(self, array: Array) -> str:
        """An array as an initialiser; equal ones are one."""
        key = (array.dtype.str, array.shape, array.tobytes())
        name = self._constants.setdefault(key, f"constant_{len(self._constants)}")
        self.initializers[name] = array
        return name

    def integers(self, *values: int) -> str:
        """A vector of integers as an initialiser."""
        return self.constant(np.array(values, dtype=np.int64))

    def name_outputs(self, found: Sequence[str], wanted: Sequence[str]) -> None:
        """Give the outputs their names; one that is an input or another output too is passed on by a node."""
        for old, new in zip(found, wanted, strict=True):
            maker = next((n for n in self.nodes if n.output[0] == old), None)
            if maker is None or found.count(old) > 1:
                self.nodes.append(helper.make_node("Identity", [old], [new], f"Identity_{len(self.nodes)}"))
                continue
            for node in self.nodes:
                node.input[:] = [new if name == old else name for name in node.input]
            maker.output[0] = new


Rule: TypeAlias = Callable[[OnnxGraph, Operation, "list[str]"], str]


def _conv2d(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    a = op.attributes
    bias = [graph.weight(op, "bias")] if a["bias"] else []
    inputs = [*operands, graph.weight(op, "weight"), *bias]
    return graph.node("Conv", inputs, **_window(op), dilations=a["dilation"], group=a["groups"])


def _window(op: Operation) -> dict[str, Any]:
    a = op.attributes
    return {"kernel_shape": a["kernel"], "strides": a["stride"], "pads": a["pad"] * 2}


def _linear(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    bias = [graph.weight(op, "bias")] if op.attributes["bias"] else []
    weight = graph.weight(op, "weight")
    if op.operands[0].type.rank == 1:
        return graph.node("Gemm", [*operands, weight, *bias], transB=1)
    product = graph.node("MatMul", [*operands, graph.node("Transpose", [weight], perm=[1, 0])])
    return graph.node("Add", [product, *bias]) if bias else product


def _batch_norm(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    channels, a = op.operands[0].type.shape[0], op.attributes
    plain = [np.ones(channels, np.float32), np.zeros(channels, np.float32)]
    affine = (
        [graph.weight(op, name) for name in ("weight", "bias")]
        if a["affine"]
        else [graph.constant(array) for array in plain]
    )
    statistics = [graph.weight(op, name) for name in ("running_mean", "running_var")]
    return graph.node("BatchNormalization", [*operands, *affine, *statistics], epsilon=a["eps"])


def _node(kind: str, **attributes: Any) -> Rule:
    return lambda graph, op, operands: graph.node(kind, operands, **attributes)


def _operand(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return operands[0]


def _choice(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return operands[int(op.attributes["selector"])]


def _relu6(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    bounds = [graph.constant(np.array(v, np.float32)) for v in (0, 6)]
    return graph.node("Clip", [*operands, *bounds])


def _swish(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Mul", [*operands, graph.node("Sigmoid", operands)])


_SAME_NAME = (
    *("tanh", "softplus", "erf", "abs", "sqrt", "exp", "log"),
    *("sin", "cos", "sinh", "cosh", "asinh", "atan"),
)
"""Functions of each element that ONNX calls as the IR does, but with a capital letter."""


def _sinc(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    at_zero = graph.node("Equal", [*operands, graph.constant(np.array(0, np.float32))])
    quotient = graph.node("Div", [graph.node("Sin", operands), *operands])
    return graph.node("Where", [at_zero, graph.constant(np.array(1, np.float32)), quotient])


def _channel_affine(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    inner = 0 if op.operands[0].type.rank == 2 else op.operands[0].type.rank - 1
    axes = graph.integers(*range(1, inner + 1))
    result = operands[0]
    for role, kind, wanted in (("weight", "Mul", "scale"), ("bias", "Add", "shift")):
        if op.attributes[wanted]:
            weight = graph.weight(op, role)
            aligned = graph.node("Unsqueeze", [weight, axes]) if inner else weight
            result = graph.node(kind, [result, aligned])
    return result


def _softmax(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Softmax", operands, axis=op.attributes["axis"] + 1)


def _zeros(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    batch = graph.node("Shape", [operands[0] if operands else graph.batch], start=0, end=1)
    shape = graph.node("Concat", [batch, graph.integers(*op.result.type.shape)], axis=0)
    return graph.node("ConstantOfShape", [shape])


def _sum(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Sum", operands) if operands else _zeros(graph, op, operands)


def _mean(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Mean", operands)


def _affine(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    scale, shift = (graph.constant(np.array(op.attributes[n], np.float32)) for n in ("scale", "shift"))
    return graph.node("Add", [graph.node("Mul", [*operands, scale]), shift])


def _weighted_sum(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    if len(operands) == 1:
        return operands[0]
    scales = graph.node("Sigmoid", [graph.weight(op, "weight")])
    shares = [graph.node("Gather", [scales, graph.constant(np.array(i))]) for i in range(len(operands))]
    return graph.node("Sum", [graph.node("Mul", list(pair)) for pair in zip(operands, shares, strict=True)])


def _embedding(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Gather", [graph.weight(op, "weight"), *operands])


def _unembedding(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    turned = graph.node("Transpose", [graph.weight(op, "weight")], perm=[1, 0])
    return graph.node("MatMul", [*operands, turned])


def _max_pool(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("MaxPool", operands, **_window(op))


def _avg_pool(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    counted = int(op.attributes["count_include_pad"])
    return graph.node("AveragePool", operands, **_window(op), count_include_pad=counted)


def _global_avg_pool(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    mean = graph.node("GlobalAveragePool", operands)
    return mean if op.attributes["keep"] else graph.node("Flatten", [mean], axis=1)


def _concat(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    return graph.node("Concat", operands, axis=op.attributes["axis"] + 1)


def _slice(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    a = op.attributes
    limits = [graph.integers(v) for v in (a["begin"], a["end"], a["axis"] + 1)]
    return graph.node("Slice", [*operands, *limits])


def _reshape(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    # a zero keeps the batch as it is
    return graph.node("Reshape", [*operands, graph.integers(0, *op.result.type.shape)])


def _channel_shuffle(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    (channels, *sizes), groups = op.result.type.shape, op.attributes["groups"]
    apart = graph.node("Reshape", [*operands, graph.integers(0, groups, channels // groups, *sizes)])
    return _reshape(graph, op, [graph.node("Transpose", [apart], perm=[0, 2, 1, 3, 4])])


def _resize(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    sizes = graph.integers(op.attributes["height"], op.attributes["width"])
    given = op.operands[0].type.shape[1:]
    blocks = [max(1, old // new) for old, new in zip(given, op.result.type.shape[1:], strict=True)]
    if op.attributes["mode"] == "pyramid" and blocks != [1, 1]:
        operands = [graph.node("MaxPool", operands, kernel_shape=blocks, strides=blocks)]
    mode = _RESIZE[op.attributes["mode"]]
    return graph.node("Resize", [*operands, "", "", sizes], axes=[2, 3], **mode)


_RESIZE: dict[str, dict[str, str]] = {
    "nearest": {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    "pyramid": {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
}

RULES: dict[str, Rule] = {
    "choice": _choice,
    "conv2d": _conv2d,
    "linear": _linear,
    "embedding": _embedding,
    "unembedding": _unembedding,
    "batch_norm": _batch_norm,
    "channel_affine": _channel_affine,
    "relu": _node("Relu"),
    "relu6": _relu6,
    "hswish": _node("HardSwish"),
    "hsigmoid": _node("HardSigmoid", alpha=1 / 6, beta=0.5),
    "sigmoid": _node("Sigmoid"),
    "swish": _swish,
    "sinc": _sinc,
    **{name: _node(name.capitalize()) for name in _SAME_NAME},
    "softmax": _softmax,
    "add": _node("Add"),
    "sub": _node("Sub"),
    "mul": _node("Mul"),
    "div": _node("Div"),
    "maximum": _node("Max"),
    "minimum": _node("Min"),
    "affine": _affine,
    "sum": _sum,
    "mean": _mean,
    "weighted_sum": _weighted_sum,
    "identity": _operand,
    "zeros": _zeros,
    "zeros_like": _zeros,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_avg_pool,
    "concat": _concat,
    "slice": _slice,
    "reshape": _reshape,
    "flatten": _node("Flatten", axis=1),
    "channel_shuffle": _channel_shuffle,
    "resize": _resize,
}
"""Rules by operation; calls are inlined before, and what only training needs is taken out."""
