"""Checked arithmetic: operators on numbers, truth values and texts; what has no value is an error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from drawloom.ir import Expr, Scalar, Span
from drawloom.ir.expression import apply

from . import limits
from .complexity import too_complex
from .frame import Frame
from .values import describe, is_scalar, kind_of

_ARITHMETIC = {"+", "-", "*", "/", "//", "%"}
_ORDER = {"<", "<=", ">", ">="}
_DIVISION = {"/", "//", "%"}


def operate(frame: Frame, operator: str, values: list[Any], spans: list[Span], whole: Span) -> Scalar:
    """The value of an operator or numeric function.

    Args:
        frame: where it is evaluated.
        operator: a name of `drawloom.ir.expression.OPERATORS`.
        values: operands.
        spans: their places.
        whole: the place of the whole expression.

    Raises:
        Fault: when operands have the wrong kind or the value does not exist; the error has been reported.
    """
    wanted = _wanted(operator, values)
    for value, span in zip(values, spans, strict=True):
        if not is_scalar(value) or kind_of(value) not in wanted:
            frame.fail("E0501", f"'{_sign(operator)}' needs {_KINDS[wanted]}, not {describe(value)}", span)
    if operator in _DIVISION and _can_be_zero(values[1]):
        frame.fail(
            "E0504", "division by zero", spans[1], "this is zero" if values[1] == 0 else "this can be zero"
        )
    try:
        result = _plain(apply(operator, *values))
    except (ArithmeticError, ValueError) as error:
        frame.fail("E0504", f"this cannot be computed: {error}", whole)
    return checked(frame, result, whole)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


_NUMBERS = frozenset({"number"})
_TRUTHS = frozenset({"bool"})
_ANY = frozenset({"number", "bool", "text"})
_KINDS = {
    _NUMBERS: "numbers",
    _TRUTHS: "truth values",
    _ANY: "numbers, truth values or texts",
    frozenset({"text"}): "texts",
}


def _wanted(operator: str, values: list[Any]) -> frozenset[str]:
    """The kinds of operand an operator takes."""
    if operator in ("and", "or", "not"):
        return _TRUTHS
    if operator in ("==", "!="):
        return _ANY
    return _NUMBERS


def _sign(operator: str) -> str:
    return "-" if operator == "neg" else operator


def _can_be_zero(value: Any) -> bool:
    if isinstance(value, Expr):
        return value.table is not None and bool((value.table == 0).any())
    return bool(value == 0)


def checked(frame: Frame, value: Any, span: Span) -> Scalar:
    """A scalar that is finite, small enough to stay exact, and not absurdly deep.

    Raises:
        Fault: when it is not.
    """
    if isinstance(value, Expr):
        if value.table is not None and value.table.dtype.kind in "if" and not _in_range(value.table):
            frame.fail("E0504", "this number can be out of range", span)
        if too_complex(value):
            frame.fail("E0701", "this number depends on decisions in too many ways", span)
    elif isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) <= limits.NUMBER):
        frame.fail("E0504", "this number is out of range", span)
    scalar: Scalar = value
    return scalar


def _in_range(table: Any) -> bool:
    return bool(np.isfinite(table).all()) and bool((np.abs(table) <= limits.NUMBER).all())


def as_integer(frame: Frame, value: Any, span: Span, what: str) -> int:
    """A whole number known without decisions.

    Raises:
        Fault: when it is something else.
    """
    if isinstance(value, Expr):
        frame.fail("E0506", f"{what} must be known without decisions", span, "depends on a decision")
    if isinstance(value, bool) or not isinstance(value, int):
        frame.fail("E0501", f"{what} must be a whole number, not {_shown(value)}", span)
    return value


def is_whole(value: Scalar) -> bool:
    """Whether a number is an integer for all assignments, as far as its table tells."""
    if isinstance(value, Expr):
        return value.table is None or value.table.dtype.kind == "i"
    return isinstance(value, int) and not isinstance(value, bool)


def as_condition(frame: Frame, value: Any, span: Span, what: str = "a condition") -> Scalar:
    """A truth value, known or decided.

    Raises:
        Fault: when it is something else.
    """
    if not is_scalar(value) or kind_of(value) != "bool":
        frame.fail("E0501", f"{what} must be true or false, not {describe(value)}", span)
    scalar: Scalar = value
    return scalar


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (float, str)) else describe(value)
