"""Operations that combine a list of tensors of one type, each possibly absent, into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, OpDefinition, Require, Weight
from ..expression import any_of, apply, total, where
from ..graph import Operation
from ..types import TensorType
from .listed import common_dimension, some_operand


def _added(terms: Sequence[Array]) -> Array:
    """One or more terms added in order."""
    y = terms[0]
    for term in terms[1:]:
        y = y + term
    return y


class _Aggregate(OpDefinition):
    """A list of tensors of one type to one of that type."""

    operands: ClassVar[tuple[str, ...]] = ("terms",)
    variadic: ClassVar[bool] = True

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The common type."""
        some_operand(op)
        first = op.operands[0].type
        return (TensorType(tuple(common_dimension(op, i, require) for i in range(first.rank)), first.dtype),)


def _present(op: Operation) -> Any:
    """How many operands are present, a scalar."""
    return total(where(op.present(i), 1, 0) for i in range(len(op.operands)))


def _each(op: Operation, count: Callable[[Any], Any]) -> dict[str, Any]:
    """So many operations an element, given the number of present operands; none for a single one."""
    n = _present(op)
    return {"arithmetic": where(apply(">", n, 1), count(n), 0) * op.result.type.elements}


class Sum(_Aggregate):
    """Sum of a list of tensors of one type, each possibly absent; of no present tensor it is zeros.

    Each operand has an optional presence, a Boolean scalar; the present ones must have equal shapes, which is
    the result's. When none is present the result has the first operand's shape. A list resolved to nothing is
    written with the operation ``zeros``. No weights. Cost: for each element of the result, an operation of
    class ``arithmetic`` for each present operand but one.
    """

    name: ClassVar[str] = "sum"

    def operations(self, op: Operation) -> dict[str, Any]:
        """Additions."""
        return _each(op, lambda n: n - 1)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The terms added in order; for none, zeros for a batch of one (they broadcast)."""
        if not inputs:
            return (np.zeros((1, *op.result.type.shape), dtype=np.float32),)
        return (_added(inputs),)


class Mean(_Aggregate):
    """Mean of a list of tensors of one type, each possibly absent: their sum divided by how many are present.

    Operands as those of ``sum``; at least one must be present. No weights. Cost: for each element of the
    result, an operation of class ``arithmetic`` for each present operand, where there are several.
    """

    name: ClassVar[str] = "mean"

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The common type."""
        types = super().infer(op, require)
        require(
            any_of(*(op.present(i) for i in range(len(op.operands)))),
            "a mean needs at least one present operand",
        )
        return types

    def operations(self, op: Operation) -> dict[str, Any]:
        """Additions, and a division."""
        return _each(op, lambda n: n)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The terms added in order and divided by their number."""
        y = _added(inputs)
        return (y / y.dtype.type(len(inputs)),)


class WeightedSum(_Aggregate):
    """Sum of a list of tensors, each scaled by a learned number: ``y = sum_i sigmoid(weight[i]) * x_i``.

    The aggregation of RandWire's nodes (Xie et al., 2019). Operands as those of ``sum``. A single present
    tensor is the result itself and has no weight; of none it is zeros.

    Weights: ``weight [number of present operands]`` where these are more than one. Cost: for each element of
    the result, two operations of class ``arithmetic`` for each present operand, less one; a single one costs
    nothing.
    """

    name: ClassVar[str] = "weighted_sum"
    attributes: ClassVar[tuple[Attribute, ...]] = (Attribute("param", "string", doc="path of its weights"),)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight``, where more than one operand is present."""
        present = _present(op)
        count = where(apply(">", present, 1), present, 0)
        return {} if type(count) is int and count == 0 else {"weight": Weight(TensorType((count,)))}

    def operations(self, op: Operation) -> dict[str, Any]:
        """Multiplications and additions."""
        return _each(op, lambda n: 2 * n - 1)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The scaled terms added in order; for none, zeros for a batch of one (they broadcast)."""
        if not inputs:
            return (np.zeros((1, *op.result.type.shape), dtype=np.float32),)
        if len(inputs) == 1:
            return (inputs[0],)
        scales = 1 / (1 + np.exp(-weights["weight"]))
        return (_added([scale * term for scale, term in zip(scales, inputs, strict=True)]),)


DEFINITIONS: tuple[OpDefinition, ...] = (Sum(), Mean(), WeightedSum())
