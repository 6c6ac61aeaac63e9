"""From an entry to a tensor of the function, and axes and shapes without the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from drawloom.ir import Value

from .draft import Draft
from .entries import Batch, Constant, Entry, Expanded, Padded
from .problems import Unsupported
from .windows import bordered


def tensor(draft: Draft, entry: Entry) -> Value:
    """The tensor that an entry is, written with operations where it is more than one.

    Raises:
        Unsupported: when no operations give it.
    """
    if isinstance(entry, Value):
        return entry
    if isinstance(entry, Padded) and entry.fill == 0:
        return bordered(draft, entry.value, entry.border)
    if isinstance(entry, Expanded):
        return draft.op("add", [draft.op("zeros", [], shape=entry.shape), entry.value])
    raise Unsupported(_REASONS.get(type(entry), "an operand is missing"))


_REASONS: dict[type, str] = {
    Constant: "an operand is a constant tensor; the IR has constants as weights of layers only",
    Padded: "its operand has a border that is not zero",
}


def image(draft: Draft, entry: Entry) -> Value:
    """The same, of rank 3.

    Raises:
        Unsupported: when it is of another rank.
    """
    value = tensor(draft, entry)
    if value.type.rank != 3:
        raise Unsupported(f"its operand is {value.type}; the IR has it for images f32[C, H, W] only")
    return value


def axis_of(axis: int, value: Value) -> int:
    """An axis counted with the batch, or from behind, as one counted without.

    Raises:
        Unsupported: when it is the batch, or does not exist.
    """
    rank = value.type.rank + 1
    if not -rank <= axis < rank:
        raise Unsupported(f"axis {axis} does not exist in a batch of {value.type}")
    if axis % rank == 0:
        raise Unsupported("it works along the batch; samples are independent in the IR")
    return axis % rank - 1


def sample_shape(draft: Draft, shape: Sequence[Any], value: Value) -> tuple[int, ...]:
    """The shape of one sample that a new shape of a batch means.

    Args:
        draft: the function.
        shape: with the batch first; -1 for what is left, 0 for the dimension as it was.
        value: the tensor that gets the shape.

    Raises:
        Unsupported: when the batch does not stay first, or numbers of elements differ.
    """
    known = (Batch.SIZE, 0) if draft.batch is None else (Batch.SIZE, 0, draft.batch)
    told = f"the shape [{', '.join(map(str, shape))}]"
    rest = [_kept(value, i) if d == 0 else d for i, d in enumerate(shape)][1:]
    if not shape or Batch.SIZE in rest:
        raise Unsupported(f"{told} does not keep the batch first")
    open_axes = [i for i, d in enumerate(rest) if d == -1]
    if len(open_axes) == 1 and shape[0] in known:
        rest[open_axes[0]] = value.type.elements // max(1, math.prod(d for d in rest if d != -1))
    if any(d < 1 for d in rest) or math.prod(rest) != value.type.elements or shape[0] not in (*known, -1):
        raise Unsupported(f"{told} does not keep the batch of {value.type} first")
    return tuple(int(d) for d in rest)


def _kept(value: Value, axis: int) -> int:
    """The dimension of an axis counted with the batch; the batch itself is left as it is."""
    return 0 if axis == 0 or axis > value.type.rank else int(value.type.shape[axis - 1])


def reshaped(draft: Draft, value: Value, shape: tuple[int, ...]) -> Value:
    """A tensor in another shape; steps that undo each other are left out."""
    while value.producer is not None and value.producer.name in ("reshape", "flatten"):
        value = value.producer.operands[0]
    if value.type.shape == shape:
        return value
    producer = value.producer
    if producer is not None and producer.name == "global_avg_pool" and shape == value.type.shape[:1]:
        return draft.op("global_avg_pool", producer.operands)
    return draft.op("flatten", value) if len(shape) == 1 else draft.op("reshape", value, shape=shape)


def as_image(draft: Draft, value: Value, axis: int, count: int = 1) -> Value:
    """A tensor as an image whose height is `count` axes from `axis` on, and whose width is what follows."""
    shape = value.type.shape
    parts = shape[:axis], shape[axis : axis + count], shape[axis + count :]
    return reshaped(draft, value, tuple(math.prod(part) for part in parts))
