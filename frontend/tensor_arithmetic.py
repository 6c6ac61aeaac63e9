"""``+``, ``-``, ``*`` and ``/`` where tensors take part: between two tensors, or a tensor and a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawloom.ir import Scalar, Span, Value
from drawloom.ir.expression import apply

from .frame import Blame, Frame
from .scalars import operate
from .values import describe, is_scalar, kind_of

_BETWEEN = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
"""The operation on two tensors."""

_WITH_NUMBER: dict[tuple[str, bool], Callable[[Scalar], dict[str, Scalar]]] = {
    ("+", True): lambda c: {"shift": c},
    ("+", False): lambda c: {"shift": c},
    ("-", True): lambda c: {"shift": apply("neg", c)},
    ("-", False): lambda c: {"scale": -1, "shift": c},
    ("*", True): lambda c: {"scale": c},
    ("*", False): lambda c: {"scale": c},
    ("/", True): lambda c: {"scale": apply("/", 1, c)},
}
"""Scale and shift of a tensor combined with a number, by operator and whether the tensor stands first."""


def on_tensors(frame: Frame, operator: str, values: tuple[Any, Any], spans: list[Span], whole: Span) -> Value:
    """A sum, difference, product or quotient in which one side or both are tensors.

    Raises:
        Fault: when there is no such operation; the error has been reported.
    """
    left, right = values
    if isinstance(left, Value) and isinstance(right, Value):
        if operator not in _BETWEEN:
            frame.fail("E0501", f"'{operator}' does not work on two tensors", whole, help="known: + - * /")
        return frame.operation(_BETWEEN[operator], [left, right], {}, whole, Blame(tuple(spans)))
    first = isinstance(left, Value)
    tensor, number = (left, right) if first else (right, left)
    if not is_scalar(number) or kind_of(number) != "number":
        message = f"'{operator}' of a tensor needs a tensor or a number, not {describe(number)}"
        frame.fail("E0501", message, spans[first])
    if (operator, first) not in _WITH_NUMBER:
        shown = "a tensor and a number" if first else "a number and a tensor"
        frame.fail("E0501", f"'{operator}' does not work on {shown}", whole)
    if operator == "/":
        operate(frame, "/", [1, number], [spans[1], spans[1]], spans[1])  # reports a division by zero
    attributes = _WITH_NUMBER[operator, first](number)
    return frame.operation("affine", [tensor], attributes, whole, Blame(tuple(spans)))
