"""What is known of the decisions of a space: nothing, a value, or a strength for each value.

An assignment is the case in which one value has all the strength, so pictures of selections and of strengths
are drawn alike. Where an expression mentions several decisions, their strengths are multiplied, as a soft
mixture does.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from drawloom.ir import Assignment, Choice, Decision, Expr, UserError, choice_text, substitute, unknown

_SUM_TOLERANCE = 1e-3
"""How far the strengths of a decision may be from 1: they may have been rounded for printing."""
_SEVERAL = 6
"""Values of a number that are listed one by one."""
_UNKNOWN = "{…}"
_NEGLIGIBLE = 0.005
"""Probability below which a value is not worth writing: it would be rounded to 0 %."""


class Beliefs:
    """Strengths by decision; a decision without any is open."""

    def __init__(self, strengths: Mapping[Decision, Sequence[float]] | None = None) -> None:
        """Hold strengths, for each decision one a value of its domain, each at least 0, with the sum 1."""
        self.strengths = {d: tuple(s) for d, s in (strengths or {}).items()}
        self.decided = {d: d.domain[s.index(1.0)] for d, s in self.strengths.items() if 1.0 in s}

    def __bool__(self) -> bool:
        return bool(self.strengths)

    def distribution(self, scalar: Any) -> dict[Any, float] | None:
        """The probability of each value that a scalar may have; None where that is not known."""
        left = substitute(scalar, self.decided)
        if not isinstance(left, Expr):
            return {left: 1.0}
        if left.table is None or any(d not in self.strengths for d in left.relevant):
            return None
        result: dict[Any, float] = {}
        for positions in itertools.product(*(range(len(d)) for d in left.decisions)):
            weight = math.prod(
                self.strengths[d][i] if d in self.strengths else 1 / len(d)
                for d, i in zip(left.decisions, positions, strict=True)
            )
            value = left.at(dict(zip(left.decisions, positions, strict=True)))
            result[value] = result.get(value, 0.0) + weight
        return result

    def probability(self, scalar: Any, value: Any) -> float | None:
        """How probable it is that a scalar has a value; None where that is not known."""
        found = self.distribution(scalar)
        return None if found is None else found.get(value, 0.0)

    def known(self, scalar: Any) -> bool:
        """Whether a scalar has one value."""
        return not isinstance(substitute(scalar, self.decided), Expr)

    def text(self, scalar: Any) -> str:
        """What stands behind a name: ``=5``, `` ∈ {3, 5}``, or with strengths ``: 3 (70 %), 5 (30 %)``."""
        found = self.distribution(scalar)
        if found is not None and len(found) > 1:
            likely = sorted(found.items(), key=lambda item: -item[1])
            return ": " + ", ".join(f"{_plain(v)} ({percent(p)})" for v, p in likely if p >= _NEGLIGIBLE)
        values = self.values(scalar)
        return f" ∈ {values}" if values.startswith("{") else f"={values}"

    def values(self, scalar: Any) -> str:
        """The values a scalar may have: ``5``, ``{3, 5}``, ``{8..64}``; ``{…}`` for too many to compute."""
        left = substitute(scalar, self.decided)
        if not isinstance(left, Expr):
            return _plain(left)
        if left.table is None:
            return _UNKNOWN
        values = list(dict.fromkeys(left.table.reshape(-1).tolist()))
        if len(values) > _SEVERAL and not any(isinstance(v, str) for v in values):
            return f"{{{_plain(min(values))}..{_plain(max(values))}}}"
        return f"{{{', '.join(map(_plain, values))}}}"


def percent(probability: float) -> str:
    """A probability without decimals: ``42 %``."""
    return f"{100 * probability:.0f} %"


def _plain(value: Any) -> str:
    return choice_text(value) if isinstance(value, (bool, int, float, str, tuple)) else str(value)


def selected(decisions: Mapping[str, Decision], assignment: Assignment) -> Beliefs:
    """What an assignment of some decisions says."""
    return Beliefs({decisions[name]: _only(decisions[name], value) for name, value in assignment.items()})


def _only(decision: Decision, value: Choice) -> list[float]:
    chosen = decision.index(value)
    return [float(position == chosen) for position in range(len(decision))]


def load_strengths(text: str, decisions: Mapping[str, Decision]) -> Beliefs:
    """Read strengths from JSON text: an object of decision names to strengths.

    The strengths of a decision are a list in the order of its domain, or an object of values, as they are
    written in assignments, to strengths; values left out have none. Their sum is 1.

    Raises:
        UserError: when the text is not such an object, or does not fit the decisions.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the strengths are not JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError(
            "strengths are a JSON object of decision names to lists of numbers", f"got {type(data).__name__}"
        )
    result: dict[Decision, Sequence[float]] = {}
    for name, given in data.items():
        if name not in decisions:
            raise unknown("decision", name, decisions)
        result[decisions[name]] = _strengths(decisions[name], given)
    return Beliefs(result)


def _strengths(decision: Decision, given: object) -> list[float]:
    if isinstance(given, dict):
        strengths: list[object] = [0.0] * len(decision)
        for text, strength in given.items():
            strengths[decision.index(text)] = strength
    elif isinstance(given, list) and len(given) == len(decision):
        strengths = given
    else:
        found = f"{len(given)} numbers" if isinstance(given, list) else type(given).__name__
        domain = ", ".join(choice_text(v) for v in decision.domain[:12])
        raise UserError(
            f"decision '{decision.name}' has {len(decision)} values, and its strengths are {found}",
            f"give one number for each of {domain}{', ...' if len(decision) > 12 else ''}",
        )
    numbers = [float(s) for s in strengths if isinstance(s, (int, float)) and not isinstance(s, bool)]
    if len(numbers) < len(strengths) or not all(math.isfinite(n) and n >= 0 for n in numbers):
        raise UserError(f"the strengths of '{decision.name}' are not all numbers of at least 0")
    total = math.fsum(numbers)
    if abs(total - 1) > _SUM_TOLERANCE:
        raise UserError(f"the strengths of '{decision.name}' add up to {total:g}", "their sum has to be 1")
    return [n / total for n in numbers]
