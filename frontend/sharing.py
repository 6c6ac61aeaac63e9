"""``shared``: calls of one body that have the same weights and decisions.

The heads of a detector read all levels of a pyramid so. Each size is a function of its own, and all stand
under one path.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from drawloom.ir import Function, Module, Operation
from drawloom.ir.weight_paths import weight_conflicts

from .applying import callable_of
from .arguments import Given
from .calls import apply_callee
from .evaluate import as_list, refuse_absent
from .frame import Frame
from .syntax import Call
from .values import (
    Callee,
    DecidedCallable,
    Defined,
    ListValue,
    Partial,
    Placed,
    Primitive,
    Template,
    describe,
)


def _shared(frame: Frame, given: Given, bound: dict[str, Placed]) -> ListValue:
    (placed,) = given.tensors
    calls = as_list(frame, placed.value, placed.span, "what 'shared' runs over")
    refuse_absent(frame, calls, placed.span, "given to 'shared'")
    if not calls.items:
        frame.fail("E0509", "'shared' of no tensors", placed.span)
    body = callable_of(frame, bound["body"], "'body'")
    _check_body(frame, body, bound["body"])
    before = len(frame.builder.operations)
    results = frame.sharing([partial(_call, frame, given, body, item) for item in calls.items])
    _check_weights(frame, given, frame.builder.operations[before:])
    return ListValue(tuple(results))


def _check_body(frame: Frame, body: Callee, placed: Placed) -> None:
    """Refuse what has paths of its own making."""
    inner = body.callee if isinstance(body, Partial) else body
    options = inner.options if isinstance(inner, DecidedCallable) else (inner,)
    for option in options:
        callee = option.callee if isinstance(option, Partial) else option
        network = isinstance(callee, Defined) and callee.definition.kind == "network"
        if network or not isinstance(callee, (Defined, Primitive)):
            message = f"'body' is a cell, a block, an op or an operation, not {describe(callee)}"
            frame.fail("E0501", message, placed.span)


def _call(frame: Frame, given: Given, body: Callee, item: Any) -> Any:
    """What the body gives for one element: a tensor, or several for a body that takes several."""
    place = given.tensors[0].span
    items = (
        as_list(frame, item, place, "an element").items if isinstance(item, (ListValue, tuple)) else (item,)
    )
    call = Call(given.span, given.call.callee, (), (), True, given.call.label)
    return apply_callee(frame, body, Given(call, tuple(Placed(x, place) for x in items), (), {}))


def _check_weights(frame: Frame, given: Given, made: list[Operation]) -> None:
    """Refuse calls whose weights differ in shape or use, such as those of a convolution of other channels."""
    calls = tuple(op for op in made if op.name == "call")
    callees = frozenset(str(op.attributes["callee"]) for op in calls)
    if callees not in frame.shared.agreeing:
        _refuse_conflicts(frame, given, calls, frame.shared.functions)
        frame.shared.agreeing.add(callees)
    _refuse_conflicts(frame, given, tuple(op for op in made if op.name != "call"), {})


def _refuse_conflicts(
    frame: Frame, given: Given, operations: tuple[Operation, ...], functions: dict[str, Function]
) -> None:
    caller = Function("", "block", (), operations, ())
    for conflict in weight_conflicts(Module("shared", {**functions, caller.name: caller})):
        if conflict.function is caller:
            repair = (
                "bring the tensors to the same channels first, or do not share what depends on their size"
            )
            frame.fail(
                "E0502", f"the calls cannot share weights: {conflict.message}", given.span, help=repair
            )


SHARED = Template("shared", 1, 1, ("body",), 1, _shared)
"""``shared(xs; body=f)``: the list of ``f(x)`` for each tensor, all with the same weights and decisions."""
