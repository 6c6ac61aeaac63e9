"""Layers: convolution, matrix products, normalisation and pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from drawloom.ir import Value

from .draft import Draft
from .entries import Array, Constant, Entry, constant
from .problems import Unsupported
from .tensors import as_image, axis_of, image, reshaped, tensor
from .windows import (
    Border,
    Pair,
    bordered,
    ceiling,
    same_border,
    taken_in,
    with_even_border,
    with_repeated_border,
)

NO_BORDER: Border = ((0, 0), (0, 0))


def conv(
    draft: Draft,
    x: Entry,
    weight: Entry,
    bias: Entry,
    *,
    stride: Pair = (1, 1),
    border: Border | str = NO_BORDER,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Value:
    """A two-dimensional convolution; `border` may be ``same_upper`` or ``same_lower``."""
    shape = constant(weight, "the kernel").shape
    if len(shape) != 4:
        raise Unsupported(f"a convolution over {len(shape) - 2} axes; the IR has those over two")
    kernel = (int(shape[2]), int(shape[3]))
    if isinstance(border, str):
        sizes = image(draft, x).type.shape[1:]
        border = same_border(sizes, kernel, stride, dilation, border == "same_upper")
    inner, border = taken_in(x, border, 0.0)
    value, pad = with_even_border(draft, image(draft, inner), border)
    return draft.weighted(
        "conv2d",
        value,
        _layer_weights(weight, bias),
        out=int(shape[0]),
        kernel=kernel,
        stride=stride,
        pad=pad,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
    )


def _layer_weights(weight: Entry, bias: Entry) -> dict[str, Constant]:
    given = {"weight": weight, "bias": bias}
    for role, entry in given.items():
        if entry is not None:
            constant(entry, f"the {role}")
    return {role: entry for role, entry in given.items() if isinstance(entry, Constant)}


def linear(draft: Draft, x: Entry, weight: Entry, bias: Entry = None) -> Value:
    """``x @ weight.T + bias`` on the last axis; `weight` is ``[out, features]``."""
    out, _ = _matrix(weight).shape
    value = tensor(draft, x)
    shape = value.type.shape
    if len(shape) > 2:  # positions in several dimensions are positions in one
        value = reshaped(draft, value, (math.prod(shape[:-1]), shape[-1]))
    y = draft.weighted("linear", value, _layer_weights(weight, bias), out=out, bias=bias is not None)
    return reshaped(draft, y, (*shape[:-1], out)) if len(shape) > 2 else y


def _matrix(entry: Entry) -> Any:
    array = constant(entry, "one factor")
    if array.ndim != 2:
        raise Unsupported(f"a product with a constant of rank {array.ndim}; the IR has those with matrices")
    return array


def matmul(draft: Draft, x: Entry, matrix: Entry) -> Value:
    """``x @ matrix`` with a constant matrix ``[features, out]``."""
    return linear(draft, x, _changed(matrix, _matrix(matrix).T))


def gemm(
    draft: Draft,
    x: Entry,
    matrix: Entry,
    bias: Entry,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    turned: bool = False,
) -> Value:
    """``alpha * x @ matrix + beta * bias``, the matrix transposed when `turned`; factors go into weights."""
    array = _matrix(matrix)
    weight = _scaled(matrix if turned else _changed(matrix, array.T), alpha)
    if bias is None:
        return linear(draft, x, weight)
    shift = np.ravel(constant(bias, "the bias"))
    out = array.shape[0 if turned else 1]
    if shift.size not in (1, out):
        raise Unsupported(f"its bias has {shift.size} elements for {out} features")
    return linear(draft, x, weight, _scaled(_changed(bias, np.broadcast_to(shift, out)), beta))


def _changed(entry: Entry, array: Array) -> Constant:
    """Another array that is the same weight."""
    return Constant(array, _name(entry))


def _scaled(entry: Entry, factor: float) -> Entry:
    """A constant times a number."""
    return entry if factor == 1 else _changed(entry, constant(entry, "a factor") * np.float32(factor))


def batch_norm(
    draft: Draft, x: Entry, scale: Entry, shift: Entry, mean: Entry, variance: Entry, *, eps: float
) -> Value:
    """Batch normalisation with running statistics."""
    affine = {"weight": scale, "bias": shift}
    statistics = {"running_mean": mean, "running_var": variance}
    given = statistics if _neutral(scale, shift, mean) else affine | statistics
    for role, entry in given.items():
        constant(entry, f"its {role}")
    weights = {role: entry for role, entry in given.items() if isinstance(entry, Constant)}
    return draft.weighted("batch_norm", tensor(draft, x), weights, eps=eps, affine="weight" in weights)


def _neutral(scale: Entry, shift: Entry, mean: Entry) -> bool:
    """Whether scale and shift are left out, or ones and zeros that are no weights of their own.

    Formats that always want both get constants there; those are not named after the statistics.
    """
    if scale is None and shift is None:
        return True
    if not all(isinstance(entry, Constant) for entry in (scale, shift, mean)):
        return False
    path, role = _name(mean).rpartition(".")[::2]
    return (
        role == "running_mean"
        and _name(scale) != f"{path}.weight".lstrip(".")
        and bool((constant(scale, "") == 1).all() and (constant(shift, "") == 0).all())
    )


def _name(entry: Entry) -> str:
    return entry.name if isinstance(entry, Constant) else ""


def max_pool(
    draft: Draft,
    x: Entry,
    *,
    kernel: Pair,
    stride: Pair,
    border: Border | str = NO_BORDER,
    dilation: Pair = (1, 1),
    ceil: bool = False,
) -> Value:
    """Maxima of windows."""
    if dilation != (1, 1):
        raise Unsupported("its windows are dilated")
    inner, border = _window(draft, x, kernel, stride, border, ceil, -math.inf)
    value, pad = with_repeated_border(draft, image(draft, inner), border, kernel)
    return draft.op("max_pool", value, kernel=kernel, stride=stride, pad=pad)


def avg_pool(
    draft: Draft,
    x: Entry,
    *,
    kernel: Pair,
    stride: Pair,
    border: Border | str = NO_BORDER,
    ceil: bool = False,
    counted: bool,
) -> Value:
    """Means of windows; `counted` says whether the border counts as zeros or is left out of the mean."""
    plain = border == NO_BORDER
    inner, border = _window(draft, x, kernel, stride, border, False, 0.0 if plain or counted else None)
    value = image(draft, inner)
    counted = counted or plain
    if ceil and ceiling(value.type.shape[1:], kernel, stride, border) != border:
        raise Unsupported("it rounds the number of windows up, and the last ones are not whole")
    if not counted and any(before != after for before, after in border):
        raise Unsupported("its border is uneven and not counted")
    if counted and any(2 * min(sides) > size for sides, size in zip(border, kernel, strict=True)):
        value, border = bordered(draft, value, ((0, 0), *border)), NO_BORDER
    value, pad = with_even_border(draft, value, border)
    counts = counted and pad != (0, 0)
    return draft.op("avg_pool", value, kernel=kernel, stride=stride, pad=pad, count_include_pad=counts)


def _window(
    draft: Draft,
    x: Entry,
    kernel: Pair,
    stride: Pair,
    border: Border | str,
    ceil: bool,
    fill: float | None,
) -> tuple[Entry, Border]:
    """The operand without its border, where that is of `fill`, and the border of the windows."""
    if isinstance(border, str):
        sizes = image(draft, x).type.shape[1:]
        border = same_border(sizes, kernel, stride, (1, 1), border == "same_upper")
    inner, border = (x, border) if fill is None else taken_in(x, border, fill)
    if not ceil:
        return inner, border
    return inner, ceiling(image(draft, inner).type.shape[1:], kernel, stride, border)


def global_pool(draft: Draft, x: Entry, *, keep: bool, maximum: bool = False) -> Value:
    """The mean or the maximum of each channel."""
    value = image(draft, x)
    if not maximum:
        return draft.op("global_avg_pool", value, keep=keep)
    y = draft.op("max_pool", value, kernel=value.type.shape[1:])
    return y if keep else reshaped(draft, y, y.type.shape[:1])


def adaptive_pool(draft: Draft, x: Entry, *, sizes: Pair, maximum: bool = False) -> Value:
    """Pooling to a given height and width, which must divide those of the image."""
    value = image(draft, x)
    given = value.type.shape[1:]
    if sizes == (1, 1):
        return global_pool(draft, value, keep=True, maximum=maximum)
    if any(size % wanted for size, wanted in zip(given, sizes, strict=True)):
        raise Unsupported(
            f"it pools {given[0]} x {given[1]} to {sizes[0]} x {sizes[1]}, which does not divide it"
        )
    kernel = tuple(size // wanted for size, wanted in zip(given, sizes, strict=True))
    return draft.op("max_pool" if maximum else "avg_pool", value, kernel=kernel, stride=kernel)


def reduce(draft: Draft, x: Entry, *, axes: Sequence[int], keep: bool, maximum: bool = False) -> Value:
    """The mean or the maximum over axes that are neighbours."""
    value = tensor(draft, x)
    shape = value.type.shape
    chosen = sorted({axis_of(axis, value) for axis in axes})
    if chosen != list(range(chosen[0], chosen[-1] + 1)):
        raise Unsupported(f"it reduces the axes {list(axes)}, which are not neighbours")
    if not maximum and len(shape) == 3 and chosen == [1, 2]:
        return draft.op("global_avg_pool", value, keep=keep)
    lines = as_image(draft, value, chosen[0], len(chosen))
    kind = "max_pool" if maximum else "avg_pool"
    y = draft.op(kind, lines, kernel=(lines.type.shape[1], 1))
    left = [1 if i in chosen else d for i, d in enumerate(shape) if keep or i not in chosen]
    return reshaped(draft, y, tuple(left))


def embedding(draft: Draft, table: Entry, tokens: Entry) -> Value:
    """Rows of a constant table ``[vocabulary, features]``, for each token."""
    vocabulary, out = _matrix(table).shape
    weights = _layer_weights(table, None)
    return draft.weighted("embedding", tensor(draft, tokens), weights, vocabulary=vocabulary, out=out)


RULES: dict[str, Callable[..., Any]] = {
    "embedding": embedding,
    "conv": conv,
    "linear": linear,
    "matmul": matmul,
    "gemm": gemm,
    "batch_norm": batch_norm,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "global_pool": global_pool,
    "adaptive_pool": adaptive_pool,
    "reduce": reduce,
}
"""Rules by step."""
