"""Types of values: tensors without their batch dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .decision import Choice, Decision
from .expression import Expr, Scalar, product, scalar_text, substitute


class DType(Enum):
    """Element types."""

    F32 = "f32"
    I32 = "i32"

    @property
    def bytes(self) -> int:
        """Size of one element."""
        return 4


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor: ``f32[C, H, W]`` for images, ``f32[C]`` for vectors; the batch is left out.

    Attributes:
        shape: dimensions, integers or expressions over decisions.
        dtype: element type.
    """

    shape: tuple[Any, ...]
    dtype: DType = DType.F32

    def __str__(self) -> str:
        return f"{self.dtype.value}[{', '.join(scalar_text(d) for d in self.shape)}]"

    @property
    def rank(self) -> int:
        """Number of dimensions, without the batch."""
        return len(self.shape)

    @property
    def elements(self) -> Any:
        """Number of elements of one sample, a scalar."""
        return product(self.shape)

    @property
    def static(self) -> bool:
        """Whether every dimension is a plain integer."""
        return not any(isinstance(d, Expr) for d in self.shape)

    def substitute(self, replace: Mapping[Decision, Scalar | Choice]) -> TensorType:
        """The type with decisions replaced in its dimensions."""
        return self if self.static else TensorType(substitute(self.shape, replace), self.dtype)
