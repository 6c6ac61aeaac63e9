"""``loose_ends(xs)``: the tensors of a list from which no other tensor of it is computed.

What a candidate computes from what depends on its decisions, so an element is kept under a condition: that no
other element, present and read as decided, leads back to it. The list counts as it stands at that place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drawloom.ir import Expr, Function, Operation, Scalar, Span, Value
from drawloom.ir.expression import all_of, any_of, apply, equal

from . import limits
from .evaluate import as_list, presences
from .frame import Frame
from .scalars import checked
from .values import ListValue, Placed, describe, make_list

Row = tuple[Scalar, ...]
"""For each of some values the condition under which another one is computed from it."""


def loose_ends(frame: Frame, arguments: list[Placed], span: Span) -> ListValue:
    """The elements that no other one is computed from, each with its presence.

    Raises:
        Fault: when the list holds something else than tensors; the error has been reported.
    """
    (placed,) = arguments
    items = as_list(frame, placed.value, placed.span, "the argument of 'loose_ends'")
    for item in items.items:
        if not isinstance(item, Value):
            frame.fail("E0501", f"'loose_ends' takes a list of tensors, not of {describe(item)}", placed.span)
    if len(items.items) > limits.LOOSE_ENDS:
        frame.shared.too_much(f"the loose ends of more than {limits.LOOSE_ENDS} tensors", placed.span)
    elements, flags = list(dict.fromkeys(items.items)), presences(items)
    present = {e: any_of(*(p for v, p in zip(items.items, flags, strict=True) if v is e)) for e in elements}
    read = _Reads(frame.shared.functions, elements).through(frame.builder.operations)
    used = [
        any_of(*(all_of(present[o], read[o][i]) for o in elements if o in read)) for i in range(len(elements))
    ]
    kept = [
        all_of(flag, apply("not", used[elements.index(v)]))
        for v, flag in zip(items.items, flags, strict=True)
    ]
    return make_list(items.items, [checked(frame, k, span) for k in kept])


class _Reads:
    """Which values are computed from which sources, directly: not through another source."""

    def __init__(self, functions: Mapping[str, Function], sources: Sequence[Value]) -> None:
        self.functions = functions
        self.sources = {v: i for i, v in enumerate(sources)}
        self.nothing: Row = (False,) * len(sources)
        self.rows: dict[Value, Row] = {}

    def through(self, operations: Sequence[Operation]) -> dict[Value, Row]:
        """The rows of all results of operations; sources have the row of what they are computed from."""
        for op in operations:
            for position, result in enumerate(op.results):
                self.rows[result] = self._row(op, position)
        return self.rows

    def _row(self, op: Operation, result: int) -> Row:
        rows = [self._seen(v) for v in op.operands]
        columns = ([row[i] for row in rows] for i in range(len(self.nothing)))
        if op.name == "choice":
            return tuple([_selected(c, op.attributes["selector"]) for c in columns])
        if op.name == "call":
            read = _inputs_read(self.functions[op.attributes["callee"]], result, self.functions)
        else:
            read = tuple([op.present(p) for p in range(len(rows))])
        return tuple([any_of(*map(all_of, c, read)) for c in columns])

    def _seen(self, value: Value) -> Row:
        """The row of a value as its readers see it: a source hides what it is computed from."""
        own = self.sources.get(value)
        if own is None:
            return self.rows.get(value, self.nothing)
        return tuple([i == own for i in range(len(self.nothing))])


def _selected(conditions: Sequence[Scalar], selector: Scalar) -> Scalar:
    """The condition at the selected position; of equal ones, that the position is one of theirs."""
    groups: dict[object, tuple[Scalar, list[int]]] = {}
    for position, condition in enumerate(conditions):
        parts = condition.args if isinstance(condition, Expr) and condition.operator == "or" else (condition,)
        groups.setdefault(frozenset(map(id, parts)), (condition, []))[1].append(position)
    found: Scalar = False
    for condition, positions in groups.values():
        if condition is False:
            continue
        everywhere = len(positions) == len(conditions)
        here = everywhere or any_of(*(equal(selector, p) for p in positions))
        found = any_of(found, all_of(condition, here))
    return found


def _inputs_read(function: Function, output: int, functions: Mapping[str, Function]) -> Row:
    """For each input of a function the condition under which an output of it is computed from it."""
    reads = _Reads(functions, function.inputs)
    reads.through(function.operations)
    return reads._seen(function.outputs[output])
