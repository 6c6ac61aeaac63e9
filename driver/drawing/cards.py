"""Which choices of a function are drawn as one card: those between computations of a single value."""

from __future__ import annotations

from dataclasses import dataclass

from drawloom.ir import Function, Operation, Value
from drawloom.ir.traversal import Users

_STEPS = 3
"""Most operations in a row that an alternative on a card consists of."""


@dataclass(frozen=True, slots=True)
class Card:
    """A choice and what only it reads.

    Attributes:
        choice: the choice.
        source: the one value that its alternatives are computed from.
        steps: for each alternative the operations that compute it, in order.
    """

    choice: Operation
    source: Value
    steps: tuple[tuple[Operation, ...], ...]

    @property
    def hidden(self) -> set[Operation]:
        """The operations that stand in the card."""
        return {op for steps in self.steps for op in steps}


def cards(function: Function, users: Users) -> list[Card]:
    """The choices whose alternatives are computed from one value by operations that nothing else reads."""
    found = (_card(op, users, set(function.outputs)) for op in function.operations if op.name == "choice")
    return [card for card in found if card is not None]


def _card(choice: Operation, users: Users, outputs: set[Value]) -> Card | None:
    private: set[Operation] = set()
    read = dict.fromkeys(choice.operands)
    while len(read) > 1:
        inner = next((v.producer for v in read if _only_for(v, choice, private, users, outputs)), None)
        if inner is None:
            return None
        private.add(inner)
        read = {v: None for v in (*read, *inner.operands) if v.producer is None or v.producer not in private}
    steps = [_steps(v, private) for v in choice.operands]
    alone = sum(map(len, steps)) == len(private)
    return Card(choice, next(iter(read)), tuple(steps)) if alone and max(map(len, steps)) <= _STEPS else None


def _only_for(
    value: Value, choice: Operation, private: set[Operation], users: Users, outputs: set[Value]
) -> bool:
    """Whether a value is computed for a choice alone, and by no choice nor list with absent members."""
    op = value.producer
    return (
        op is not None
        and op.name != "choice"
        and not op.presence
        and outputs.isdisjoint(op.results)
        and all(user is choice or user in private for result in op.results for user in users[result])
    )


def _steps(value: Value, private: set[Operation]) -> tuple[Operation, ...]:
    """The private operations that a value is computed by, operands first."""
    found: dict[Operation, None] = {}
    waiting = [value]
    while waiting:
        op = waiting.pop().producer
        if op is not None and op in private:
            found.pop(op, None)
            found[op] = None
            waiting += op.operands
    return tuple(reversed(found))
