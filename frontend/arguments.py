"""Binds the arguments of calls to parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from drawloom.ir import Span, Value, suggest

from .evaluate import evaluate
from .frame import ERROR, Fault, Frame
from .syntax import Argument, Call
from .values import Placed, describe, tensors_in


@dataclass(frozen=True, slots=True)
class Given:
    """The evaluated arguments of a call.

    Attributes:
        call: the call.
        tensors: what stands before the ``;``.
        positional: static arguments without a name.
        keywords: static arguments by name, each with the place of the name.
    """

    call: Call
    tensors: tuple[Placed, ...]
    positional: tuple[Placed, ...]
    keywords: dict[str, tuple[Placed, Span]]

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.call.span

    def after(self, positional: Sequence[Placed], keywords: Sequence[tuple[str, Placed]]) -> Given:
        """With static arguments that a partial application gave before; those of the call win."""
        before = {name: (placed, placed.span) for name, placed in keywords}
        return Given(self.call, self.tensors, (*positional, *self.positional), {**before, **self.keywords})


def evaluate_arguments(frame: Frame, call: Call, *, named: bool = False) -> Given:
    """Evaluate all arguments of a call; errors of all are reported.

    Args:
        frame: where it stands.
        call: the call.
        named: whether arguments before the ``;`` may have names, those of built-in functions.

    Raises:
        Fault: when any argument has no value or a name is given twice.
    """
    statics = call.statics
    if named:
        statics = (*(a for a in call.tensors if a.keyword is not None), *statics)
    for argument in call.tensors:
        if argument.keyword is not None and not named:
            repair = f"write `{call.callee.span.text}(...; {argument.span.text})`"
            frame.fail("E0105", "static arguments stand after ';'", argument.span, help=repair)
    tensors = [_value(frame, a) for a in call.tensors if a.keyword is None]
    positional: list[Placed] = []
    keywords: dict[str, tuple[Placed, Span]] = {}
    for argument in statics:
        placed = _value(frame, argument)
        if argument.keyword is None:
            if keywords:
                frame.fail("E0105", "an argument without a name after one with a name", argument.span)
            positional.append(placed)
        elif argument.keyword.name in keywords:
            frame.fail("E0108", f"'{argument.keyword.name}' is given twice", argument.keyword.span)
        else:
            keywords[argument.keyword.name] = (placed, argument.keyword.span)
    everything = [*tensors, *positional, *(p for p, _ in keywords.values())]
    if any(p.value is ERROR for p in everything):
        raise Fault
    return Given(call, tuple(tensors), tuple(positional), keywords)


def _value(frame: Frame, argument: Argument) -> Placed:
    try:
        return Placed(evaluate(frame, argument.value), argument.value.span)
    except Fault:
        return Placed(ERROR, argument.value.span)


def bind(frame: Frame, given: Given, name: str, parameters: Sequence[str]) -> dict[str, Placed]:
    """The static arguments by parameter; what is not given is left out.

    Raises:
        Fault: when there are too many, or a name is unknown or bound twice.
    """
    bound: dict[str, Placed] = {}
    for position, placed in enumerate(given.positional):
        if position >= len(parameters):
            _too_many(frame, given, name, parameters, placed)
        bound[parameters[position]] = placed
    for keyword, (placed, place) in given.keywords.items():
        if keyword not in parameters:
            near = suggest(keyword, parameters)
            known = f"known: {', '.join(parameters)}" if parameters else f"'{name}' takes no static arguments"
            repair = f"did you mean '{near}'?" if near else known
            frame.fail("E0103", f"'{name}' has no parameter '{keyword}'", place, help=repair)
        if keyword in bound:
            frame.fail("E0108", f"'{keyword}' is given twice", place)
        bound[keyword] = placed
    for placed in bound.values():
        if any(True for _ in tensors_in(placed.value)):
            repair = "tensors stand before ';'"
            frame.fail(
                "E0501", f"a static argument must not be {describe(placed.value)}", placed.span, help=repair
            )
    return bound


def _too_many(frame: Frame, given: Given, name: str, parameters: Sequence[str], placed: Placed) -> NoReturn:
    count = len(parameters)
    takes = (
        "no static arguments"
        if count == 0
        else f"{count} static argument{'s' * (count > 1)}: {', '.join(parameters)}"
    )
    frame.fail(
        "E0105",
        f"'{name}' takes {takes}",
        placed.span,
        f"this is number {len(given.positional)}" if count else "",
    )


def as_tensor(frame: Frame, placed: Placed, name: str, repair: str | None = None) -> Value:
    """The tensor that an operation or a function is given.

    Raises:
        Fault: when it is something else; the error has been reported.
    """
    if not isinstance(placed.value, Value):
        message = f"'{name}' needs a tensor, not {describe(placed.value)}"
        frame.fail("E0501", message, placed.span, help=repair)
    return placed.value
