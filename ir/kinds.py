"""What kind of value a scalar has, for all assignments: the types of the expression language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .expression import Expr

INTEGER, NUMBER, BOOLEAN, TEXT, SELECTION, MIXED = (
    "integer",
    "number",
    "boolean",
    "text",
    "selection",
    "mixed",
)

ATTRIBUTE_KINDS = {
    "int": INTEGER,
    "ints": INTEGER,
    "shape": INTEGER,
    "float": NUMBER,
    "bool": BOOLEAN,
    "string": TEXT,
}
"""The kind of value that each kind of attribute takes."""

_LITERALS: dict[type, str] = {int: INTEGER, float: NUMBER, bool: BOOLEAN, str: TEXT, tuple: SELECTION}
_NUMERIC = frozenset({INTEGER, NUMBER, BOOLEAN})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_LOGIC = frozenset({"and", "or", "not", "has", "random_edge"})
_ROUNDING = frozenset({"floor", "ceil", "round", "round8", "item", "count"})

NAMES = {
    INTEGER: "an integer",
    NUMBER: "a number",
    BOOLEAN: "true or false",
    TEXT: "a text",
    SELECTION: "a selection of k of n",
    MIXED: "of different kinds",
}
"""How kinds are called in messages."""


def kind_of(scalar: Any) -> str:
    """The kind of a scalar: ``integer``, ``number``, ``boolean``, ``text``, ``selection`` or ``mixed``.

    Booleans count as integers in arithmetic. The kind of an expression is computed once.
    """
    if not isinstance(scalar, Expr):
        return _LITERALS.get(type(scalar), MIXED)
    known: str | None = scalar.__dict__.get("kind")
    if known is None:
        known = scalar.__dict__["kind"] = _kind(scalar)
    return known


def _kind(expr: Expr) -> str:
    operator = expr.operator
    if operator == "decision":
        return join(map(kind_of, expr.args[0].domain))
    if operator in ("index", "metric") or operator in _ROUNDING:
        return INTEGER
    if operator in _COMPARISONS or operator in _LOGIC:
        return BOOLEAN
    if operator in ("where", "select"):
        return join(map(kind_of, expr.args[1:]))
    kinds = {kind_of(a) for a in expr.args}
    return NUMBER if operator == "/" or not kinds <= {INTEGER, BOOLEAN} else INTEGER


def join(kinds: Iterable[str]) -> str:
    """The kind that covers all of some kinds."""
    found = set(kinds)
    if len(found) == 1:
        return found.pop()
    if found <= _NUMERIC:
        return NUMBER if NUMBER in found else INTEGER
    return MIXED


def fits(scalar: Any, kind: str) -> bool:
    """Whether a scalar can stand where a kind is wanted: integers are numbers, booleans are integers."""
    own = _LITERALS.get(type(scalar)) or kind_of(scalar)
    return own == kind or (kind == NUMBER and own in _NUMERIC) or (kind == INTEGER and own == BOOLEAN)


def argument_kind(operator: str, position: int) -> str | None:
    """The kind an operator wants at a position of its arguments; None where it takes anything."""
    if operator in ("==", "!=") or (operator in ("where", "select") and position > 0):
        return None
    if operator in ("and", "or", "not", "where"):
        return BOOLEAN
    if operator == "random_edge":
        return TEXT if position == 0 else INTEGER if position < 5 else NUMBER
    if operator in ("has", "item", "count"):
        return INTEGER if position else SELECTION
    return INTEGER if operator == "select" else NUMBER
