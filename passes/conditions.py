"""Conjunctions and disjunctions of conditions on decisions, kept small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from drawloom.ir import Expr
from drawloom.ir.expression import all_of, any_of

Condition = bool | Expr
_Conjuncts = frozenset[Expr]


class Conditions:
    """Builds conditions and remembers what it has built."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._both: dict[tuple[Condition, Condition], Condition] = {}
        self._tight: dict[Expr, Any] = {}
        # the order in which conjuncts have been met: it makes one expression of equal sets
        self._order: dict[Expr, int] = {}

    def tight(self, scalar: Any) -> Any:
        """An equal scalar that mentions only the decisions it depends on, as far as its table tells."""
        if (
            not isinstance(scalar, Expr)
            or scalar.table is None
            or len(scalar.relevant) == len(scalar.decisions)
        ):
            return scalar
        if scalar not in self._tight:
            idle = set(scalar.decisions) - set(scalar.relevant)
            self._tight[scalar] = scalar.substitute({d: d.domain[0] for d in idle})
        return self._tight[scalar]

    def both(self, a: Condition, b: Condition) -> Condition:
        """``a and b``."""
        if a is True or b is False:
            return b
        if b is True or a is False:
            return a
        key = (a, b)
        if key not in self._both:
            assert isinstance(a, Expr)
            assert isinstance(b, Expr)
            self._meet(a)
            self._meet(b)
            self._both[key] = self._all(_conjuncts(a) | _conjuncts(b))
        return self._both[key]

    def any(self, conditions: Iterable[Condition]) -> Condition:
        """Whether one of the conditions holds.

        ``(a and p) or (a and q)`` is written ``a and (p or q)``, again and again: the conditions under
        which a value is alive are such sums over the alternatives of a choice, and ``p or q or ...`` is
        often simply true.
        """
        found = [c for c in dict.fromkeys(conditions) if c is not False]
        for condition in found:
            self._meet(condition)
        if any(c is True for c in found):
            return True
        if len(found) < 2:
            return found[0] if found else False
        terms = {_conjuncts(c) for c in found if isinstance(c, Expr)}
        while len(terms) > 1:
            shared = _most_shared(terms)
            if shared is None:
                break
            rest, differing = shared
            joined = self.tight(any_of(*sorted(differing, key=self._place)))
            terms -= {rest | {part} for part in differing}
            if joined is True and not rest:
                return True
            if joined is not False:
                terms.add(rest if joined is True else rest | _conjuncts(joined))
        needed = [t for t in terms if not any(other < t for other in terms)]
        needed.sort(key=lambda t: sorted(map(self._place, t)))
        parts = [self._all(t) for t in needed]
        result: Condition = parts[0] if len(parts) == 1 else self.tight(any_of(*parts))
        return result

    def _all(self, conjuncts: _Conjuncts) -> Condition:
        """Whether all conditions of a set hold."""
        result: Condition = self.tight(all_of(*sorted(conjuncts, key=self._place)))
        return result

    def _meet(self, condition: Condition) -> None:
        if isinstance(condition, Expr):
            parts = condition.args if condition.operator == "and" else (condition,)
            for part in parts:
                self._order.setdefault(part, len(self._order))

    def _place(self, condition: Expr) -> int:
        return self._order.setdefault(condition, len(self._order))


def _conjuncts(condition: Expr) -> _Conjuncts:
    return frozenset(condition.args) if condition.operator == "and" else frozenset((condition,))


def _most_shared(terms: set[_Conjuncts]) -> tuple[_Conjuncts, list[Expr]] | None:
    """The conjuncts that most terms have in common but for one, and those; None when no two terms do."""
    differing: dict[_Conjuncts, list[Expr]] = defaultdict(list)
    for term in terms:
        for part in term:
            differing[term - {part}].append(part)
    rest = max(differing, key=lambda r: len(differing[r]))
    return (rest, differing[rest]) if len(differing[rest]) > 1 else None
