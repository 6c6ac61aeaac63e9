"""Ways through the graph: who reads a value, what a value is computed from, all operations behind calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .counting import cost
from .graph import Function, Module, Operation, Value
from .printer import value_names
from .weight_paths import join_path

if TYPE_CHECKING:
    import networkx

Users = dict[Value, list[Operation]]
"""The operations that read each value, in order, one entry for each time."""


def users_of(function: Function) -> Users:
    """The readers of every value of a function; values that nothing reads have an empty list."""
    users: Users = {value: [] for value in function.inputs}
    for op in function.operations:
        for operand in op.operands:
            users[operand].append(op)
        users.update((result, []) for result in op.results)
    return users


def ancestors(value: Value) -> list[Operation]:
    """The operations that a value is computed by, each after those whose results it reads."""
    found: dict[Operation, None] = {}
    waiting: list[tuple[Operation, bool]] = [(value.producer, False)] if value.producer else []
    while waiting:
        op, seen = waiting.pop()
        if seen:
            found.setdefault(op)
        elif op not in found:
            waiting.append((op, True))
            waiting += [(v.producer, False) for v in reversed(op.operands) if v.producer is not None]
    return list(found)


class Visit(NamedTuple):
    """An operation on a walk through calls.

    Attributes:
        path: of its weights, with the components of all calls above it: ``stage.0.conv_bn.conv``.
        function: the function it stands in.
        operation: the operation.
    """

    path: str
    function: Function
    operation: Operation


def walk(module: Module) -> Iterator[Visit]:
    """All operations of a module in order of execution; those of a callee follow each of its calls."""
    waiting = [_visits(module.entry, "")]
    while waiting:
        visit = next(waiting[-1], None)
        if visit is None:
            waiting.pop()
            continue
        yield visit
        if visit.operation.name == "call":
            callee = module.function(visit.operation.attributes["callee"])
            waiting.append(_visits(callee, visit.path))


def _visits(function: Function, prefix: str) -> Iterator[Visit]:
    return (Visit(join_path(prefix, op.param or ""), function, op) for op in function.operations)


def replace_values(function: Function, replacements: Mapping[Value, Value]) -> Function:
    """The function with some values read in place of others; the rest is shared or copied, none removed.

    Args:
        function: the function, which stays as it is.
        replacements: for values of the function, values of the function that are computed before their
        readers.

    Raises:
        ValueError: when a value would be read before it is computed.
    """
    new: dict[Value, Value] = {value: value for value in function.inputs}
    operations: list[Operation] = []

    def read(value: Value) -> Value:
        meant = replacements.get(value, value)
        if meant not in new:
            raise ValueError(f"{meant} is read before it is computed")
        return new[meant]

    for op in function.operations:
        operands = tuple(map(read, op.operands))
        kept = op if operands == op.operands else _on(op, operands)
        new.update(zip(op.results, kept.results, strict=True))
        operations.append(kept)
    outputs = tuple(map(read, function.outputs))
    return Function(
        function.name,
        function.kind,
        function.inputs,
        tuple(operations),
        outputs,
        function.arguments,
        function.definition,
        function.span,
    )


def _on(op: Operation, operands: tuple[Value, ...]) -> Operation:
    types, names = [r.type for r in op.results], tuple(r.name for r in op.results)
    return Operation(op.definition, operands, op.attributes, types, op.presence, op.span, names)


def to_networkx(graph: Module | Function) -> networkx.MultiDiGraph:
    """A function, or a module with its calls followed, as a graph of networkx.

    Nodes are named after values, in a module behind the values of the calls above them: ``h/0/conv``. Each
    has the attributes ``kind`` (``input``, ``output`` or the name of the operation), ``type`` (as text, of
    the first result), ``attributes``, ``path`` (of its weights), ``parameters`` and ``multiply_adds``
    (scalars; a call of a single function has none), and ``operation``. Edges lead from producers to readers,
    with ``operand`` (the position) and ``presence``.

    Args:
        graph: a module, whose calls are followed, or a function, whose calls are nodes.
    """
    import networkx

    made = networkx.MultiDiGraph(name=graph.name)
    function = graph.entry if isinstance(graph, Module) else graph
    names = value_names(function)
    sources: dict[Value, str] = {}
    for value in function.inputs:
        sources[value] = names[id(value)]
        made.add_node(sources[value], kind="input", type=str(value.type))
    returned = _Converter(made, graph if isinstance(graph, Module) else None).add(function, sources, "", "")
    for position, source in enumerate(returned):
        made.add_node(f"return {position}", kind="output", type=str(function.outputs[position].type))
        made.add_edge(source, f"return {position}", operand=0, presence=True)
    return made


class _Converter:
    def __init__(self, made: networkx.MultiDiGraph, module: Module | None) -> None:
        self.made = made
        self.module = module

    def add(self, function: Function, sources: dict[Value, str], place: str, path: str) -> list[str]:
        """Add a function's operations; returns the nodes of its outputs."""
        names = value_names(function)
        for op in function.operations:
            node = place + names[id(op.results[0])]
            inner = join_path(path, op.param or "")
            if op.name == "call" and self.module is not None:
                callee = self.module.function(op.attributes["callee"])
                given = dict(zip(callee.inputs, (sources[v] for v in op.operands), strict=True))
                made = self.add(callee, given, f"{node}/", inner)
                sources.update(zip(op.results, made, strict=True))
                continue
            self.made.add_node(node, **_facts(op, inner))
            for position, operand in enumerate(op.operands):
                self.made.add_edge(sources[operand], node, operand=position, presence=op.present(position))
            sources.update((result, node) for result in op.results)
        return [sources[value] for value in function.outputs]


def _facts(op: Operation, path: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": op.name,
        "type": str(op.results[0].type),
        "attributes": dict(op.attributes),
        "path": path,
        "operation": op,
    }
    if op.name != "call":
        price = cost(op)
        facts |= {"parameters": price.parameters, "multiply_adds": price.multiply_adds}
    return facts
