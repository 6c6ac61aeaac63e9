"""What a name of a foreign network can stand for while it is imported.

Besides tensors of the function that is built there are constants, and tensors that the IR holds only together
with what reads them: a border belongs to the convolution that reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from drawloom.ir import Value

from .problems import Unsupported

Array: TypeAlias = npt.NDArray[Any]


class Batch(Enum):
    """The size of the batch where it is open: a shape can hold it, arithmetic with it is refused."""

    SIZE = "batch"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array that is known; shapes with an open batch are arrays of objects.

    Attributes:
        array: the values.
        name: the name of the weight it is, or was before it was transposed; else empty.
    """

    array: Array
    name: str = ""

    @property
    def has_batch(self) -> bool:
        """Whether it is a shape that contains an open batch."""
        return self.array.dtype == object and any(d is Batch.SIZE for d in self.array.flat)


@dataclass(frozen=True, slots=True, eq=False)
class Padded:
    """A tensor with a border.

    Attributes:
        value: what is inside.
        border: elements before and after, for each axis without the batch.
        fill: the value of the border.
    """

    value: Value
    border: tuple[tuple[int, int], ...]
    fill: float


@dataclass(frozen=True, slots=True, eq=False)
class Expanded:
    """A tensor whose dimensions of size one are repeated to `shape` (without the batch)."""

    value: Value
    shape: tuple[int, ...]


class Broken(Enum):
    """The result of an operation that could not be imported; what reads it is not complained about."""

    BROKEN = "broken"


BROKEN = Broken.BROKEN

Entry: TypeAlias = Value | Constant | Padded | Expanded | Broken | None
"""What a name stands for; None is an operand that was left out."""


def constant(entry: Any, role: str) -> Array:
    """The array of a constant.

    Args:
        entry: what should be one.
        role: what it is for the operation, for the message: "the kernel".

    Raises:
        Unsupported: when it is computed from the inputs of the network.
    """
    if not isinstance(entry, Constant):
        raise Unsupported(f"{role} is computed by the network instead of being constant")
    return entry.array


def number(entry: Any, role: str, default: float) -> float:
    """A constant of one element; `default` when it is left out.

    Raises:
        Unsupported: when it is computed, or has several elements.
    """
    if entry is None:
        return default
    array = constant(entry, role)
    if array.size != 1:
        raise Unsupported(f"{role} has {array.size} elements instead of one")
    return float(np.ravel(array)[0])


def shape_of(entry: Any) -> tuple[int, ...]:
    """The shape of one sample of a computed tensor.

    Raises:
        Unsupported: when it is constant or left out.
    """
    if isinstance(entry, Value):
        return entry.type.shape
    if isinstance(entry, Padded):
        sizes = zip(entry.value.type.shape, entry.border, strict=True)
        return tuple(before + size + after for size, (before, after) in sizes)
    if isinstance(entry, Expanded):
        return entry.shape
    raise Unsupported("its first operand is constant or left out")
