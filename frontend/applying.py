"""Applies callables that templates of the language are given, such as the node function of a wiring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drawloom.ir import Value

from .arguments import Given
from .calls import apply_callee
from .frame import Frame
from .syntax import Call
from .values import Callee, Placed, describe, is_callable


def callable_of(frame: Frame, placed: Placed, what: str) -> Callee:
    """A value that can be called.

    Raises:
        Fault: when it cannot; the error has been reported.
    """
    if not is_callable(placed.value):
        repair = "name an op, a block or an operation, with its static arguments as in `conv_bn(; 32)`"
        frame.fail(
            "E0501", f"{what} is something to call, not {describe(placed.value)}", placed.span, help=repair
        )
    callee: Callee = placed.value
    return callee


def applied(frame: Frame, callee: Callee, given: Given, tensors: Sequence[Value]) -> Any:
    """The value of calling something with tensors, as if the template's call had been this call.

    Raises:
        Fault: when it cannot be called so; the error has been reported.
    """
    call = Call(given.span, given.call.callee, (), (), True, None)
    return apply_callee(frame, callee, Given(call, tuple(Placed(t, given.span) for t in tensors), (), {}))


def one_tensor(frame: Frame, value: Any, placed: Placed, what: str) -> Value:
    """The tensor that a callable has returned.

    Raises:
        Fault: when it has returned something else; the error has been reported.
    """
    if not isinstance(value, Value):
        frame.fail("E0501", f"{what} must return one tensor, not {describe(value)}", placed.span)
    return value
