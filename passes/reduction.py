"""Functions reduced to those of their outputs that are in use, with all they call."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from drawloom.ir import Function, Operation, Value

from .liveness import bits, everything
from .rebuild import copied, rebuilt

Placed = tuple[int, Function]
"""A function with its position in the module."""


@dataclass(slots=True)
class Reducible:
    """A function with what it calls and what is left of it.

    Attributes:
        function: the function.
        order: its position in the module.
        callees: what it calls, by name.
        parts: what is left of it for the sets of outputs in use that have been asked for, as masks.
    """

    function: Function
    order: int
    callees: Mapping[str, Reducible]
    parts: dict[int, Part] = field(default_factory=dict)


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


_Request = tuple[Reducible, int]
_Kept = list[tuple[Operation, Part | None]]
"""Live operations, calls with what is left of their callees."""


def reduced(entry: Reducible) -> list[Function]:
    """What is left of a function all of whose outputs are in use, and of what it calls, in their order."""
    part = _part(entry, everything(entry.function))
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
    function = given.function
    alive = {function.outputs[i] for i in bits(demand)}
    kept: _Kept = []
    intact = demand == everything(function)
    same = intact
    for op in reversed(function.operations):
        needed = _needed(op, alive)
        if not needed:
            same = False
        elif op.definition.name != "call":
            alive.update(op.operands)
            kept.append((op, None))
        else:
            callee = given.callees[op.attributes["callee"]]
            part = callee.parts.get(needed) or (yield callee, needed)
            assert part is not None
            alive.update([op.operands[i] for i in part.inputs])
            same = same and part.intact
            kept.append((op, part))
    kept.reverse()
    inputs = tuple([i for i, v in enumerate(function.inputs) if v in alive or function.kind == "network"])
    intact = intact and len(inputs) == len(function.inputs)
    left = function if same and intact else _rebuilt(function, inputs, demand, kept)
    functions = dict.fromkeys([f for _, part in kept if part is not None for f in part.functions])
    return Part(left, inputs, bits(demand), intact, (*functions, (given.order, left)))


def _needed(op: Operation, alive: set[Value]) -> int:
    """The mask of the results that are alive."""
    results = op.results
    if len(results) == 1:
        return int(results[0] in alive)
    return sum([1 << i for i, v in enumerate(results) if v in alive])


def _rebuilt(function: Function, inputs: tuple[int, ...], demand: int, kept: _Kept) -> Function:
    """A function of some inputs and outputs, and the operations that these need."""
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
    return rebuilt(
        function,
        tuple([values[function.inputs[i]] for i in inputs]),
        tuple(operations),
        tuple([values[function.outputs[i]] for i in outputs]),
        name=name,
    )


def _call(op: Operation, operands: tuple[Value, ...], callee: Part) -> Operation:
    """A call of what is left of its callee."""
    if callee.intact:
        return copied(op, operands)
    attributes = {**op.attributes, "callee": callee.function.name}
    results = [op.results[i] for i in callee.outputs]
    names = tuple([r.name for r in results])
    return Operation(op.definition, operands, attributes, [r.type for r in results], (), op.span, names)
