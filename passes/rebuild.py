"""Copying functions: operations with other operands, and the operation that a decided one becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from drawloom.ir import OPS, Constraint, DType, Expr, Function, Operation, TensorType, UserError, Value

_ZERO_OF_NOTHING = ("sum", "weighted_sum")

Specialised = Operation | Value
"""What an operation becomes: another operation, or for a decided choice the value that it stands for."""


def copied(op: Operation, operands: tuple[Value, ...], presence: tuple[Any, ...] | None = None) -> Operation:
    """The same operation on other operands; itself when they are the same objects."""
    # values compare by identity, so this compares objects
    if operands == op.operands and (presence is None or presence is op.presence):
        return op
    return remade(op, operands, op.attributes, op.presence if presence is None else presence)


def remade(
    op: Operation,
    operands: tuple[Value, ...],
    attributes: dict[str, Any],
    presence: tuple[Any, ...] = (),
    types: Sequence[TensorType] | None = None,
) -> Operation:
    """An operation like another with some parts changed; by default its results keep their types."""
    new = Operation(op.definition, operands, attributes, (), presence, op.span)
    if len(op.results) == 1:
        # by far the most common, and on the path of every candidate
        (old,) = op.results
        new.results = (Value(old.type if types is None else types[0], 0, old.name, new),)
    else:
        kept = [r.type for r in op.results] if types is None else types
        new.results = tuple([Value(t, r.index, r.name, new) for t, r in zip(kept, op.results, strict=True)])
    return new


def zeros(type: TensorType, like: Operation) -> Operation:
    """An operation that makes zeros, in place of another whose name and source span it keeps."""
    names = tuple([r.name for r in like.results])
    return Operation(OPS["zeros"], (), {"shape": type.shape}, (type,), (), like.span, names)


def specialised(
    op: Operation,
    operands: tuple[Value, ...],
    attributes: dict[str, Any],
    presence: tuple[Any, ...],
    types: Sequence[TensorType],
) -> Specialised:
    """What an operation becomes when decisions in it have been replaced.

    A choice whose selector is known is the selected value, absent list members go, a ``sum`` of none is
    ``zeros``.

    Args:
        op: the operation as it was.
        operands: what its operands have become.
        attributes: with decisions replaced.
        presence: with decisions replaced.
        types: of the results, with decisions replaced.

    Raises:
        UserError: when a ``concat`` has nothing left.
    """
    if op.definition.name == "choice" and not isinstance(attributes["selector"], Expr):
        return operands[int(attributes["selector"])]
    if presence:
        kept = [i for i, p in enumerate(presence) if p is not False]
        operands = tuple([operands[i] for i in kept])
        presence = tuple([presence[i] for i in kept])
        if not operands:
            return nothing(op, types[0])
        if all(p is True for p in presence):
            presence = ()
    return remade(op, operands, attributes, presence, types)


def nothing(op: Operation, type: TensorType) -> Operation:
    """What a list operation becomes when it has no member left: a sum, weighted or not, is zeros.

    Raises:
        UserError: when a ``concat`` or a ``mean`` has nothing left.
    """
    if op.name not in _ZERO_OF_NOTHING or type.dtype is not DType.F32:
        place = f" ({op.span})" if op.span else ""
        raise UserError(f"a '{op.name}' has no member left{place}", "this assignment takes all members away")
    return zeros(type, op)


class Rewriter:
    """Collects the operations of a function that is being rebuilt and what each old value has become."""

    __slots__ = ("operations", "values")

    def __init__(self) -> None:
        """Start with nothing replaced."""
        self.values: dict[Value, Value] = {}
        self.operations: list[Operation] = []

    def operands(self, op: Operation) -> tuple[Value, ...]:
        """What the operands of an old operation have become."""
        get = self.values.get
        return tuple([get(v, v) for v in op.operands])

    def place(self, old: Operation, new: Specialised) -> None:
        """Say what an old operation has become; a new operation is appended."""
        if isinstance(new, Value):
            self.values[old.results[0]] = new
            return
        self.operations.append(new)
        if new is not old:
            self.values.update(zip(old.results, new.results, strict=True))

    def keep(self, op: Operation) -> None:
        """Keep an operation, on what its operands have become."""
        self.place(op, copied(op, self.operands(op)))

    def finish(self, function: Function, inputs: tuple[Value, ...] | None = None) -> Function:
        """The rebuilt function, or the given one when nothing has changed."""
        outputs = tuple([self.values.get(v, v) for v in function.outputs])
        if (
            inputs is None
            and _same(self.operations, function.operations)
            and _same(outputs, function.outputs)
        ):
            return function
        return rebuilt(function, inputs or function.inputs, tuple(self.operations), outputs)


def _same(a: Sequence[object], b: Sequence[object]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def rebuilt(
    function: Function,
    inputs: tuple[Value, ...],
    operations: tuple[Operation, ...],
    outputs: tuple[Value, ...],
    *,
    name: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Function:
    """A function with another body, everything else as it was."""
    return Function(
        name or function.name,
        function.kind,
        inputs,
        operations,
        outputs,
        function.arguments if arguments is None else arguments,
        function.definition,
        function.span,
    )


def settled(constraints: Iterable[Constraint], value: Callable[[Any], Any]) -> tuple[Constraint, ...]:
    """The constraints after their decisions have been replaced; those that now hold go.

    Args:
        constraints: as they were.
        value: replaces the decisions of a scalar.

    Raises:
        UserError: when a check that inference left open (not a ``require`` of the user) turns out false.
    """
    result = []
    for constraint in constraints:
        condition = value(constraint.condition)
        if condition is True:
            continue
        if condition is False and not constraint.filters:
            place = f"at {constraint.span}" if constraint.span else "this assignment violates a check"
            raise UserError(constraint.message, place)
        result.append(Constraint(condition, constraint.message, constraint.filters, constraint.span))
    return tuple(result)
