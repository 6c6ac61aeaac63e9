"""Arithmetic on whole tensors, and operations that pass a tensor on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require
from ..expression import any_of, equal, same, where
from ..graph import Operation
from ..types import TensorType
from .spatial import image_shape, positive


class Binary(OpDefinition):
    """A function of two tensors, element by element, with broadcasting.

    No weights. Cost: an operation of class ``arithmetic`` for each element of the result.
    """

    operands: ClassVar[tuple[str, ...]] = ("a", "b")

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The broadcast type."""
        a, b = (v.type for v in op.operands)
        if a.rank != b.rank or a.dtype != b.dtype:
            raise InferenceError(
                f"operands of {op.name} differ in rank or element type: {a} and {b}", operand=1
            )
        return (TensorType(tuple(_broadcast(op, i, require) for i in range(a.rank)), a.dtype),)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element of the result."""
        return {"arithmetic": op.result.type.elements}


def _broadcast(op: Operation, axis: int, require: Require) -> Any:
    a, b = (v.type.shape[axis] for v in op.operands)
    if same(a, b) or equal(a, b) is True:
        return a
    require(
        any_of(equal(a, b), equal(a, 1), equal(b, 1)),
        f"operands of {op.name} differ in dimension {axis}: {op.operands[0].type} and {op.operands[1].type}",
        operand=1,
    )
    return where(equal(a, 1), b, a)


class Add(Binary):
    """Sum of two tensors: ``y = a + b``.

    Operands of one rank and element type; in each dimension they are equal or one of them is 1 and is
    repeated. The result has the larger of the two in each dimension.
    """

    name: ClassVar[str] = "add"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``a + b``."""
        return (inputs[0] + inputs[1],)


class Mul(Binary):
    """Product of two tensors, element by element: ``y = a * b``; shapes as in ``add``."""

    name: ClassVar[str] = "mul"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``a * b``."""
        return (inputs[0] * inputs[1],)


class Sub(Binary):
    """Difference of two tensors, element by element: ``y = a - b``; shapes as in ``add``."""

    name: ClassVar[str] = "sub"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``a - b``."""
        return (inputs[0] - inputs[1],)


class Div(Binary):
    """Quotient of two tensors, element by element: ``y = a / b``; shapes as in ``add``.

    Where ``b`` is zero the result is infinite or not a number, as in IEEE 754.
    """

    name: ClassVar[str] = "div"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``a / b``."""
        with np.errstate(all="ignore"):
            return (inputs[0] / inputs[1],)


class Maximum(Binary):
    """Larger one of two tensors, element by element: ``y = max(a, b)``; shapes as in ``add``."""

    name: ClassVar[str] = "maximum"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``max(a, b)``."""
        return (np.maximum(inputs[0], inputs[1]),)


class Minimum(Binary):
    """Smaller one of two tensors, element by element: ``y = min(a, b)``; shapes as in ``add``."""

    name: ClassVar[str] = "minimum"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``min(a, b)``."""
        return (np.minimum(inputs[0], inputs[1]),)


class Affine(OpDefinition):
    """A tensor times a number plus a number: ``y = scale * x + shift``.

    What arithmetic between tensors and numbers is made of: ``2 * x``, ``1 - x``, ``-x``. Any shape; the
    result has the operand's type. No weights. Cost: for each element an operation of class ``arithmetic``
    where ``scale`` is not 1, and one where ``shift`` is not 0.
    """

    name: ClassVar[str] = "affine"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("scale", "float", 1.0, doc="factor"),
        Attribute("shift", "float", 0.0, doc="what is added"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        return (op.operands[0].type,)

    def operations(self, op: Operation) -> dict[str, Any]:
        """For each element as many as there are of scale and shift."""
        scales = where(equal(op.attributes["scale"], 1), 0, 1)
        shifts = where(equal(op.attributes["shift"], 0), 0, 1)
        return {"arithmetic": (scales + shifts) * op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``scale * x + shift``."""
        (x,) = inputs
        scale, shift = (x.dtype.type(op.attributes[name]) for name in ("scale", "shift"))
        return (scale * x + shift,)


class Identity(OpDefinition):
    """The operand itself: ``y = x``. Any shape."""

    name: ClassVar[str] = "identity"

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        return (op.operands[0].type,)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The operand."""
        return (inputs[0],)


class Zeros(OpDefinition):
    """Zeros of a given shape, for every sample of the batch, computed from nothing.

    What a ``sum`` of no present operand is after resolving. It costs nothing.
    """

    name: ClassVar[str] = "zeros"
    operands: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[Attribute, ...]] = (Attribute("shape", "shape", doc="without the batch"),)

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[shape]``."""
        positive(op, "shape", require)
        return (TensorType(op.attributes["shape"]),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """Zeros for a batch of one (they broadcast)."""
        return (np.zeros((1, *op.attributes["shape"]), dtype=np.float32),)


class ZerosLike(OpDefinition):
    """The "none" operation of cells: zeros shaped like the operand, or like it after a stride.

    Operand ``x`` of any shape; the result has its type. With a stride other than 1 the operand is an image
    ``f32[C, H, W]`` and the result is ``f32[C, ceil(H / stride), ceil(W / stride)]``. It consumes its
    operand: what made that stays alive and is counted, as in published counts. It costs nothing.
    """

    name: ClassVar[str] = "zeros_like"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("stride", "ints", 1, doc="steps of rows, columns"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type, its last two dimensions divided by the stride."""
        given, stride = op.operands[0].type, op.attributes["stride"]
        if stride == (1, 1):
            return (given,)
        positive(op, "stride", require)
        channels, *sizes = image_shape(op)
        strided = ((size + s - 1) // s for size, s in zip(sizes, stride, strict=True))
        return (TensorType((channels, *strided), given.dtype),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """Zeros of the result's shape."""
        return (np.zeros((len(inputs[0]), *op.result.type.shape), dtype=inputs[0].dtype),)


DEFINITIONS: tuple[OpDefinition, ...] = (
    Add(),
    Sub(),
    Mul(),
    Div(),
    Maximum(),
    Minimum(),
    Affine(),
    Identity(),
    Zeros(),
    ZerosLike(),
)
