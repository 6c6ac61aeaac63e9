"""Shows that conditions hold for all assignments: by tables, by guards, by the values that parts can take."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from drawloom.ir import Expr, Scalar
from drawloom.ir.expression import OPERATORS, all_of, any_of, apply

_VALUES = 64
"""Most values of a part of a condition that are looked at one by one."""

_CASES = 65_536
"""Most combinations of values of the parts of a condition."""


def implied(guards: Sequence[Scalar], condition: Scalar) -> Scalar:
    """What remains to be shown of a condition when the guards hold: True when nothing does."""
    conjuncts: list[Expr] = []
    for guard in guards:
        if isinstance(guard, Expr):
            conjuncts += guard.args if guard.operator == "and" else (guard,)
    if any(c is condition for c in conjuncts) or _always(condition):
        return True
    mentioned = set(condition.decisions) if isinstance(condition, Expr) else set()
    related = [c for c in conjuncts if mentioned & set(c.decisions)]
    # all related guards together, then each alone, for where all together are too many to tabulate
    for tried in (related, *([c] for c in related)):
        if any_of(apply("not", all_of(*tried)), condition) is True:
            return True
    remaining: Scalar = any_of(apply("not", all_of(*conjuncts)), condition)
    return remaining


def _always(condition: Scalar) -> bool:
    """Whether a condition too large for a table holds whatever values its parts take, each on its own.

    Parts with few possible values, such as the heights in a feature pyramid, stand for themselves; that they
    depend on each other through decisions is forgotten, so what is shown so is true and some truths are not.
    """
    if not isinstance(condition, Expr) or condition.table is not None or condition.has_metric:
        return condition is True
    parts: dict[Expr, tuple[Any, ...]] = {}
    if not _cut(condition, parts) or math.prod(len(v) for v in parts.values()) > _CASES:
        return False
    axes = np.ix_(*(np.arange(len(v)) for v in parts.values()))
    arrays = {e: np.array(v)[axis] for (e, v), axis in zip(parts.items(), axes, strict=True)}
    return bool(np.all(_over(condition, arrays)))


_SELECTED = frozenset({"decision", "index", "where", "select", "item", "count", "has", "random_edge"})
"""Operators whose value is picked rather than computed."""


def _cut(expr: Expr, parts: dict[Expr, tuple[Any, ...]]) -> bool:
    """Enter the parts of an expression that stand for themselves; whether each has few enough values.

    Arithmetic on them is not cut off, so that ``a % b`` and ``b % a`` stay about the same two numbers.
    """
    for arg in expr.args:
        if not isinstance(arg, Expr) or arg in parts:
            continue
        values = possible(arg) if arg.operator in _SELECTED else None
        if values is not None:
            parts[arg] = values
        elif arg.leaf or not _cut(arg, parts):
            return False
    return True


def _over(scalar: Scalar, arrays: dict[Expr, Any]) -> Any:
    """The values of a scalar over all combinations of those of its parts."""
    if not isinstance(scalar, Expr):
        return np.asarray(scalar)
    if scalar in arrays:
        return arrays[scalar]
    return np.asarray(OPERATORS[scalar.operator].vector(*(_over(a, arrays) for a in scalar.args)))


_known: weakref.WeakKeyDictionary[Expr, tuple[tuple[Any, ...] | None]] = weakref.WeakKeyDictionary()


def possible(expr: Expr) -> tuple[Any, ...] | None:
    """Values that contain all which a number or truth value can take; None when they are too many to list."""
    if expr not in _known:
        _known[expr] = (_possible(expr),)
    return _known[expr][0]


def _possible(expr: Expr) -> tuple[Any, ...] | None:
    if expr.table is not None:
        if expr.table.dtype.kind not in "biuf":
            return None
        return _few(np.unique(expr.table).tolist())
    if expr.leaf:
        return None
    parts = [_options(a) for a in (expr.args[1:] if expr.operator in ("where", "select") else expr.args)]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    if expr.operator in ("where", "select"):
        return _few([v for p in known for v in p])
    if math.prod(map(len, known)) > _VALUES**2:
        return None
    try:
        return _few([OPERATORS[expr.operator].compute(*values) for values in product(*known)])
    except (ArithmeticError, TypeError, ValueError):
        return None


def _options(scalar: Scalar) -> Sequence[Any] | None:
    if isinstance(scalar, Expr):
        return possible(scalar)
    return (scalar,) if isinstance(scalar, (int, float)) else None


def _few(values: Sequence[Any]) -> tuple[Any, ...] | None:
    distinct = tuple(dict.fromkeys(values))
    return distinct if len(distinct) <= _VALUES else None
