"""Lists of operands with presence: how their types agree."""

from __future__ import annotations

from typing import Any

from ..definition import InferenceError, Require
from ..expression import any_of, apply, equal, same, where
from ..graph import Operation


def some_operand(op: Operation) -> None:
    """Refuse an empty operand list and operands of several ranks or element types.

    Raises:
        InferenceError: when there is none, or they differ.
    """
    if not op.operands:
        raise InferenceError(f"{op.name} of an empty list has no shape")
    first = op.operands[0].type
    for position, value in enumerate(op.operands):
        if value.type.rank != first.rank or value.type.dtype != first.dtype:
            raise InferenceError(
                f"operands of {op.name} differ in rank or element type: {first} and {value.type}",
                operand=position,
            )


def common_dimension(op: Operation, axis: int, require: Require) -> Any:
    """The size of an axis on which all present operands agree; the first operand's when none is present."""
    sizes = [v.type.shape[axis] for v in op.operands]
    if all(same(s, sizes[0]) or equal(s, sizes[0]) is True for s in sizes):
        return sizes[0]
    common = sizes[0]
    for position in reversed(range(len(sizes))):
        common = where(op.present(position), sizes[position], common)
    for position, size in enumerate(sizes):
        require(
            any_of(apply("not", op.present(position)), equal(size, common)),
            f"operands of {op.name} differ in dimension {axis}: "
            f"{op.operands[position].type} beside {op.operands[0].type}",
            operand=position,
        )
    return common
