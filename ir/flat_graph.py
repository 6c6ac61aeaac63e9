"""The graph of a whole module with calls followed: nodes numbered so that equal computations are one node.

Names of values and functions, the borders of functions, the order of independent operations, spans and dead
operations leave no trace in it. A node is (what it does, its operands, the weights it owns): two operations
without weights that do the same are one node, two operations with weights only if they share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from .expression import Expr
from .graph import Function, Module, Operation
from .printer import attribute_text, constraint_text, decision_text

COMMUTATIVE = frozenset({"add", "mul", "sum", "mean"})
"""Operations whose operands have no order."""

_PLAIN = frozenset({int, float, bool, str})

DIGEST = 16
"""Bytes of a colour and of a structural hash."""


class Step(NamedTuple):
    """One live operation of a function, ready for numbering.

    Attributes:
        static: what it does: name and attributes; empty for calls.
        operands: positions in the list of values of the function.
        commutative: whether their order means nothing.
        path: path of the weights it owns (of a call: the prefix), None where there are none.
        callee: name of the called function, empty for all other operations.
    """

    static: bytes
    operands: tuple[int, ...]
    commutative: bool
    path: str | None
    callee: str


class Template(NamedTuple):
    """A function as steps; each adds its results to the list of values, which begins with the inputs."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


@dataclass(slots=True)
class FlatGraph:
    """A module without functions.

    Attributes:
        header: bytes of what is no node: input types, and in a space its decisions and constraints.
        statics: for each node what it does.
        operands: for each node its operands, earlier nodes; sorted where they have no order.
        commutative: for each node whether they have none.
        colors: for each node a digest of the tree below it, blind to which weights are shared.
        paths: weight paths by node.
        outputs: nodes that the network returns.
        numbers: nodes by what makes them one.
    """

    header: bytes
    statics: list[bytes] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    commutative: list[bool] = field(default_factory=list)
    colors: list[bytes] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)
    outputs: tuple[int, ...] = ()
    numbers: dict[tuple[bytes, tuple[int, ...], str | None], int] = field(default_factory=dict)

    def live(self) -> list[int]:
        """The nodes that the outputs need, ascending, so operands before their users."""
        marked = bytearray(len(self.colors))
        for node in self.outputs:
            marked[node] = 1
        operands = self.operands
        for node in range(len(marked) - 1, -1, -1):
            if marked[node]:
                for operand in operands[node]:
                    marked[operand] = 1
        return [node for node, alive in enumerate(marked) if alive]

    def node(self, static: bytes, operands: tuple[int, ...], commutative: bool, path: str | None) -> int:
        """The node of an operation, made when there is none."""
        if commutative:
            operands = tuple(sorted(operands))
        key = (static, operands, path)
        found = self.numbers.get(key)
        if found is not None:
            return found
        colors = self.colors
        parts = [colors[i] for i in operands]
        if commutative:
            parts.sort()
        number = self.numbers[key] = len(colors)
        colors.append(blake2b(static + b"".join(parts), digest_size=DIGEST).digest())
        self.statics.append(static)
        self.operands.append(operands)
        self.commutative.append(commutative)
        if path is not None:
            self.paths[number] = path
        return number


def flatten(module: Module) -> FlatGraph:
    """The graph of a module whose calls resolve."""
    entry = module.entry
    graph = FlatGraph(_header(module))
    inputs = [graph.node(digest(f"input {i} {v.type}"), (), False, None) for i, v in enumerate(entry.inputs)]
    graph.outputs = tuple(_walk(graph, module.functions, entry, inputs, ""))
    return graph


def digest(text: str | bytes) -> bytes:
    """Bytes that stand for a text."""
    return blake2b(text.encode() if isinstance(text, str) else text, digest_size=DIGEST).digest()


def _header(module: Module) -> bytes:
    lines = [str(v.type) for v in module.entry.inputs]
    if not module.resolved:
        # names and domains; labels and messages are for people
        lines += sorted(decision_text(type(d)(d.name, d.domain)) for d in module.decisions.values())
        lines += sorted(constraint_text(type(c)(c.condition, "", c.filters)) for c in module.constraints)
    return "\n".join(lines).encode()


def _walk(
    graph: FlatGraph,
    functions: Mapping[str, Function],
    function: Function,
    arguments: Sequence[int],
    prefix: str,
) -> list[int]:
    """Add the nodes of one call of a function; returns those of its outputs."""
    template: Template = function._template or _template(function)
    values = list(arguments)
    node, append = graph.node, values.append
    for static, operands, commutative, path, callee in template.steps:
        if path is not None and prefix:
            path = f"{prefix}.{path}" if path else prefix
        if callee:
            given = [values[i] for i in operands]
            values += _walk(graph, functions, functions[callee], given, path or "")
        else:
            append(node(static, tuple([values[i] for i in operands]), commutative, path))
    return [values[i] for i in template.outputs]


def _template(function: Function) -> Template:
    """The live operations of a function as steps, kept on the function."""
    places = {id(v): i for i, v in enumerate(function.inputs)}
    steps: list[Step] = []
    size = len(places)
    for op in _live_operations(function):
        operands = [places[id(value)] for value in op.operands]
        for position, present in enumerate(op.presence):
            if present is not True:
                static = f"present {attribute_text(present)}\0".encode()
                steps.append(Step(static, (operands[position],), False, None, ""))
                operands[position], size = size, size + 1
        steps += _steps(op, tuple(operands))
        for result in op.results:
            places[id(result)], size = size, size + 1
    made = Template(tuple(steps), tuple(places[id(v)] for v in function.outputs))
    function._template = made
    return made


def _steps(op: Operation, operands: tuple[int, ...]) -> list[Step]:
    if op.name == "call":
        return [Step(b"", operands, False, op.param or "", op.attributes["callee"])]
    path = op.param if op.definition.has_weights else None
    # several results are as many nodes, told apart by their position
    return [Step(_static(op, i), operands, op.name in COMMUTATIVE, path, "") for i in range(len(op.results))]


def _static(op: Operation, result: int) -> bytes:
    words = [op.name, str(result)]
    for attribute in op.definition.attributes:
        name = attribute.name
        if name == "param" or name not in op.attributes:
            continue
        value = op.attributes[name]
        if isinstance(value, int) and attribute.kind == "float":
            value = float(value)
        # `repr` of plain values is the same everywhere; that of an expression is for people
        plain = not any(isinstance(v, Expr) for v in value) if type(value) is tuple else type(value) in _PLAIN
        words.append(f"{name}={value!r}" if plain else f"{name}={attribute_text(value)}")
    # the one zero byte ends it: `repr` escapes those in texts, and digests of operands follow
    return ("\n".join(words) + "\0").encode()


def _live_operations(function: Function) -> list[Operation]:
    needed: set[int] = {id(v) for v in function.outputs}
    kept: list[Operation] = []
    for op in reversed(function.operations):
        if any(id(v) in needed for v in op.results):
            kept.append(op)
            needed.update(id(v) for v in op.operands)
    return kept[::-1]
