"""Functions reduced to those of their outputs that are in use, with all they call."""

from __future__ import annotations

from collections.abc import Container, Generator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from drawloom.ir import Function, Operation, Value

from .liveness import bits, everything
from .rebuild import copied, rebuilt

Placed = tuple[int, Function]
"""A function with its position in the module."""


@dataclass(slots=True)
class Body:
    """A function, which may be called with different callees behind its calls.

    Attributes:
        function: the function.
        taken: the names of all functions of its module.
        wholes: what is left of it where nothing goes of what it calls, by the outputs in use as masks.
    """

    function: Function
    taken: Container[str]
    wholes: dict[int, _Whole] = field(default_factory=dict)


@dataclass(slots=True)
class Reducible:
    """A function with what it calls and what is left of it.

    Attributes:
        body: the function.
        order: its position in the module.
        callees: what it calls, by name.
        parts: what is left of it for the sets of outputs in use that have been asked for, as masks.
    """

    body: Body
    order: int
    callees: Mapping[str, Reducible]
    parts: dict[int, Part] = field(default_factory=dict)


class _Left(NamedTuple):
    """What is left of the operations of a function; see `Part`."""

    function: Function
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intact: bool


class _Whole(NamedTuple):
    """What is left of a function where nothing goes of what it calls: `calls` with the outputs in use."""

    calls: tuple[_Call, ...]
    left: _Left


@dataclass(frozen=True, slots=True)
class Part:
    """A function reduced to some of its outputs.

    Attributes:
        function: with only the operations that these need; the given one when nothing goes.
        inputs: positions of the inputs that are left.
        outputs: positions of the outputs that are left.
        intact: whether it has the name, the inputs and the outputs of the given function.
        functions: itself and all it calls, callees first.
    """

    function: Function
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intact: bool
    functions: tuple[Placed, ...]


_Call = tuple[str, int]
"""The name of a callee and the mask of its outputs in use."""

_Request = tuple[Reducible, int]
_Kept = list[tuple[Operation, Part | None]]
"""Live operations, calls with what is left of their callees; None where nothing went."""


def reduced(entry: Reducible) -> list[Function]:
    """What is left of a function all of whose outputs are in use, and of what it calls, in their order."""
    part = _part(entry, everything(entry.body.function))
    return [function for _, function in sorted(part.functions, key=itemgetter(0))]


def _part(entry: Reducible, demand: int) -> Part:
    # a stack of its own: calls may nest deep
    stack = [((entry, demand), _reduction(entry, demand))]
    part: Part
    answer: Part | None = None
    while True:
        (current, mask), reduction = stack[-1]
        try:
            request = reduction.send(answer)
        except StopIteration as finished:
            stack.pop()
            answer = current.parts[mask] = part = finished.value
            if not stack:
                return part
        else:
            stack.append((request, _reduction(*request)))
            answer = None


def _reduction(given: Reducible, demand: int) -> Generator[_Request, Part | None, Part]:
    """Find what is left of a function; asks for what is left of those it calls where that is not known."""
    whole = given.body.wholes.get(demand) or _whole(given.body, demand)
    parts: dict[_Call, Part] = {}
    for call in whole.calls:
        parts[call] = yield from _asked(given, call)
    left = whole.left
    if not all(part.intact for part in parts.values()):
        left = yield from _narrowed(given, demand, parts)
    functions = dict.fromkeys([f for part in parts.values() for f in part.functions])
    return Part(*left, (*functions, (given.order, left.function)))


def _asked(given: Reducible, call: _Call) -> Generator[_Request, Part | None, Part]:
    callee, needed = call
    reducible = given.callees[callee]
    part = reducible.parts.get(needed) or (yield reducible, needed)
    assert part is not None
    return part


def _narrowed(
    given: Reducible, demand: int, parts: dict[_Call, Part]
) -> Generator[_Request, Part | None, _Left]:
    """What is left where some callee lost inputs or outputs; then `parts` holds what is still called."""
    parts.clear()
    scan = _scan(given.body, demand)
    answer: Part | None = None
    while True:
        try:
            call = scan.send(answer)
        except StopIteration as finished:
            left: _Left = finished.value
            return left
        answer = parts[call] = yield from _asked(given, call)


def _whole(body: Body, demand: int) -> _Whole:
    """What is left of a function where nothing goes of what it calls, kept with it."""
    calls: dict[_Call, None] = {}
    scan = _scan(body, demand)
    try:
        while True:
            calls[scan.send(None)] = None
    except StopIteration as finished:
        made = body.wholes[demand] = _Whole(tuple(calls), finished.value)
    return made


def _scan(body: Body, demand: int) -> Generator[_Call, Part | None, _Left]:
    """Find the operations that outputs need; is told of each call what is left of it, None where all is."""
    function = body.function
    alive = {function.outputs[i] for i in bits(demand)}
    kept: _Kept = []
    for op in reversed(function.operations):
        results = op.results
        if len(results) == 1:
            # by far the most common, and on the path of every candidate
            needed = 1 if results[0] in alive else 0
        else:
            needed = sum([1 << i for i, v in enumerate(results) if v in alive])
        if not needed:
            continue
        part = None
        if op.definition.name == "call":
            part = yield op.attributes["callee"], needed
        if part is None or part.intact:
            alive.update(op.operands)
            kept.append((op, None))
        else:
            alive.update([op.operands[i] for i in part.inputs])
            kept.append((op, part))
    kept.reverse()
    inputs = tuple([i for i, v in enumerate(function.inputs) if v in alive or function.kind == "network"])
    intact = demand == everything(function) and len(inputs) == len(function.inputs)
    if not intact or any(part for _, part in kept):
        left = _rebuilt(body, inputs, demand, kept)
    elif len(kept) < len(function.operations):
        left = rebuilt(function, function.inputs, tuple([op for op, _ in kept]), function.outputs)
    else:
        left = function
    return _Left(left, inputs, bits(demand), intact)


def _rebuilt(body: Body, inputs: tuple[int, ...], demand: int, kept: _Kept) -> Function:
    """A function of some inputs and outputs, and the operations that these need."""
    function = body.function
    values: dict[Value, Value] = {}
    for position, old in enumerate(inputs):
        value = function.inputs[old]
        values[value] = value if old == position else Value(value.type, position, value.name)
    operations = []
    for op, part in kept:
        if part is None:
            new = copied(op, tuple([values[v] for v in op.operands]))
            values.update(zip(op.results, new.results, strict=True))
        else:
            new = _call(op, tuple([values[op.operands[i]] for i in part.inputs]), part)
            values.update(zip([op.results[i] for i in part.outputs], new.results, strict=True))
        operations.append(new)
    outputs = bits(demand)
    name = function.name
    if len(outputs) < len(function.outputs):
        name = f"{name}.{'_'.join(map(str, outputs))}"
        while name in body.taken:
            # never what is left of another function, whose name ends with a digit
            name += "_"
    return rebuilt(
        function,
        tuple([values[function.inputs[i]] for i in inputs]),
        tuple(operations),
        tuple([values[function.outputs[i]] for i in outputs]),
        name=name,
    )


def _call(op: Operation, operands: tuple[Value, ...], callee: Part) -> Operation:
    """A call of what is left of its callee."""
    attributes = {**op.attributes, "callee": callee.function.name}
    results = [op.results[i] for i in callee.outputs]
    names = tuple([r.name for r in results])
    return Operation(op.definition, operands, attributes, [r.type for r in results], (), op.span, names)
