"""``scan``: a cell run over a sequence, and the small helpers that recurrent networks need.

A scan is unrolled: one call of the cell for each step, all of the same weights and decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drawloom.ir import Function, Span, TensorType, Value, types_agree

from . import limits
from .applying import applied, callable_of
from .arguments import Given, as_tensor
from .frame import Blame, Frame
from .scalars import as_integer
from .values import Defined, ListValue, Partial, Placed, Template, describe, tensors_in


def _scan(frame: Frame, given: Given, bound: dict[str, Placed]) -> ListValue:
    body = bound["body"]
    callee = callable_of(frame, body, "'body'")
    inner = callee.callee if isinstance(callee, Partial) else callee
    if not isinstance(inner, Defined):
        frame.fail("E0501", f"'body' is a cell, a block or an op, not {describe(inner)}", body.span)
    sequence, *states = [as_tensor(frame, placed, "scan") for placed in given.tensors]
    steps = [_step(frame, given, sequence, t) for t in range(_length(frame, given, sequence))]
    # the first step elaborates the body; all others are further calls of the same function and weights
    first = list(tensors_in(applied(frame, callee, given, [steps[0], *states])))
    call = frame.builder.operations[-1]
    function = frame.shared.functions[call.attributes["callee"]]
    _check_states(frame, given, function, states, first)
    outputs, current = [first[0]], first
    for x in steps[1:]:
        current = _again(frame, given, function, call.param or "", [x, *current])
        outputs.append(current[0])
    rows = [_reshaped(frame, y, (1, *y.type.shape), given.span) for y in outputs]
    joined = frame.operation("concat", rows, {"axis": 0}, given.span, Blame())
    return ListValue((joined, *current))


def _again(
    frame: Frame, given: Given, function: Function, param: str, operands: Sequence[Value]
) -> list[Value]:
    """A further call of the body, with the weights of the first."""

    def call() -> tuple[Value, ...]:
        return frame.builder.call(function, operands, param, given.span)

    return list(frame.emit(given.span, Blame(), call))


def _length(frame: Frame, given: Given, sequence: Value) -> int:
    """The number of steps."""
    place = given.tensors[0].span
    if sequence.type.rank < 2:
        frame.fail("E0502", f"'scan' runs over a sequence f32[T, C], not {sequence.type}", place)
    length = as_integer(frame, sequence.type.shape[0], place, "the length of a sequence")
    if length > limits.SCAN_STEPS:
        frame.shared.too_much(f"a sequence of more than {limits.SCAN_STEPS} steps", place)
    return length


def _step(frame: Frame, given: Given, sequence: Value, t: int) -> Value:
    """One element of a sequence."""
    part = frame.operation("slice", [sequence], {"axis": 0, "begin": t, "end": t + 1}, given.span, Blame())
    return _reshaped(frame, part, sequence.type.shape[1:], given.span)


def _reshaped(frame: Frame, value: Value, shape: tuple[Any, ...], span: Span) -> Value:
    return frame.operation("reshape", [value], {"shape": shape}, span, Blame())


def _check_states(
    frame: Frame, given: Given, function: Function, states: Sequence[Value], made: Sequence[Value]
) -> None:
    """Refuse a body that does not turn states into states of the same types."""
    if len(made) != len(states):
        message = f"the body takes {len(states)} states and returns {len(made)} tensors"
        repair = (
            "a body is `cell step(x, h, c; n) { ... return [h, c] }` and returns its states, the output first"
        )
        frame.fail("E0502", message, given.span, help=repair)
    for state, new, placed in zip(states, made, given.tensors[1:], strict=True):
        if not types_agree(state.type, new.type):
            message = f"this state is {state.type}, after a step of '{function.definition}' it is {new.type}"
            frame.fail("E0502", message, placed.span)


def _chunk(frame: Frame, given: Given, bound: dict[str, Placed]) -> ListValue:
    (placed,) = given.tensors
    x = as_tensor(frame, placed, "chunk")
    parts = as_integer(frame, bound["parts"].value, bound["parts"].span, "the number of parts")
    axis = as_integer(frame, bound["axis"].value, bound["axis"].span, "an axis") if "axis" in bound else 0
    if not 0 <= axis < x.type.rank:
        frame.fail("E0503", f"{x.type} has no axis {axis}", given.span)
    size = as_integer(frame, x.type.shape[axis], placed.span, "the size of what is cut")
    if parts < 1 or size % parts:
        frame.fail("E0503", f"{size} cannot be cut into {parts} equal parts", given.span)
    width = size // parts
    cuts = ({"axis": axis, "begin": i * width, "end": (i + 1) * width} for i in range(parts))
    return ListValue(tuple(frame.operation("slice", [x], cut, given.span, Blame()) for cut in cuts))


def _unembedding(frame: Frame, given: Given, bound: dict[str, Placed]) -> Value:
    x, words = (as_tensor(frame, placed, "unembedding") for placed in given.tensors)
    places = [placed.span for placed in given.tensors]
    made = words.producer
    if made is None or made.name != "embedding":
        repair = "write `words = embedding(tokens; 100, 16)` in the same definition"
        frame.fail("E0501", "the second tensor is not what an 'embedding' gives", places[1], help=repair)
    if not types_agree(TensorType(x.type.shape[-1:]), TensorType(words.type.shape[-1:])):
        message = f"the vectors of {x.type} are not those of the table, which gives {words.type}"
        frame.fail("E0502", message, places[0])
    attributes = {name: made.attributes[name] for name in ("vocabulary", "param")}
    return frame.operation("unembedding", [x], attributes, given.span, Blame((places[0],)))


def zeros(frame: Frame, arguments: list[Placed], span: Span) -> Value:
    """``zeros(64)``, ``zeros(32, 8, 8)``: a tensor of zeros of these dimensions."""
    shape = []
    for placed in arguments:
        size = as_integer(frame, placed.value, placed.span, "a dimension")
        if not 1 <= size <= limits.DIMENSION:
            frame.fail("E0503", f"a dimension of {size}", placed.span, f"from 1 to {limits.DIMENSION}")
        shape.append(size)
    return frame.operation("zeros", [], {"shape": tuple(shape)}, span, Blame())


SCAN = Template("scan", 2, None, ("body",), 1, _scan)
"""``scan(xs, h, c; body=f)``: the outputs of all steps, ``f32[T, ...]``, then the final states."""

UNEMBEDDING = Template("unembedding", 2, 2, (), 0, _unembedding)
"""``unembedding(ys, words)``: the scores of all tokens, by the table with which ``words`` were looked up."""

CHUNK = Template("chunk", 1, 1, ("parts", "axis"), 1, _chunk)
"""``chunk(x; 4)``: equal parts of a tensor along an axis."""
