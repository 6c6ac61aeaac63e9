"""What depends on decisions: read at an assignment, computed once for each of the values that occur."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from operator import itemgetter
from typing import Any, Generic, TypeVar

from drawloom.ir import Decision, Expr

Indices = Mapping[Decision, int]
"""For each decision the position of its value in its domain."""

Positions = Sequence[int]
"""For each decision of a space, in order, the position of its value in its domain."""

Key = Callable[[Positions], Any]
"""Picks the positions of some decisions."""

_T = TypeVar("_T")

_LIMIT = 4096
"""Most values of one thing that are remembered, and most that are few."""


def picks(decisions: Sequence[Decision], mentioned: Iterable[Decision]) -> Key:
    """Picks the positions of the decisions that are mentioned, out of those of a space."""
    known = frozenset(mentioned)
    places = [i for i, d in enumerate(decisions) if d in known] if known else []
    return itemgetter(*places) if places else lambda positions: ()


class Returning:
    """Tells what may come back, or has, from what is met for the first time; forgets all now and then.

    Where decisions are many, what random candidates are made of hardly ever comes back, and whatever is
    remembered Python's garbage collector walks over, again and again. So there a thing is remembered when it
    is met for the second time.
    """

    __slots__ = ("_few", "_met")

    def __init__(self, decisions: Iterable[Decision]) -> None:
        """Nothing has been met.

        Args:
            decisions: those that tell one thing from another; when they have few values, all may come back.
        """
        self._few = prod(map(len, decisions)) <= _LIMIT
        self._met: set[int] = set()

    def __call__(self, key: Any) -> bool:
        """Whether a thing may come back, or has; two whose keys have one hash are taken for one."""
        if self._few:
            return True
        met, mark = self._met, hash(key)
        if mark in met:
            return True
        if len(met) >= _LIMIT:
            met.clear()
        met.add(mark)
        return False


class Decided(Generic[_T]):
    """Something that depends on some decisions, remembered for each of their values."""

    __slots__ = ("_compute", "_decisions", "_key", "_known")

    def __init__(
        self, decisions: Sequence[Decision], found: Iterable[Expr], compute: Callable[[Indices], _T]
    ) -> None:
        """Prepare.

        Args:
            decisions: those of the space.
            found: expressions that mention those it depends on.
            compute: gives it, from the positions of those that it depends on.
        """
        mentioned = {d for e in found for d in e.decisions}
        self._decisions = [(i, d) for i, d in enumerate(decisions) if d in mentioned] if mentioned else []
        self._key = picks(decisions, mentioned)
        self._compute = compute
        self._known: dict[Any, _T] = {}

    def at(self, positions: Positions) -> _T:
        """What it is in an assignment."""
        key = self._key(positions)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _LIMIT:
                self._known.clear()
            found = self._known[key] = self._compute({d: positions[i] for i, d in self._decisions})
        return found


def value_at(scalar: Any, indices: Indices) -> Any:
    """The value of an attribute, which may be a tuple of scalars."""
    if isinstance(scalar, Expr):
        return scalar.at(indices)
    return tuple([value_at(s, indices) for s in scalar]) if isinstance(scalar, tuple) else scalar
