"""A function of a space prepared for resolving, and what it has become in the assignments seen.

What a function becomes depends on the decisions that it mentions and on what those it calls pass on to it, so
one body serves all assignments that agree in that, whatever happens in the callees. What an operation
becomes depends on the decisions that it mentions and on its operands, and is remembered with the body.
Bodies that may come back are remembered (`drawloom.passes.decided.Returning`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Decision, Function, Operation, TensorType, Value
from drawloom.ir.expression import expressions

from .canonicalize import Forward, forwarded, forwards_of
from .decided import Decided, Indices, Key, Positions, Returning, picks, value_at
from .rebuild import Specialised, nothing, rebuilt, remade
from .reduction import Body, Reducible
from .rules import RULES
from .skeleton import Skeleton, Slot


class _Form:
    """What an operation is when the decisions in its attributes and types are known.

    Attributes:
        made: what it has become in remembered bodies, simplified, by its operands.
    """

    __slots__ = ("_attributes", "_op", "_types", "made")

    def __init__(self, op: Operation, attributes: dict[str, Any], types: Sequence[TensorType]) -> None:
        self._op = op
        self._attributes = attributes
        self._types = types
        self.made: dict[tuple[Value, ...], Specialised] = {}

    def make(self, operands: tuple[Value, ...]) -> Specialised:
        """What it becomes on operands."""
        op = self._op
        if op.presence and not operands:
            new = nothing(op, self._types[0])
        else:
            new = remade(op, operands, self._attributes, (), self._types)
        return RULES.simplified(new)


class Step:
    """An operation of a space.

    Attributes:
        callee: what it calls, or an empty text.
        start: the slot of its first result.
        fixed: what it is in every assignment, where its attributes and types mention no decision.
    """

    __slots__ = ("_form", "_op", "callee", "fixed", "start")

    def __init__(self, op: Operation, start: Slot, decisions: Sequence[Decision]) -> None:
        """Prepare."""
        self._op = op
        self.callee: str = op.attributes["callee"] if op.name == "call" else ""
        self.start = start
        shapes = [e for r in op.results for e in expressions(r.type.shape)]
        told = [e for value in op.attributes.values() for e in expressions(value)]
        self._form = Decided(decisions, [*told, *shapes], self._formed)
        self.fixed = None if told or shapes else self._formed({})

    def form(self, positions: Positions) -> _Form:
        """What it is in an assignment."""
        return self.fixed or self._form.at(positions)

    def _formed(self, indices: Indices) -> _Form:
        attributes = {name: value_at(v, indices) for name, v in self._op.attributes.items()}
        return _Form(self._op, attributes, [_type(r.type, indices) for r in self._op.results])


def _type(type: TensorType, indices: Indices) -> TensorType:
    """A type with its dimensions known."""
    return type if type.static else TensorType(value_at(type.shape, indices), type.dtype)


@dataclass(slots=True)
class Resolved(Reducible):
    """A function with its decisions replaced, simplified; it may hold dead operations.

    Attributes:
        forwards: what its outputs are, for callers; empty when it passes nothing on.
    """

    forwards: tuple[Forward, ...] = ()


_Head = tuple[tuple[Value, ...], dict[str, Any]]
"""The inputs of a function and the static arguments it was instantiated with."""


class Plan:
    """A function prepared for resolving.

    Attributes:
        steps: its operations.
        key: picks the decisions that it and its callees mention.
        known: what it has become, by these.
        returning: whether what it becomes may come back, by these.
    """

    __slots__ = (
        *("_bodies", "_function", "_head", "_order", "_own", "_returning", "_skeleton", "_taken"),
        *("key", "known", "returning", "steps"),
    )

    def __init__(
        self,
        order: int,
        function: Function,
        taken: Container[str],
        skeleton: Skeleton,
        decisions: Sequence[Decision],
        own: Iterable[Decision],
        mentioned: Iterable[Decision],
    ) -> None:
        """Prepare.

        Args:
            order: its position in the module.
            function: the function.
            taken: the names of all functions of the module.
            skeleton: that of the function.
            decisions: those of the space.
            own: those that it mentions itself.
            mentioned: those that it or its callees mention.
        """
        self._order = order
        self._function = function
        self._taken = taken
        self._skeleton = skeleton
        told = [*function.arguments.values(), *(v.type.shape for v in function.inputs)]
        found = [e for value in told for e in expressions(value)]
        self._head: Decided[_Head] = Decided(decisions, found, self._headed)
        self._own = picks(decisions, own)
        self.key: Key = picks(decisions, mentioned)
        self.known: dict[Any, Resolved] = {}
        self.returning = Returning(mentioned)
        self._bodies: dict[Any, tuple[Body, tuple[Forward, ...]]] = {}
        self._returning = Returning(own)
        starts = skeleton.starts
        self.steps = [
            Step(op, start, decisions) for op, start in zip(function.operations, starts, strict=True)
        ]

    def _headed(self, indices: Indices) -> _Head:
        function = self._function
        inputs = [
            v if v.type.static else Value(_type(v.type, indices), v.index, v.name) for v in function.inputs
        ]
        return tuple(inputs), {name: value_at(v, indices) for name, v in function.arguments.items()}

    def callees(self, positions: Positions) -> list[str]:
        """What it calls in an assignment, each once."""
        steps = self.steps
        called = [steps[place].callee for place, _ in self._skeleton.at(positions).steps]
        return [*dict.fromkeys(filter(None, called))]

    def resolved(self, positions: Positions, callees: Mapping[str, Resolved]) -> Resolved:
        """What it becomes in an assignment, once its callees are known; to be kept in `known`."""
        key = self._own(positions), tuple([c.forwards for c in callees.values()])
        found = self._bodies.get(key)
        if found is None:
            keep = self._returning(key)
            function = self._build(positions, callees, keep)
            forwards = forwards_of(function)
            passing = any(f is not None for f in forwards)
            found = Body(function, self._taken), forwards if passing else ()
            if keep:
                self._bodies[key] = found
        body, forwards = found
        return Resolved(body, self._order, callees, forwards=forwards)

    def _build(self, positions: Positions, callees: Mapping[str, Resolved], keep: bool) -> Function:
        inputs, arguments = self._head.at(positions)
        reading = self._skeleton.at(positions)
        values: list[Any] = [*inputs, *[None] * (self._skeleton.size - len(inputs))]
        operations: list[Operation] = []
        for place, reads in reading.steps:
            step = self.steps[place]
            form = step.fixed or step.form(positions)
            # most read one value, and this is on the path of every candidate
            operands = (values[reads[0]],) if len(reads) == 1 else tuple([values[slot] for slot in reads])
            new = form.made.get(operands)
            if new is None:
                new = form.make(operands)
                if keep:
                    form.made[operands] = new
            start = step.start
            if isinstance(new, Value):
                values[start] = new
                continue
            operations.append(new)
            results = new.results
            if len(results) == 1:
                values[start] = results[0]
            else:
                values[start : start + len(results)] = results
            if step.callee and new.definition.name == "call":
                _pass_on(new, callees[new.attributes["callee"]].forwards, start, values, operations)
        outputs = tuple([values[slot] for slot in reading.outputs])
        return rebuilt(self._function, inputs, tuple(operations), outputs, arguments=arguments)


def _pass_on(
    call: Operation, forwards: Iterable[Forward], start: Slot, values: list[Any], operations: list[Operation]
) -> None:
    """Put what a callee passes on in the place of its results."""
    for position, forward in enumerate(forwards):
        if forward is None:
            continue
        value = forwarded(call, position, forward)
        if isinstance(value, Operation):
            operations.append(value)
            value = value.result
        values[start + position] = value
