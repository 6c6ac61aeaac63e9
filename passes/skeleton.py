"""Functions without types and attributes: who reads whom, and what is selected by which decisions.

The cells of a network have few skeletons: instances that differ in channels and shapes share one, and what
an assignment leaves of it is found once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from drawloom.ir import Decision, Function, Operation, Value
from drawloom.ir.expression import expressions

from .decided import Decided, Indices, Positions, picks, value_at

Slot = int
"""A value of a function by its number: inputs first, then results in order."""


class Reading(NamedTuple):
    """What an assignment leaves of a skeleton.

    Attributes:
        steps: the operations that the outputs need, choices followed: the position of each and what it reads.
        outputs: what the function returns.
    """

    steps: list[tuple[int, tuple[Slot, ...]]]
    outputs: tuple[Slot, ...]


class Skeleton:
    """What functions have in common that differ in types, attributes and callees.

    Attributes:
        starts: for each operation the slot of its first result.
        size: number of slots.
    """

    def __init__(self, function: Function, decisions: Sequence[Decision]) -> None:
        """Prepare.

        Args:
            function: any of those that have the skeleton.
            decisions: those of the space.
        """
        slots = _slots(function)
        self.starts = [slots[op.results[0]] for op in function.operations]
        self.size = len(slots)
        # for each slot the position of the operation that makes it; -1 for inputs
        self._makers = [-1] * len(function.inputs)
        self._operands = [tuple([slots[v] for v in op.operands]) for op in function.operations]
        self._outputs = [slots[v] for v in function.outputs]
        # by slot, what a choice selects; by position, which operands of a list are present
        self._choices: dict[Slot, Decided[Slot]] = {}
        self._members: dict[int, Decided[tuple[Slot, ...]]] = {}
        for place, op in enumerate(function.operations):
            self._makers += [place] * len(op.results)
            if op.name == "choice":
                selected = _selected(op, self._operands[place])
                self._choices[self.starts[place]] = Decided(decisions, expressions(_told(op)), selected)
            elif op.presence:
                present = _present(op, self._operands[place])
                self._members[place] = Decided(decisions, expressions(op.presence), present)
        told = [e for op in function.operations for e in expressions(_told(op))]
        self._key = picks(decisions, [d for e in told for d in e.decisions])
        self._last: tuple[Any, Reading] | None = None

    def at(self, positions: Positions) -> Reading:
        """What an assignment leaves; the last answer is remembered, as functions alike are asked in turn."""
        key = self._key(positions)
        if self._last is None or self._last[0] != key:
            self._last = key, self._read(positions)
        return self._last[1]

    def _read(self, positions: Positions) -> Reading:
        choices, members, makers = self._choices, self._members, self._makers
        selected: dict[Slot, Slot] = {}

        def source(slot: Slot) -> Slot:
            """What a value stands for: itself, or what a choice selects."""
            found = slot
            while found in choices:
                found = selected[found] if found in selected else choices[found].at(positions)
            if found != slot:
                selected[slot] = found
            return found

        steps: dict[int, tuple[Slot, ...]] = {}
        outputs = tuple([source(slot) for slot in self._outputs])
        waiting = list(outputs)
        while waiting:
            place = makers[waiting.pop()]
            if place >= 0 and place not in steps:
                given = members[place].at(positions) if place in members else self._operands[place]
                steps[place] = reads = tuple([source(slot) for slot in given])
                waiting += reads
        return Reading(sorted(steps.items()), outputs)


def skeleton_key(function: Function) -> Any:
    """Equal for functions that have one skeleton."""
    slots = _slots(function)
    operations = [
        (
            op.name == "choice",
            _told(op),
            tuple([slots[v] for v in op.operands]),
            len(op.results),
        )
        for op in function.operations
    ]
    return len(function.inputs), tuple(operations), tuple([slots[v] for v in function.outputs])


def _slots(function: Function) -> dict[Value, Slot]:
    results = [v for op in function.operations for v in op.results]
    return {v: i for i, v in enumerate((*function.inputs, *results))}


def _told(op: Operation) -> tuple[Any, ...]:
    """The scalars that decide which operands are read."""
    return (op.attributes["selector"],) if op.name == "choice" else op.presence


def _selected(op: Operation, operands: tuple[Slot, ...]) -> Callable[[Indices], Slot]:
    """Which operand a choice is."""
    selector = op.attributes["selector"]
    return lambda indices: operands[int(value_at(selector, indices))]


def _present(op: Operation, operands: tuple[Slot, ...]) -> Callable[[Indices], tuple[Slot, ...]]:
    """Which operands are in a list."""

    def present(indices: Indices) -> tuple[Slot, ...]:
        presence = value_at(op.presence, indices)
        return tuple([v for v, p in zip(operands, presence, strict=True) if p])

    return present
