"""Operations that join, cut, reorder and resize tensors. Axes and shapes count the batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from drawloom.ir import Value

from .draft import Draft
from .entries import Array, Entry, Expanded, Padded
from .problems import Unsupported
from .tensors import as_image, axis_of, image, reshaped, sample_shape, tensor
from .windows import Pair, bordered, cut

_BEHIND = 2**31 - 1
"""An end that is behind everything, as exporters write it."""


def concat(draft: Draft, parts: Sequence[Entry], *, axis: int) -> Value:
    """Joins tensors along an axis."""
    values = [tensor(draft, part) for part in parts]
    return values[0] if len(values) == 1 else draft.op("concat", values, axis=axis_of(axis, values[0]))


def slice_(draft: Draft, x: Entry, *, axis: int, begin: int, end: int, step: int = 1) -> Entry:
    """Every `step`-th element from `begin` to before `end`; positions may count from behind or be outside."""
    value = tensor(draft, x)
    all_samples = _BEHIND if draft.batch is None else draft.batch
    if (begin, step) == (0, 1) and axis % (value.type.rank + 1) == 0 and end >= all_samples:
        return value
    which = axis_of(axis, value)
    if step < 1:
        raise Unsupported(f"a step of {step}")
    positions = range(*slice(begin, end, step).indices(value.type.shape[which]))
    if not positions:
        raise Unsupported(f"nothing is left of {value.type} between {begin} and {end}")
    part = cut(draft, value, which, positions.start, positions.stop)
    return part if step == 1 else _every(draft, part, which, step)


def slices(draft: Draft, x: Entry, *, cuts: Sequence[tuple[int, int, int, int]]) -> Entry:
    """Several slices, each by axis, begin, end and step."""
    for axis, begin, end, step in cuts:
        x = slice_(draft, x, axis=axis, begin=begin, end=end, step=step)
    return x


def _every(draft: Draft, value: Value, axis: int, step: int) -> Value:
    """Every `step`-th element along an axis: the maxima of windows of one element."""
    shape = value.type.shape
    if (len(shape), axis) == (3, 2):
        return draft.op("max_pool", value, kernel=1, stride=(1, step))
    lines = as_image(draft, value, axis)
    kept = draft.op("max_pool", lines, kernel=1, stride=(step, 1))
    return reshaped(draft, kept, (*shape[:axis], kept.type.shape[1], *shape[axis + 1 :]))


def split(draft: Draft, x: Entry, *, axis: int, sizes: Sequence[int]) -> tuple[Value, ...]:
    """Cuts a tensor into parts of given sizes."""
    value = tensor(draft, x)
    which = axis_of(axis, value)
    ends = np.cumsum(sizes).tolist()
    if not ends or ends[-1] != value.type.shape[which] or min(sizes) < 1:
        raise Unsupported(
            f"parts of {list(sizes)} are not the whole of axis {axis} of a batch of {value.type}"
        )
    return tuple(cut(draft, value, which, end - size, end) for end, size in zip(ends, sizes, strict=True))


def select(draft: Draft, x: Entry, *, axis: int, index: int) -> Value:
    """The part at one position of an axis, without that axis."""
    value = tensor(draft, x)
    which = axis_of(axis, value)
    shape = value.type.shape
    if not -shape[which] <= index < shape[which]:
        raise Unsupported(f"position {index} lies outside axis {axis} of a batch of {value.type}")
    part = cut(draft, value, which, index % shape[which], index % shape[which] + 1)
    return reshaped(draft, part, (*shape[:which], *shape[which + 1 :]))


def unbind(draft: Draft, x: Entry, *, axis: int) -> tuple[Value, ...]:
    """All positions of an axis."""
    value = tensor(draft, x)
    count = value.type.shape[axis_of(axis, value)]
    return tuple(select(draft, value, axis=axis, index=index) for index in range(count))


def reshape(draft: Draft, x: Entry, *, shape: Sequence[Any]) -> Value:
    """The same elements in another shape."""
    value = tensor(draft, x)
    return reshaped(draft, value, sample_shape(draft, shape, value))


def squeeze(draft: Draft, x: Entry, *, axes: Sequence[int] | None) -> Value:
    """Without some axes of size one; None takes all of them."""
    value = tensor(draft, x)
    shape = value.type.shape
    if axes is None and draft.batch == 1:
        raise Unsupported("it drops all axes of size one, the batch among them")
    chosen = range(len(shape)) if axes is None else [axis_of(axis, value) for axis in axes]
    if axes is not None and any(shape[axis] != 1 for axis in chosen):
        raise Unsupported(f"it drops the axes {list(axes)} of a batch of {value.type}")
    return reshaped(draft, value, tuple(d for i, d in enumerate(shape) if d != 1 or i not in chosen))


def unsqueeze(draft: Draft, x: Entry, *, axes: Sequence[int]) -> Value:
    """With new axes of size one, counted in the result."""
    value = tensor(draft, x)
    rank = value.type.rank + 1 + len(axes)
    new = {axis % rank for axis in axes}
    if 0 in new:
        raise Unsupported("it puts a new axis before the batch")
    old = iter(value.type.shape)
    return reshaped(draft, value, tuple(1 if i in new else next(old) for i in range(1, rank)))


def flatten(draft: Draft, x: Entry, *, begin: int, end: int = -1) -> Value:
    """Axes from `begin` to `end`, both included, as one."""
    value = tensor(draft, x)
    first, last = axis_of(begin, value), axis_of(end, value)
    shape = value.type.shape
    joined = math.prod(shape[first : last + 1])
    return reshaped(draft, value, (*shape[:first], joined, *shape[last + 1 :]))


def transpose(draft: Draft, x: Entry, *, order: Sequence[int]) -> Value:
    """Axes in another order, written with channel shuffles: each turns some leading axes round."""
    value = tensor(draft, x)
    if sorted(order) != list(range(value.type.rank + 1)) or order[0] != 0:
        raise Unsupported(f"the order {list(order)} of axes does not keep the batch first")
    axes = list(range(1, len(order)))
    for last in reversed(range(len(axes))):
        position = axes.index(order[last + 1])
        if position != last:
            value = _turned(draft, value, position + 1, last + 1)
            axes = [*axes[position + 1 : last + 1], *axes[: position + 1], *axes[last + 1 :]]
    return value


def _turned(draft: Draft, value: Value, count: int, end: int) -> Value:
    """The first `count` axes of a tensor behind those that follow, up to before `end`."""
    shape = value.type.shape
    front, rest = shape[:count], shape[end:]
    sizes = rest if len(rest) == 2 else (math.prod(rest), 1)
    groups = math.prod(front)
    channels = reshaped(draft, value, (math.prod(shape[:end]), *sizes))
    # of one group, or of groups of one channel, nothing moves
    moved = channels.type.shape[0] > groups > 1
    shuffled = draft.op("channel_shuffle", channels, groups=groups) if moved else channels
    return reshaped(draft, shuffled, (*shape[count:end], *front, *rest))


def pad(draft: Draft, x: Entry, *, border: Sequence[Pair], fill: float) -> Entry:
    """A border of constants; `border` is for all axes, the batch first."""
    value = tensor(draft, x)
    if len(border) != value.type.rank + 1 or any(border[0]):
        raise Unsupported("a border around the batch")
    if any(min(sides) < 0 for sides in border):
        if fill:
            raise Unsupported("a border that cuts and is not zero")
        return bordered(draft, value, tuple(border[1:]))
    return Padded(value, tuple(border[1:]), fill) if any(map(any, border)) else value


def resize(draft: Draft, x: Entry, *, mode: str, sources: tuple[Array, Array]) -> Value:
    """An image of other height and width.

    Args:
        draft: the function.
        x: the image.
        mode: ``nearest`` or ``bilinear``.
        sources: for each row and each column of the result, where in the image it is read.
    """
    value = image(draft, x)
    sizes = value.type.shape[1:]
    if all(np.array_equal(s, np.arange(size)) for s, size in zip(sources, sizes, strict=True)):
        return value
    for source, size in zip(sources, sizes, strict=True):
        if not np.allclose(np.clip(source, 0, size - 1), _SOURCES[mode](size, len(source)), atol=1e-4):
            raise Unsupported(f"{mode} reads other positions of the image than resize of the IR does")
    return draft.op("resize", value, height=len(sources[0]), width=len(sources[1]), mode=mode)


def _nearest(size: int, wanted: int) -> Array:
    return np.arange(wanted) * size // wanted


def _bilinear(size: int, wanted: int) -> Array:
    return np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)


_SOURCES: dict[str, Callable[[int, int], Array]] = {"nearest": _nearest, "bilinear": _bilinear}
"""Where resize of the IR reads, by mode."""


def expand(draft: Draft, x: Entry, *, shape: Sequence[Any]) -> Entry:
    """Dimensions of size one repeated; -1 leaves one as it is."""
    value = tensor(draft, x)
    given = value.type.shape
    wanted = tuple(d if w in (-1, 1) else w for d, w in zip(given, shape[1:], strict=False))
    fits = len(shape) == len(given) + 1 and all(d in (w, 1) for d, w in zip(given, wanted, strict=True))
    if not fits:
        raise Unsupported(f"{value.type} does not expand to [{', '.join(map(str, shape))}]")
    return value if wanted == given else Expanded(value, tuple(int(w) for w in wanted))


def zeros(draft: Draft, *, shape: Sequence[int]) -> Value:
    """Zeros for every sample; `shape` is without the batch."""
    return draft.op("zeros", [], shape=tuple(shape))


def zeros_like(draft: Draft, x: Entry) -> Value:
    """Zeros of the shape of a tensor."""
    return draft.op("zeros_like", tensor(draft, x))


RULES: dict[str, Callable[..., Any]] = {
    "concat": concat,
    "slice": slice_,
    "slices": slices,
    "split": split,
    "select": select,
    "reshape": reshape,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "flatten": flatten,
    "transpose": transpose,
    "pad": pad,
    "resize": resize,
    "expand": expand,
    "unbind": unbind,
    "zeros": zeros,
    "zeros_like": zeros_like,
}
"""Rules by step."""
