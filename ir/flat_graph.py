"""The graph of a whole module with calls followed: nodes numbered so that equal computations are one node.

Names of values and functions, the borders of functions, the order of independent operations, spans and dead
operations leave no trace in it. A node is (what it does, its operands, the weights it owns): two operations
without weights that do the same are one node, two operations with weights only if they share them.

Within a function an operation with weights and the operations of one operand that follow it, each the only
reader of the one before, are numbered as one: nothing else can be equal to a part of such a run. That is left
out where functions claim overlapping weight paths, since then two runs may share a part; `drawloom.ir.chains`
joins what is left, so the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from .definition import Attribute, OpDefinition
from .diagnostic import UserError
from .expression import Expr
from .graph import Function, Module, Operation, Value
from .printer import attribute_text, constraint_text, decision_text

COMMUTATIVE = frozenset({"add", "mul", "sum", "mean"})
"""Operations whose operands have no order."""

LIMIT = 5_000_000
"""Most operations of a network with its calls followed: few functions that call each other can make many."""

DIGEST = 16
"""Bytes of a colour and of a structural hash."""

Step = tuple[bytes, tuple[int, ...], bool, str | None, str]
"""One or more live operations of a function, ready for numbering; they have one result.

* what they do: one digest an operation; empty for calls.
* positions of the operands in the list of values of the function.
* whether the order of the operands means nothing.
* the path of the weights it owns (of a call: the prefix), None where there are none.
* the name of the called function, empty for all other operations.
"""


class Template(NamedTuple):
    """A function as steps; each adds its results to the list of values, which begins with the inputs.

    Attributes:
        steps: its live operations.
        outputs: positions of what it returns.
        callees: what it calls, once for each call.
        tied: whether two of its steps claim overlapping weight paths.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    callees: tuple[str, ...]
    tied: bool


@dataclass(slots=True)
class FlatGraph:
    """A module without functions.

    Attributes:
        header: bytes of what is no node: input types, and in a space its decisions and constraints.
        statics: for each node what it does, one digest an operation.
        operands: for each node its operands, earlier nodes.
        commutative: for each node whether they have none.
        paths: weight paths by node where some may be shared; empty where none is.
        outputs: nodes that the network returns.
    """

    header: bytes
    statics: list[bytes] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    commutative: list[bool] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)
    outputs: tuple[int, ...] = ()

    def add(self, static: bytes, operands: tuple[int, ...], commutative: bool) -> int:
        """A new node."""
        number = len(self.statics)
        self.statics.append(static)
        self.operands.append(operands)
        self.commutative.append(commutative)
        return number


def flatten(module: Module) -> FlatGraph:
    """The graph of a module whose calls resolve.

    Raises:
        UserError: when it would have more than `LIMIT` operations.
    """
    entry = module.entry
    templates = {name: f._template or _template(f) for name, f in module.functions.items()}
    _check_size(templates)
    tied = any(t.tied for t in templates.values())
    if tied:
        templates = {name: _made(f, join=False) for name, f in module.functions.items()}
    graph = FlatGraph(_header(module))
    inputs = [graph.add(digest(f"input {i} {v.type}"), (), False) for i, v in enumerate(entry.inputs)]
    graph.outputs = tuple(_walk(graph, templates, templates[entry.name], inputs, tied))
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


def _check_size(templates: Mapping[str, Template]) -> None:
    size = 0
    sizes: dict[str, int] = {}
    for name, template in templates.items():
        size = len(template.steps)
        for callee in template.callees:
            size += sizes[callee]
        sizes[name] = size = min(size, LIMIT + 1)
    # the entry is the last
    if size > LIMIT:
        raise UserError(f"the network has more than {LIMIT:,} operations when its calls are followed")


def _walk(
    graph: FlatGraph, templates: Mapping[str, Template], entry: Template, values: list[int], tied: bool
) -> list[int]:
    """Add the nodes of a function, calls followed with a stack of its own; returns those of its outputs."""
    numbers: dict[Any, int] = {}
    nodes, operands_of, commutative_of = graph.statics, graph.operands, graph.commutative
    stack: list[tuple[Iterator[Step], tuple[int, ...], list[int], str]] = []
    steps, outputs, prefix = iter(entry.steps), entry.outputs, ""
    while True:
        for static, operands, commutative, path, callee in steps:
            # most read one value, and this is on the path of every candidate
            given = (values[operands[0]],) if len(operands) == 1 else tuple([values[i] for i in operands])
            if callee:
                stack.append((steps, outputs, values, prefix))
                template = templates[callee]
                steps, outputs, values = iter(template.steps), template.outputs, list(given)
                prefix = _joined(prefix, path) if tied else ""
                break
            new = len(nodes)
            if path is None:
                number = numbers.setdefault((static, tuple(sorted(given)) if commutative else given), new)
            elif tied:
                path = _joined(prefix, path)
                number = numbers.setdefault((static, given, path), new)
                graph.paths[number] = path
            else:
                # an operation with weights of its own equals no other
                number = new
            if number == new:
                nodes.append(static)
                operands_of.append(given)
                commutative_of.append(commutative)
            values.append(number)
        else:
            results = [values[i] for i in outputs]
            if not stack:
                return results
            steps, outputs, values, prefix = stack.pop()
            values += results


def _joined(prefix: str, path: str | None) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path or ""


def _template(function: Function) -> Template:
    """The template of a function, kept on it."""
    made = function._template = _made(function, join=True)
    return made


def _made(function: Function, *, join: bool) -> Template:
    """The live operations of a function as steps, those of a run as one if they are to be joined."""
    live, readers = _live_operations(function)
    maker = _Maker(function.inputs, readers, join)
    for op in live:
        maker.add(op)
    outputs = tuple([maker.places[v] for v in function.outputs])
    return Template(tuple(maker.steps), outputs, tuple(maker.callees), _overlapping(maker.claims))


class _Maker:
    """Collects the steps of a function.

    Attributes:
        places: for each value its position in the list of values.
        steps: so far.
        callees: so far.
        claims: the weight paths of the operations and calls so far, once for each result.
    """

    def __init__(self, inputs: Sequence[Value], readers: Mapping[Value, int], join: bool) -> None:
        self.places = {v: i for i, v in enumerate(inputs)}
        self.steps: list[Step] = []
        self.callees: list[str] = []
        self.claims: list[str] = []
        self._readers = readers
        self._join = join
        self._size = len(self.places)
        # by the position of its result, the step of a run that may go on
        self._runs: dict[int, int] = {}

    def add(self, op: Operation) -> None:
        """Add a live operation; what it reads has been added."""
        places = self.places
        given = op.operands
        operands = (places[given[0]],) if len(given) == 1 else tuple([places[v] for v in given])
        name = op.definition.name
        if name == "call":
            prefix = op.param or ""
            self.claims.append(prefix)
            self.callees.append(op.attributes["callee"])
            self.steps.append((b"", operands, False, prefix, self.callees[-1]))
            for result in op.results:
                self._place(result)
            return
        if op.presence:
            operands = self._present(op, operands)
        statics = _statics(op)
        path = op.param if has_weights(op.definition) else None
        if path is not None:
            self.claims += [path] * len(statics)
        run = self._runs.get(operands[0]) if len(operands) == len(statics) == 1 else None
        if run is not None and self._readers[op.operands[0]] == 1:
            static, before, commutative, first, _ = self.steps[run]
            self.steps[run] = (static + statics[0], before, commutative, first, "")
            places[op.results[0]] = operands[0]
            return
        if path is not None and self._join and len(statics) == 1:
            self._runs[self._size] = len(self.steps)
        # several results are as many nodes, told apart by their position
        for static, result in zip(statics, op.results, strict=True):
            self.steps.append((static, operands, name in COMMUTATIVE, path, ""))
            self._place(result)

    def _present(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """Positions of the operands under their conditions."""
        conditioned = list(operands)
        for position, condition in enumerate(op.presence):
            if condition is not True:
                static = digest(f"present {attribute_text(condition)}")
                self.steps.append((static, (operands[position],), False, None, ""))
                conditioned[position], self._size = self._size, self._size + 1
        return tuple(conditioned)

    def _place(self, value: Value) -> None:
        self.places[value], self._size = self._size, self._size + 1


def _overlapping(claims: list[str]) -> bool:
    """Whether some path is another one, or lies below another one."""
    # with the smallest character as separator, what lies below a path comes right after it
    ordered = sorted([path.replace(".", "\0") for path in claims])
    return any(b == a or not a or b.startswith(a + "\0") for a, b in pairwise(ordered))


def _statics(op: Operation) -> tuple[bytes, ...]:
    """What an operation does, for each of its results."""
    values = _values_of(op.definition)(op.attributes)
    if len(op.results) == 1:
        return (_static(op.definition, 0, values),)
    return tuple([_static(op.definition, i, values) for i in range(len(op.results))])


@cache
def has_weights(definition: OpDefinition) -> bool:
    """`OpDefinition.has_weights`, remembered."""
    return definition.has_weights


def _told(definition: OpDefinition) -> tuple[Attribute, ...]:
    """The attributes that say what an operation does."""
    return tuple([a for a in definition.attributes if a.name != "param"])


@cache
def _values_of(definition: OpDefinition) -> Callable[[Mapping[str, Any]], Any]:
    """Reads the values of the attributes that say what an operation does."""
    names = [a.name for a in _told(definition)]
    return itemgetter(*names) if names else lambda attributes: ()


@lru_cache(maxsize=1 << 14)
def _static(definition: OpDefinition, result: int, values: Any) -> bytes:
    """A digest of what an operation does; equal values have equal texts, as this is remembered."""
    told = _told(definition)
    words = [definition.name, str(result)]
    for attribute, value in zip(told, values if len(told) != 1 else (values,), strict=True):
        words.append(f"{attribute.name}={_text(attribute.kind, value)}")
    return digest("\n".join(words))


def _text(kind: str, value: Any) -> str:
    """For hashing: `repr` of plain values is the same everywhere, that of an expression is not."""
    if isinstance(value, tuple) and not any(isinstance(v, Expr) for v in value):
        return repr(tuple([_FORMS[kind](v) for v in value]))
    return repr(_FORMS[kind](value)) if type(value) in (int, float, bool, str) else attribute_text(value)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "ints": int,
    "shape": int,
    # a negative zero becomes zero, which it is equal to
    "float": lambda value: float(value) + 0.0,
    "bool": bool,
    "string": str,
}
"""Brings values of each kind of attribute to one form: 1 and true, 1 and 1.0."""


def _live_operations(function: Function) -> tuple[list[Operation], dict[Value, int]]:
    """The operations that the outputs need, in order, and how often each value is read by them.

    Outputs count as read by many.
    """
    readers: dict[Value, int] = dict.fromkeys(function.outputs, 2)
    kept: list[Operation] = []
    for op in reversed(function.operations):
        for value in op.results:
            if value in readers:
                kept.append(op)
                for operand in op.operands:
                    readers[operand] = readers.get(operand, 0) + 1
                break
    kept.reverse()
    return kept, readers
