"""How operations of exported PyTorch programs are read: a table from operation to the step that it is.

Operations that change a tensor in place have the entry of those that do not: their readers read the result
(`drawloom.frontend.importers.torch_graph`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .entries import Array, Constant
from .problems import Unsupported
from .rules import Step, step


@dataclass(frozen=True, slots=True)
class Node:
    """An operation that is read.

    Attributes:
        arguments: all of them by name, tensors as entries, defaults filled in.
        shape: of the operand that is called ``self`` or ``input``, the batch first; None without one.
        result: the shape of the result, the batch first; None when there are several.
    """

    arguments: Mapping[str, Any]
    shape: tuple[int, ...] | None
    result: tuple[int, ...] | None

    def __getitem__(self, name: str) -> Any:
        """An argument."""
        return self.arguments[name]

    def given(self) -> tuple[int, ...]:
        """The shape of the operand, the batch first."""
        if self.shape is None:
            raise Unsupported("its shape is not known")
        return self.shape


Rule: TypeAlias = Callable[[Node], Step]


def _pair(value: Any) -> tuple[int, int]:
    """A number for height and width, which PyTorch repeats when only one is given."""
    values = list(value) if isinstance(value, Sequence) else [value]
    if len(values) not in (1, 2):
        raise Unsupported(f"it works along {len(values)} axes; the IR has that for height and width")
    return int(values[0]), int(values[-1])


def _border(value: Any) -> Any:
    """The border of a window: both sides of an axis are padded alike."""
    if isinstance(value, str):
        return "same_upper" if value == "same" else ((0, 0), (0, 0))
    high, wide = _pair(value)
    return (high, high), (wide, wide)


def _conv2d(node: Node) -> Step:
    return step(
        "conv",
        node["input"],
        node["weight"],
        node["bias"],
        stride=_pair(node["stride"]),
        border=_border(node["padding"]),
        dilation=_pair(node["dilation"]),
        groups=node["groups"],
    )


def _batch_norm(node: Node) -> Step:
    if node["training"] or node["running_mean"] is None:
        raise Unsupported("it has no running statistics")
    names = ("input", "weight", "bias", "running_mean", "running_var")
    return step("batch_norm", *(node[name] for name in names), eps=node["eps"])


def _add(kind: str) -> Rule:
    def rule(node: Node) -> Step:
        if node["alpha"] != 1:
            raise Unsupported(f"alpha={node['alpha']}; the IR has plain sums")
        return step(kind, _operand(node["self"]), _operand(node["other"]))

    return rule


def _binary(kind: str) -> Rule:
    return lambda node: step(kind, _operand(node["self"]), _operand(node["other"]))


def _operand(value: Any) -> Any:
    """A tensor as it is, a number as a constant."""
    return Constant(np.asarray(value, np.float32)) if isinstance(value, (int, float)) else value


def _reverse(node: Node) -> Step:
    if node["alpha"] != 1:
        raise Unsupported(f"alpha={node['alpha']}; the IR has plain differences")
    return step("sub", _operand(node["other"]), _operand(node["self"]))


def _div(node: Node) -> Step:
    if node.arguments.get("rounding_mode") is not None:
        raise Unsupported("it rounds")
    return _binary("div")(node)


def _hardtanh(node: Node) -> Step:
    return step("clip", node["self"], low=float(node["min_val"]), high=float(node["max_val"]))


def _clamp(node: Node) -> Step:
    low, high = node.arguments.get("min"), node.arguments.get("max")
    if not all(limit is None or isinstance(limit, (int, float)) for limit in (low, high)):
        raise Unsupported("its limits are tensors")
    return step(
        "clip", node["self"], low=-np.inf if low is None else low, high=np.inf if high is None else high
    )


def _softmax(node: Node) -> Step:
    return step("softmax", node["self"], axis=node["dim"])


def _dropout(node: Node) -> Step:
    return step("dropout", node["input"], rate=float(node["p"]))


def _window(node: Node) -> dict[str, Any]:
    kernel = _pair(node["kernel_size"])
    return {
        "kernel": kernel,
        "stride": _pair(node["stride"]) if node["stride"] else kernel,
        "border": _border(node["padding"]),
        "ceil": bool(node["ceil_mode"]),
    }


def _max_pool(node: Node) -> Step:
    return step("max_pool", node["self"], **_window(node), dilation=_pair(node["dilation"]))


def _avg_pool(node: Node) -> Step:
    window = _window(node)
    if node["divisor_override"] not in (None, window["kernel"][0] * window["kernel"][1]):
        raise Unsupported("it divides by another number than that of the elements")
    return step("avg_pool", node["self"], **window, counted=bool(node["count_include_pad"]))


def _adaptive_pool(maximum: bool) -> Rule:
    def rule(node: Node) -> Step:
        wanted = _pair(node["output_size"])
        sizes = tuple(given if w is None else w for w, given in zip(wanted, node.given()[-2:], strict=True))
        return step("adaptive_pool", node["self"], sizes=sizes, maximum=maximum)

    return rule


def _reduce(maximum: bool) -> Rule:
    def rule(node: Node) -> Step:
        if "dim" not in node.arguments:
            raise Unsupported("it is over all axes, the batch among them")
        axes = node["dim"]
        chosen = [axes] if isinstance(axes, int) else axes or list(range(len(node.given())))
        return step("reduce", node["self"], axes=chosen, keep=node["keepdim"], maximum=maximum)

    return rule


def _extreme(name: str) -> Rule:
    return lambda node: step("extreme", [_operand(node["self"]), _operand(node["other"])], name=name)


def _max(node: Node) -> Step:
    """The larger ones of two tensors, or the largest along an axis."""
    return (_extreme("maximum") if "other" in node.arguments else _reduce(maximum=True))(node)


_SAME_NAME = (
    *("tanh", "erf", "abs", "sqrt", "exp", "log"),
    *("sin", "cos", "sinh", "cosh", "asinh", "atan"),
)
"""Functions of each element that the IR calls as PyTorch does."""


def _softplus(node: Node) -> Step:
    if node["beta"] != 1:
        raise Unsupported(f"beta={node['beta']}; the IR has 1")
    return step("activation", node["self"], name="softplus")


def _cat(node: Node) -> Step:
    return step("concat", node["tensors"], axis=node["dim"])


def _slice(node: Node) -> Step:
    begin, end = node["start"] or 0, 2**63 - 1 if node["end"] is None else node["end"]
    return step("slice", node["self"], axis=node["dim"], begin=begin, end=end, step=node["step"])


def _narrow(node: Node) -> Step:
    if not isinstance(node["start"], int):
        raise Unsupported("where it begins is a tensor")
    end = node["start"] + node["length"]
    return step("slice", node["self"], axis=node["dim"], begin=node["start"], end=end)


def _select(node: Node) -> Step:
    return step("select", node["self"], axis=node["dim"], index=node["index"])


def _chunk(node: Node) -> Step:
    size = node.given()[node["dim"]]
    return _parts(node, size, -(-size // node["chunks"]))


def _split(node: Node) -> Step:
    sizes = node.arguments.get("split_size", node.arguments.get("split_sizes"))
    if isinstance(sizes, Sequence):
        return step("split", node["self"], axis=node["dim"], sizes=sizes)
    return _parts(node, node.given()[node["dim"]], sizes)


def _parts(node: Node, size: int, part: int) -> Step:
    """Parts of one size, of which the last may be smaller."""
    sizes = [min(part, size - begin) for begin in range(0, size, part)]
    return step("split", node["self"], axis=node["dim"], sizes=sizes)


def _reshape(node: Node) -> Step:
    """All operations that only give elements another shape: the shape of the result is known."""
    return step("reshape", node["self"], shape=node.result or ())


def _permute(node: Node) -> Step:
    rank = len(node.given())
    return step("transpose", node["self"], order=[axis % rank for axis in node["dims"]])


def _transpose(node: Node) -> Step:
    order = list(range(len(node.given())))
    a, b = node["dim0"], node["dim1"]
    order[a], order[b] = order[b], order[a]
    return step("transpose", node["self"], order=order)


def _pad(node: Node) -> Step:
    if node.arguments.get("mode", "constant") != "constant":
        raise Unsupported(f"mode {node['mode']}; the IR has borders of zeros")
    numbers = node["pad"]
    sides = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)][::-1]
    border = [(0, 0)] * (len(node.given()) - len(sides)) + sides
    return step("pad", node["self"], border=border, fill=float(node["value"] or 0))


def _nearest(node: Node) -> Step:
    sizes, wanted = node.given()[2:], (node.result or ())[2:]
    sources = tuple(
        np.minimum(np.floor(np.arange(count) * ratio), size - 1)
        for size, count, ratio in zip(sizes, wanted, _ratios(node, sizes, wanted), strict=True)
    )
    return step("resize", node["input"], mode="nearest", sources=sources)


def _bilinear(node: Node) -> Step:
    sizes, wanted = node.given()[2:], (node.result or ())[2:]
    sources: list[Array]
    if node["align_corners"]:
        sources = [np.arange(c) * (s - 1) / max(1, c - 1) for s, c in zip(sizes, wanted, strict=True)]
    else:
        ratios = _ratios(node, sizes, wanted)
        sources = [(np.arange(count) + 0.5) * r - 0.5 for count, r in zip(wanted, ratios, strict=True)]
    return step("resize", node["input"], mode="bilinear", sources=tuple(sources))


def _ratios(node: Node, sizes: Sequence[int], wanted: Sequence[int]) -> list[float]:
    """Steps in the image from one result to the next: from the scales where those are given."""
    scales = node["scale_factors"]
    if scales is None:
        return [size / count for size, count in zip(sizes, wanted, strict=True)]
    return [1 / scale for scale in scales]


def _expand(node: Node) -> Step:
    return step("expand", node["self"], shape=node["size"])


def _expand_as(node: Node) -> Step:
    return step("expand", node["self"], shape=node.result or ())


def _zeros(node: Node) -> Step:
    return step("zeros", shape=(node.result or ())[1:])


def _first(kind: str, **options: Any) -> Rule:
    """A step with the first argument as its operand."""
    return lambda node: step(kind, next(iter(node.arguments.values())), **options)


RULES: dict[str, Rule] = {
    "embedding": lambda node: step("embedding", node["weight"], node["indices"]),
    "adaptive_avg_pool2d": _adaptive_pool(maximum=False),
    "adaptive_max_pool2d": _adaptive_pool(maximum=True),
    "add": _add("add"),
    "alias": _first("identity"),
    "alpha_dropout": _dropout,
    "amax": _reduce(maximum=True),
    "avg_pool2d": _avg_pool,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "chunk": _chunk,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clone": _first("identity"),
    "concat": _cat,
    "conv2d": _conv2d,
    "contiguous": _first("identity"),
    "detach": _first("identity"),
    "div": _div,
    "dropout": _dropout,
    "expand": _expand,
    "expand_as": _expand_as,
    "feature_dropout": _dropout,
    "flatten": _reshape,
    "hardsigmoid": _first("activation", name="hsigmoid"),
    "hardswish": _first("activation", name="hswish"),
    "hardtanh": _hardtanh,
    "linear": lambda node: step("linear", node["input"], node["weight"], node["bias"]),
    "matmul": lambda node: step("matmul", node["self"], node["other"]),
    "max_pool2d": _max_pool,
    "mean": _reduce(maximum=False),
    "max": _max,
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "mul": _binary("mul"),
    "narrow": _narrow,
    "neg": _first("negative"),
    "new_zeros": _zeros,
    "pad": _pad,
    "permute": _permute,
    "relu": _first("activation", name="relu"),
    "relu6": _first("activation", name="relu6"),
    "reshape": _reshape,
    "reshape_as": _reshape,
    "rsub": _reverse,
    "select": _select,
    "sigmoid": _first("activation", name="sigmoid"),
    "silu": _first("activation", name="swish"),
    "slice": _slice,
    "softmax": _softmax,
    "split": _split,
    "split_with_sizes": _split,
    "squeeze": _reshape,
    "sub": _add("sub"),
    "sinc": _first("sinc"),
    "softplus": _softplus,
    **{name: _first("activation", name=name) for name in _SAME_NAME},
    "arcsinh": _first("activation", name="asinh"),
    "arctan": _first("activation", name="atan"),
    "absolute": _first("activation", name="abs"),
    "to": _first("identity"),
    "transpose": _transpose,
    "unbind": lambda node: step("unbind", node["self"], axis=node["dim"]),
    "unflatten": _reshape,
    "unsqueeze": _reshape,
    "upsample_bilinear2d": _bilinear,
    "upsample_nearest2d": _nearest,
    "view": _reshape,
    "view_as": _reshape,
    "zeros": _zeros,
    "zeros_like": _first("zeros_like"),
}
"""Rules by operation of ATen."""
