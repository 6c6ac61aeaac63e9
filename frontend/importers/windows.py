"""Borders and windows: what convolutions and pooling of other programs need before the IR can hold them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from drawloom.ir import Value

from .draft import Draft
from .entries import Entry, Padded
from .problems import Unsupported

Pair: TypeAlias = tuple[int, int]
Border: TypeAlias = tuple[Pair, ...]
"""Elements before and after, for each axis."""

_MOST_PIECES = 64
"""Pieces of which one side of a border may be put together; a larger border is a mistake in the file."""


def taken_in(entry: Entry, border: Border, fill: float) -> tuple[Entry, Border]:
    """A tensor without the border of its height and width, and that border added to the window's own.

    What has no border, one of channels, or one of another value than `fill` stays as it is.
    """
    if not isinstance(entry, Padded) or entry.fill != fill or any(entry.border[0]) or len(entry.border) != 3:
        return entry, border
    both = zip(entry.border[1:], border, strict=True)
    return entry.value, tuple((a[0] + b[0], a[1] + b[1]) for a, b in both)


def bordered(draft: Draft, value: Value, border: Border) -> Value:
    """A tensor with zeros around it, written with concatenations.

    Args:
        draft: the function.
        value: what is inside.
        border: for each axis; negative numbers cut.
    """
    for axis, (before, after) in enumerate(border):
        size = value.type.shape[axis]
        value = cut(draft, value, axis, max(0, -before), size - max(0, -after))
        zeros = {count: _zeros(draft, value, axis, count) for count in {before, after}}
        parts = [*zeros[before], value, *zeros[after]]
        value = draft.op("concat", parts, axis=axis) if len(parts) > 1 else value
    return value


def _zeros(draft: Draft, value: Value, axis: int, count: int) -> list[Value]:
    """Zeros as wide as `value`, `count` along the axis, in pieces."""
    size = value.type.shape[axis]
    pieces = [min(size, count - start) for start in range(0, min(count, size * (_MOST_PIECES + 1)), size)]
    if len(pieces) > _MOST_PIECES:
        raise Unsupported(f"a border of {count} is too much for {size} elements")
    return [draft.op("zeros_like", cut(draft, value, axis, 0, piece)) for piece in pieces]


def cut(draft: Draft, value: Value, axis: int, begin: int, end: int) -> Value:
    """The part of a tensor from `begin` to before `end`; the tensor itself when that is all."""
    if (begin, end) == (0, value.type.shape[axis]):
        return value
    if not 0 <= begin < end <= value.type.shape[axis]:
        raise Unsupported(f"nothing is left of {value.type} between {begin} and {end}")
    return draft.op("slice", value, axis=axis, begin=begin, end=end)


def with_even_border(draft: Draft, value: Value, border: Border) -> tuple[Value, Pair]:
    """A tensor and the border on both sides of its height and width that together are an uneven border.

    The IR pads both sides alike; what one side has more is added as zeros.
    """
    pad = (max(0, min(border[0])), max(0, min(border[1])))
    rest = tuple((a - p, b - p) for (a, b), p in zip(border, pad, strict=True))
    return bordered(draft, value, ((0, 0), *rest)), pad


def with_repeated_border(draft: Draft, value: Value, border: Border, kernel: Pair) -> tuple[Value, Pair]:
    """The same for a maximum: what one side has more repeats the row or column at the edge.

    A window that reaches into the border also covers that edge, whose repetition changes no maximum.
    """
    for axis, ((before, after), size) in enumerate(zip(border, kernel, strict=True), start=1):
        if min(before, after) < 0 or max(before, after) >= size or abs(before - after) > _MOST_PIECES:
            raise Unsupported(f"a border of {before} and {after} does not fit a window of {size}")
        last = value.type.shape[axis]
        first = [cut(draft, value, axis, 0, 1)] * max(0, before - after)
        more = [cut(draft, value, axis, last - 1, last)] * max(0, after - before)
        value = draft.op("concat", [*first, value, *more], axis=axis) if first or more else value
    return value, (min(border[0]), min(border[1]))


def ceiling(sizes: Sequence[int], kernel: Pair, stride: Pair, border: Border) -> Border:
    """The border with what rounding up the number of windows adds behind: ``ceil_mode``.

    A window that would begin behind the image and its border in front is left out.
    """
    result = []
    for size, k, s, (before, after) in zip(sizes, kernel, stride, border, strict=True):
        windows = max(0, math.ceil((size + before + after - k) / s)) + 1
        windows -= (windows - 1) * s >= size + before
        result.append((before, max(after, (windows - 1) * s + k - size - before)))
    return tuple(result)


def same_border(sizes: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair, upper: bool) -> Border:
    """The border with which there are ``ceil(size / stride)`` windows; `upper` puts an odd one behind."""
    result = []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        total = max(0, (math.ceil(size / s) - 1) * s + d * (k - 1) + 1 - size)
        small, large = total // 2, total - total // 2
        result.append((small, large) if upper else (large, small))
    return tuple(result)
