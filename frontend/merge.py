"""One value for several alternatives of which a decision picks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drawloom.ir import Scalar, Span, Value, index_of
from drawloom.ir.expression import equal, where

from .frame import Blame, Frame
from .scalars import checked
from .values import (
    Chooser,
    DecidedCallable,
    ListValue,
    RangeValue,
    alike,
    describe,
    is_callable,
    is_scalar,
    kind_of,
    make_list,
)


def merge(frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span) -> Any:
    """The alternative that a chooser picks: a `choice` of tensors, a selected number.

    Tuples and lists are merged element by element.

    Args:
        frame: where it is evaluated.
        chooser: picks the position.
        options: the alternatives.
        spans: the places of the alternatives.
        span: the place of the whole.

    Raises:
        Fault: when the alternatives are of different kinds; the error has been reported.
    """
    if all(alike(o, options[0]) for o in options):
        return options[0]
    for test, combine in _KINDS:
        if all(test(o) for o in options):
            return combine(frame, chooser, options, spans, span)
    odd = next(i for i, o in enumerate(options) if _kind(o) != _kind(options[0]))
    frame.fail(
        "E0507",
        f"the alternatives are of different kinds: {describe(options[0])} and {describe(options[odd])}",
        spans[odd],
    )


def _kind(value: Any) -> int:
    return next((i for i, (test, _) in enumerate(_KINDS) if test(value)), -1)


def _tensors(
    frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span
) -> Value:
    made: Value = frame.emit(
        span, Blame(tuple(spans)), lambda: frame.builder.choice(options, chooser.position, span=span)
    )
    return made


def _scalars(
    frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span
) -> Scalar:
    kinds = [kind_of(o) for o in options]
    for i, kind in enumerate(kinds):
        if kind != kinds[0]:
            kinds_text = f"{describe(options[0])} and {describe(options[i])}"
            frame.fail("E0507", f"the alternatives are of different kinds: {kinds_text}", spans[i])
    return checked(frame, chooser.scalar(options), span)


def _tuples(frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span) -> Any:
    for i, option in enumerate(options):
        if len(option) != len(options[0]):
            lengths = f"{len(options[0])} and {len(option)}"
            frame.fail("E0507", f"the alternatives are tuples of different lengths: {lengths}", spans[i])
    return tuple(merge(frame, chooser, column, spans, span) for column in zip(*options, strict=True))


def _lists(frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span) -> Any:
    longest = max(options, key=lambda o: len(o.items))
    items: list[Any] = []
    presence: list[Scalar] = []
    for i, item in enumerate(longest.items):
        flags = tuple(o.present(i) if i < len(o.items) else False for o in options)
        column = [o.items[i] if i < len(o.items) else item for o in options]
        items.append(merge(frame, chooser, column, spans, span))
        presence.append(checked(frame, chooser.scalar(flags), span))
    return make_list(items, presence)


def _callables(
    frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span
) -> Any:
    return DecidedCallable(chooser, tuple(options))


def _ranges(frame: Frame, chooser: Chooser, options: Sequence[Any], spans: Sequence[Span], span: Span) -> Any:
    return RangeValue(chooser.scalar([o.start for o in options]), chooser.scalar([o.stop for o in options]))


_Combine = Callable[[Frame, Chooser, Sequence[Any], Sequence[Span], Span], Any]

_KINDS: tuple[tuple[Callable[[Any], bool], _Combine], ...] = (
    (lambda v: isinstance(v, Value), _tensors),
    (is_scalar, _scalars),
    (lambda v: isinstance(v, tuple), _tuples),
    (lambda v: isinstance(v, ListValue), _lists),
    (is_callable, _callables),
    (lambda v: isinstance(v, RangeValue), _ranges),
)
"""How alternatives of one kind combine."""


def possible_values(frame: Frame, scalar: Scalar, span: Span, what: str) -> list[Any]:
    """The values a scalar can take, ascending.

    Raises:
        Fault: when they are too many to list.
    """
    table = getattr(scalar, "table", None)
    if table is None:
        frame.fail("E0307", f"{what} depends on too many decisions to list its values", span)
    values = {v.item() if hasattr(v, "item") else v for v in table.reshape(-1)}
    return sorted(values)


def chooser_of_value(scalar: Any, values: Sequence[int]) -> Chooser:
    """A chooser for alternatives that stand for the ascending values of a scalar."""
    if scalar.operator == "decision" and tuple(values) == scalar.args[0].domain:
        return Chooser(index_of(scalar.args[0]))
    if list(values) == list(range(values[0], values[0] + len(values))):
        return Chooser(scalar - values[0] if values[0] else scalar)
    position: Scalar = 0
    for i, value in enumerate(values[1:], 1):
        position = where(equal(scalar, value), i, position)
    return Chooser(position)
