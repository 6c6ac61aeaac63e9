"""The built-in functions: on shapes, numbers, lists and prices, and those that make operations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from drawloom.ir import Expr, Scalar, Span, Value, metric, value_of
from drawloom.ir.expression import apply, total, where

from . import limits
from .arguments import as_tensor
from .evaluate import as_list, refuse_absent
from .frame import Blame, Frame
from .loose_ends import loose_ends
from .recurrence import CHUNK, SCAN, UNEMBEDDING, zeros
from .scalars import operate
from .sharing import SHARED
from .values import NETWORK, Builtin, ListValue, NetworkMark, Placed, RangeValue, describe
from .wiring import WIRE, random_graphs


def builtins() -> dict[str, Any]:
    """All built-in names."""
    functions = [
        *(Builtin(name, 1, 1, _dimension(name)) for name in _DIMENSIONS),
        *(Builtin(name, 1, 1, _operator(name)) for name in ("round8", "round", "floor", "ceil")),
        Builtin("int", 1, 1, _truncate),
        *(Builtin(name, 1, None, _extreme(name)) for name in ("min", "max")),
        Builtin("len", 1, 1, _length),
        Builtin("position", 2, 2, _position),
        Builtin("permutations", 1, 1, _permutations),
        Builtin("loose_ends", 1, 1, loose_ends),
        Builtin("zeros", 1, None, zeros),
        *random_graphs(),
        *(Builtin(name, 1, 1, _price(name, measure)) for name, measure in _METRICS.items()),
    ]
    templates = {t.name: t for t in (SCAN, CHUNK, SHARED, UNEMBEDDING, WIRE)}
    return {"network": NETWORK, **{f.name: f for f in functions}, **templates}


_DIMENSIONS: dict[str, dict[int, int]] = {
    "channels": {1: 0, 2: 1, 3: 0},
    "height": {3: 1},
    "width": {3: 2},
}
"""Which dimension of a type of some rank a function gives; the batch is left out, sequences are ``f32[T,
C]``."""


def _dimension(name: str) -> Callable[[Frame, list[Placed], Span], Scalar]:
    def compute(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
        tensor = as_tensor(frame, arguments[0], name)
        axis = _DIMENSIONS[name].get(tensor.type.rank)
        if axis is None:
            frame.fail("E0502", f"{tensor.type} has no {name}", arguments[0].span)
        dimension: Scalar = tensor.type.shape[axis]
        return dimension

    return compute


def _operator(name: str) -> Callable[[Frame, list[Placed], Span], Scalar]:
    def compute(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
        return operate(frame, name, [a.value for a in arguments], [a.span for a in arguments], span)

    return compute


def _truncate(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
    value, places = arguments[0].value, [arguments[0].span]
    floor = operate(frame, "floor", [value], places, span)
    ceiling = operate(frame, "ceil", [value], places, span)
    truncated: Scalar = where(apply("<", value, 0), ceiling, floor)
    return truncated


def _extreme(name: str) -> Callable[[Frame, list[Placed], Span], Scalar | Value]:
    def compute(frame: Frame, arguments: list[Placed], span: Span) -> Scalar | Value:
        if any(isinstance(a.value, Value) for a in arguments):
            return _extreme_of_tensors(frame, name, arguments, span)
        if len(arguments) == 1 and not isinstance(arguments[0].value, (int, float, Expr)):
            place = arguments[0].span
            items = _certain(
                frame, as_list(frame, arguments[0].value, place, f"the argument of '{name}'"), place
            )
            arguments = [Placed(item, place) for item in items.items]
            if not arguments:
                frame.fail("E0503", f"'{name}' of no numbers", place)
        values, spans = [a.value for a in arguments], [a.span for a in arguments]
        if len(values) == 1:
            return operate(frame, "+", [values[0], 0], [spans[0], span], span)
        return operate(frame, name, values, spans, span)

    return compute


_EXTREMES = {"max": "maximum", "min": "minimum"}
"""The operations on two tensors, by the function on numbers."""


def _extreme_of_tensors(frame: Frame, name: str, arguments: list[Placed], span: Span) -> Value:
    """The largest or smallest of some tensors, element by element, from the left."""
    blame = Blame(tuple(a.span for a in arguments))
    for placed in arguments:
        if not isinstance(placed.value, Value):
            message = f"'{name}' of tensors takes tensors only, not {describe(placed.value)}"
            frame.fail("E0501", message, placed.span)
    found: Value = arguments[0].value
    for placed in arguments[1:]:
        found = frame.operation(_EXTREMES[name], [found, placed.value], {}, span, blame)
    return found


def _certain(frame: Frame, items: ListValue, span: Span) -> ListValue:
    refuse_absent(frame, items, span, "used here")
    return items


def _length(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
    value = arguments[0].value
    if isinstance(value, RangeValue):
        length: Scalar = apply("max", 0, apply("-", value.stop, value.start))
        return length
    items = as_list(frame, value, arguments[0].span, "the argument of 'len'")
    if items.selection is not None:
        counted: Scalar = apply("count", value_of(items.selection))
        return counted
    if items.presence:
        present: Scalar = total(where(p, 1, 0) for p in items.presence)
        return present
    return len(items.items)


def _position(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
    """Where a list of numbers has a number; the list may be decided, the number not."""
    place = arguments[0].span
    items = _certain(
        frame, as_list(frame, arguments[0].value, place, "the first argument of 'position'"), place
    )
    wanted = arguments[1].value
    result: Scalar = -1
    for i, item in reversed(list(enumerate(items.items))):
        spans = [place, arguments[1].span]
        result = where(operate(frame, "==", [item, wanted], spans, span), i, result)
    if result == -1:
        known = ", ".join(map(str, items.items[:10])) + (", ..." if len(items.items) > 10 else "")
        message = "the list does not have this element"
        frame.fail("E0503", message, arguments[1].span, f"{wanted}", help=f"it has {known}")
    return result


def _permutations(frame: Frame, arguments: list[Placed], span: Span) -> ListValue:
    place = arguments[0].span
    items = _certain(
        frame, as_list(frame, arguments[0].value, place, "the argument of 'permutations'"), place
    )
    if len(items.items) > 7:
        frame.shared.too_much(
            f"{len(items.items)} elements have more than {limits.LIST_LENGTH} orders", place
        )
    return ListValue(tuple(ListValue(order) for order in itertools.permutations(items.items)))


_METRICS = {
    "params": "parameters",
    "parameters": "parameters",
    "multiply_adds": "multiply_adds",
    "activation_bytes": "activation_bytes",
    "depth": "depth",
}
"""Prices of the network that a requirement may bound, with their names in the IR."""


def _price(name: str, measure: str) -> Callable[[Frame, list[Placed], Span], Scalar]:
    def compute(frame: Frame, arguments: list[Placed], span: Span) -> Scalar:
        if not isinstance(arguments[0].value, NetworkMark):
            frame.fail(
                "E0501",
                f"'{name}' takes the word 'network'",
                arguments[0].span,
                help=f"write `{name}(network)`",
            )
        if not frame.in_require:
            frame.fail("E0402", f"'{name}' of the network is known only in 'require'", span)
        return metric(measure)

    return compute
