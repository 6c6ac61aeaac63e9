"""How nodes of ONNX graphs are read: a table from kind of node to the step that it is.

Versions of the operators from 11 on are understood, attributes that became operands later in both places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from drawloom.ir import Value

from .entries import Array, Batch, Constant, Entry, constant, number, shape_of
from .problems import Unsupported
from .rules import Step, step
from .windows import Border


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is read.

    Attributes:
        kind: such as ``Conv``.
        operands: what its inputs stand for; None for those left out at the front.
        attributes: by name, as Python values.
        opset: version of the operators.
        outputs: how many results it has.
    """

    kind: str
    operands: Sequence[Entry]
    attributes: Mapping[str, Any]
    opset: int
    outputs: int

    def operand(self, position: int) -> Entry:
        """An operand, or None."""
        return self.operands[position] if position < len(self.operands) else None

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute, or what it is when left out."""
        return self.attributes.get(name, default)

    def array(self, position: int, role: str) -> Array | None:
        """A constant operand, or None when it is left out."""
        entry = self.operand(position)
        return None if entry is None else constant(entry, role)

    def integers(self, position: int, name: str) -> list[int] | None:
        """Integers that are an operand or, in older versions, an attribute; None when left out."""
        array = self.array(position, name)
        if array is None:
            found = self.attributes.get(name)
            return None if found is None else [int(v) for v in found]
        if any(isinstance(v, Batch) for v in array.flat):
            raise Unsupported(f"{name} contains the size of the batch")
        return [int(v) for v in array.flat]

    def rank(self) -> int:
        """Axes of the first operand, the batch among them."""
        return len(shape_of(self.operand(0))) + 1


Rule: TypeAlias = Callable[[Node], Step]


def _pair(values: Sequence[int]) -> tuple[int, int]:
    if len(values) != 2:
        raise Unsupported(f"it works along {len(values)} axes; the IR has that for height and width")
    return int(values[0]), int(values[1])


def _border(node: Node) -> Border | str:
    """The border of a window, or how it is computed."""
    auto = node.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return str(auto).lower()
    pads = [0] * 4 if auto == "VALID" else node.attribute("pads", [0] * 4)
    if len(pads) != 4:
        raise Unsupported(f"it works along {len(pads) // 2} axes; the IR has that for height and width")
    return (pads[0], pads[2]), (pads[1], pads[3])


def _conv(node: Node) -> Step:
    return step(
        "conv",
        *(node.operand(i) for i in range(3)),
        stride=_pair(node.attribute("strides", (1, 1))),
        border=_border(node),
        dilation=_pair(node.attribute("dilations", (1, 1))),
        groups=node.attribute("group", 1),
    )


def _gemm(node: Node) -> Step:
    if node.attribute("transA", 0):
        raise Unsupported("its first factor is transposed, which mixes samples")
    return step(
        "gemm",
        *(node.operand(i) for i in range(3)),
        alpha=node.attribute("alpha", 1.0),
        beta=node.attribute("beta", 1.0),
        turned=bool(node.attribute("transB", 0)),
    )


def _batch_norm(node: Node) -> Step:
    if node.attribute("training_mode", 0):
        raise Unsupported("it is in training mode; export the network for inference")
    eps = node.attribute("epsilon", 1e-5)
    return step("batch_norm", *(node.operand(i) for i in range(5)), eps=_short(eps))


def _short(value: float) -> float:
    """The number with fewest digits that is the same in float32, as which files hold it."""
    return float(str(np.float32(value)))


def _window(node: Node) -> dict[str, Any]:
    kernel = _pair(node.attributes["kernel_shape"])
    return {
        "kernel": kernel,
        "stride": _pair(node.attribute("strides", (1, 1))),
        "border": _border(node),
        "ceil": bool(node.attribute("ceil_mode", 0)),
    }


def _max_pool(node: Node) -> Step:
    if node.outputs > 1:
        raise Unsupported("it also gives the positions of the maxima")
    dilation = _pair(node.attribute("dilations", (1, 1)))
    return step("max_pool", node.operand(0), **_window(node), dilation=dilation)


def _avg_pool(node: Node) -> Step:
    if any(d != 1 for d in node.attribute("dilations", ())):
        raise Unsupported("its windows are dilated")
    counted = bool(node.attribute("count_include_pad", 0))
    return step("avg_pool", node.operand(0), **_window(node), counted=counted)


def _reduce(maximum: bool) -> Rule:
    def rule(node: Node) -> Step:
        axes = node.integers(1, "axes")
        if not axes and node.attribute("noop_with_empty_axes", 0):
            return step("identity", node.operand(0))
        keep = bool(node.attribute("keepdims", 1))
        chosen = axes or list(range(node.rank()))
        return step("reduce", node.operand(0), axes=chosen, keep=keep, maximum=maximum)

    return rule


def _softmax(node: Node) -> Step:
    if node.opset >= 13:
        return step("softmax", node.operand(0), axis=node.attribute("axis", -1))
    # before, all axes from `axis` on were one
    axis = node.attribute("axis", 1) % node.rank()
    if any(d != 1 for d in shape_of(node.operand(0))[axis:]):
        raise Unsupported(f"it is over all axes from {axis} on, as ONNX had it before version 13")
    return step("softmax", node.operand(0), axis=axis)


def _clip(node: Node) -> Step:
    low = number(node.operand(1), "its lower limit", -math.inf)
    high = number(node.operand(2), "its upper limit", math.inf)
    return step("clip", node.operand(0), low=low, high=high)


def _dropout(node: Node) -> Step:
    if number(node.operand(2), "its mode", 0):
        raise Unsupported("it is in training mode; export the network for inference")
    rate = number(node.operand(1), "its rate", node.attribute("ratio", 0.5))
    return step("dropout", node.operand(0), rate=_short(rate))


def _slices(node: Node) -> Step:
    begins, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes, steps = node.integers(3, "axes"), node.integers(4, "steps")
    if begins is None or ends is None:
        raise Unsupported("its limits are missing")
    axes = list(range(len(begins))) if axes is None else axes
    cuts = zip(axes, begins, ends, steps or [1] * len(begins), strict=True)
    return step("slices", node.operand(0), cuts=list(cuts))


def _split(node: Node) -> Step:
    axis = node.attribute("axis", 0)
    sizes = node.integers(1, "split")
    if sizes is None:
        size = (0, *shape_of(node.operand(0)))[axis]
        part = math.ceil(size / node.outputs)
        sizes = [min(part, size - part * i) for i in range(node.outputs)]
    return step("split", node.operand(0), axis=axis, sizes=sizes)


def _gather(node: Node) -> Step:
    axis = node.attribute("axis", 0)
    if isinstance(node.operand(0), Constant) and isinstance(node.operand(1), Value) and axis == 0:
        return step("embedding", node.operand(0), node.operand(1))
    indices = constant(node.operand(1), "the positions")
    if indices.ndim == 0:
        return step("select", node.operand(0), axis=axis, index=int(indices))
    begin, count = int(indices.flat[0]) if indices.size else 0, indices.size
    if indices.ndim != 1 or begin < 0 or not np.array_equal(indices, np.arange(begin, begin + count)):
        raise Unsupported("it picks positions that are not neighbours, or looks up a table")
    return step("slice", node.operand(0), axis=axis, begin=begin, end=begin + count)


def _reshape(node: Node) -> Step:
    shape = list(constant(node.operand(1), "the new shape"))
    if node.attribute("allowzero", 0) and 0 in shape:
        raise Unsupported("the new shape is empty")
    return step("reshape", node.operand(0), shape=shape)


def _flatten(node: Node) -> Step:
    axis, rank = node.attribute("axis", 1), node.rank()
    if axis % rank != 1:
        raise Unsupported(f"it joins the axes before {axis}, the batch among them")
    return step("flatten", node.operand(0), begin=1)


def _transpose(node: Node) -> Step:
    order = node.attribute("perm", list(reversed(range(node.rank()))))
    return step("transpose", node.operand(0), order=order)


def _pad(node: Node) -> Step:
    if node.attribute("mode", "constant") != "constant":
        raise Unsupported(f"mode {node.attributes['mode']}; the IR has borders of zeros")
    pads, axes = node.integers(1, "pads") or [], node.integers(3, "axes")
    rank, half = node.rank(), len(pads) // 2
    chosen = list(range(rank)) if axes is None else [axis % rank for axis in axes]
    if half != len(chosen):
        raise Unsupported(f"{len(pads)} numbers for {len(chosen)} axes")
    sides = dict(zip(chosen, zip(pads[:half], pads[half:], strict=True), strict=True))
    fill = number(node.operand(2), "its value", node.attribute("value", 0.0))
    return step("pad", node.operand(0), border=[sides.get(i, (0, 0)) for i in range(rank)], fill=fill)


def _expand(node: Node) -> Step:
    shape = list(constant(node.operand(1), "the new shape"))
    return step("expand", node.operand(0), shape=[1] * (node.rank() - len(shape)) + shape)


def _constant_of_shape(node: Node) -> Step:
    shape = list(constant(node.operand(0), "the shape"))
    if not shape or shape[0] is not Batch.SIZE or np.any(node.attribute("value", np.zeros(1))):
        raise Unsupported("constants other than zeros for each sample")
    return step("zeros", shape=[int(d) for d in shape[1:]])


def _resize(node: Node) -> Step:
    mode = _MODES.get(node.attribute("mode", "nearest"))
    if mode is None:
        raise Unsupported(f"mode {node.attributes['mode']}; the IR has nearest and linear")
    if node.attribute("antialias", 0) or node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("it smooths the image first, or keeps its aspect ratio")
    shape = (1, *shape_of(node.operand(0)))
    if len(shape) != 4:
        raise Unsupported(f"its operand has {len(shape)} axes; the IR has it for images")
    targets = _targets(node, shape)
    if any(targets.get(axis, (0, 1.0))[1] != 1 for axis in (0, 1)):
        raise Unsupported("it resizes channels or the batch")
    sources = tuple(
        _sources(node, mode, shape[axis], *targets.get(axis, (shape[axis], 1.0))) for axis in (2, 3)
    )
    return step("resize", node.operand(0), mode=mode, sources=sources)


_MODES = {"nearest": "nearest", "linear": "bilinear"}

_LARGEST_SIDE = 2**16
"""Rows or columns of the largest image that a resize may give."""


def _targets(node: Node, shape: Sequence[int]) -> dict[int, tuple[int, float]]:
    """The new size of each axis that is named, and its ratio to the old."""
    scales, sizes = node.array(2, "its scales"), node.array(3, "its sizes")
    axes = [axis % len(shape) for axis in node.attribute("axes", range(len(shape)))]
    given = sizes if scales is None or scales.size == 0 else scales
    if given is None or len(given) != len(axes):
        raise Unsupported("it needs either scales or sizes, one for each axis")
    if given is scales:
        found = {a: (math.floor(shape[a] * s), s) for a, s in zip(axes, given.tolist(), strict=True)}
    else:
        # the batch keeps its size, whatever number an export wrote there
        found = {a: (s, s / shape[a]) for a, s in zip(axes, given.tolist(), strict=True) if a != 0}
    if not all(1 <= count <= _LARGEST_SIDE for count, _ in found.values()):
        raise Unsupported(f"it resizes to {[count for count, _ in found.values()]}")
    return found


def _sources(node: Node, mode: str, size: int, count: int, scale: float) -> Array:
    """Where each of `count` results reads an axis of `size`."""
    name = node.attribute("coordinate_transformation_mode", "half_pixel")
    if name not in _COORDINATES:
        raise Unsupported(f"the coordinates '{name}'")
    places = _COORDINATES[name](np.arange(count), size, count, scale)
    if mode == "bilinear":
        return places
    rounding = node.attribute("nearest_mode", "round_prefer_floor")
    return np.clip(_ROUNDINGS[rounding](places), 0, size - 1)


def _half_pixel(i: Array, size: int, count: int, scale: float) -> Array:
    return (i + 0.5) / scale - 0.5


def _symmetric(i: Array, size: int, count: int, scale: float) -> Array:
    return size / 2 * (1 - count / (scale * size)) + _half_pixel(i, size, count, scale)


_COORDINATES: dict[str, Callable[[Array, int, int, float], Array]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda i, size, count, scale: _half_pixel(i, size, count, scale) * (count > 1),
    "align_corners": lambda i, size, count, scale: i * (size - 1) / max(1, count - 1),
    "asymmetric": lambda i, size, count, scale: i / scale,
}
"""Where result `i` of an axis reads it, by ``coordinate_transformation_mode``."""

_ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda places: np.ceil(places - 0.5),
    "round_prefer_ceil": lambda places: np.floor(places + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
"""By ``nearest_mode``."""


def _cast(node: Node) -> Step:
    if node.attributes["to"] != 1:
        raise Unsupported("a cast to another element type than float32")
    return step("identity", node.operand(0))


def _plain(kind: str, **options: Any) -> Rule:
    """A step whose operands are those of the node."""
    return lambda node: step(kind, *node.operands, **options)


def _list(kind: str, **options: Any) -> Rule:
    """A step whose operands are one list."""
    return lambda node: step(kind, list(node.operands), **options)


def _concat(node: Node) -> Step:
    return step("concat", list(node.operands), axis=node.attributes["axis"])


def _axes(kind: str) -> Rule:
    return lambda node: step(kind, node.operand(0), axes=node.integers(1, "axes"))


_SAME_NAME = (
    *("tanh", "softplus", "erf", "abs", "sqrt", "exp", "log"),
    *("sin", "cos", "sinh", "cosh", "asinh", "atan"),
)
"""Functions of each element that the IR calls as ONNX does, but without a capital letter."""

RULES: dict[str, Rule] = {
    "Add": _plain("add"),
    "AveragePool": _avg_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "Div": _plain("div"),
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _plain("global_pool", keep=True),
    "GlobalMaxPool": _plain("global_pool", keep=True, maximum=True),
    "HardSigmoid": lambda node: step(
        "hard_sigmoid",
        node.operand(0),
        alpha=node.attribute("alpha", 0.2),
        beta=node.attribute("beta", 0.5),
    ),
    "HardSwish": _plain("activation", name="hswish"),
    "Identity": _plain("identity"),
    "MatMul": _plain("matmul"),
    "Max": _list("extreme", name="maximum"),
    "MaxPool": _max_pool,
    "Mean": _list("aggregate", name="mean"),
    "Min": _list("extreme", name="minimum"),
    "Mul": _plain("mul"),
    "Neg": _plain("negative"),
    "Pad": _pad,
    "ReduceMax": _reduce(maximum=True),
    "ReduceMean": _reduce(maximum=False),
    "Relu": _plain("activation", name="relu"),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": _plain("activation", name="sigmoid"),
    "Slice": _slices,
    "Softmax": _softmax,
    "Split": _split,
    "Squeeze": _axes("squeeze"),
    "Sub": _plain("sub"),
    "Sum": _list("aggregate", name="sum"),
    **{name.capitalize(): _plain("activation", name=name) for name in _SAME_NAME},
    "Transpose": _transpose,
    "Unsqueeze": _axes("unsqueeze"),
}
"""Rules by kind of node. Nodes that only have to do with constants are folded before."""
