"""Decides which calls of a resolved module become sub-modules, and writes out the others in place.

Auxiliaries are collected in the network's own class, which gives their heads as further outputs while
training: what calls lead to one is written out in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from drawloom.backends.weights import join
from drawloom.ir import Function, Module, Operation, Value

STRUCTURE = frozenset({"call", "choice", "identity"})
"""Operations that compute nothing: calls are followed, the others are another name of an operand."""

_AUXILIARY = "auxiliary"


@dataclass(frozen=True, slots=True)
class Step:
    """One operation or call as a class performs it.

    Attributes:
        op: the operation.
        operands: values it reads, the present ones of a list.
        results: values it makes; those written out in place of a call have values of their own.
        path: where its weights live, from the class; empty when it has none.
    """

    op: Operation
    operands: tuple[Value, ...]
    results: tuple[Value, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Body:
    """What the class of one function does.

    Attributes:
        function: the function.
        steps: in order, without choices, identities and calls written out in place.
        outputs: values returned.
        heads: values returned besides while training.
        head_weights: the factor of each head's loss.
        for_training: steps that are performed after the others and while training only: what heads need, and
            outputs do not.
    """

    function: Function
    steps: tuple[Step, ...]
    outputs: tuple[Value, ...]
    heads: tuple[Value, ...] = ()
    head_weights: tuple[float, ...] = ()
    for_training: frozenset[Step] = frozenset()

    @property
    def performed(self) -> tuple[Step, ...]:
        """The steps in the order in which they are performed."""
        return tuple(sorted(self.steps, key=lambda s: s in self.for_training))


def bodies(module: Module) -> list[Body]:
    """The bodies of the functions that become classes, callees first, the network last."""
    separable = separable_functions(module)
    kept = [f for f in module.functions.values() if f.name in separable or f is module.entry]
    found = [_BodyMaker(module, separable).make(f) for f in kept]
    called = {s.op.attributes["callee"] for b in found for s in b.steps if s.op.name == "call"}
    return [b for b in found if b.function.name in called or b.function is module.entry]


def separable_functions(module: Module) -> frozenset[str]:
    """Names of the functions that may be sub-modules.

    They have weights, own or of callees, all of them below a path of their own, and lead to no auxiliary. And
    they have inputs, from which the size of the batch is known.
    """
    weighted: set[str] = set()
    bare: set[str] = set()
    leading = set[str]()
    for function in module.functions.values():
        owners = [
            op
            for op in function.operations
            if op.definition.has_weights and (op.name != "call" or op.attributes["callee"] in weighted)
        ]
        if owners:
            weighted.add(function.name)
        if any(not op.param and (op.name != "call" or op.attributes["callee"] in bare) for op in owners):
            bare.add(function.name)
        if any(op.name == _AUXILIARY or op.attributes.get("callee") in leading for op in function.operations):
            leading.add(function.name)
    sourceless = {f.name for f in module.functions.values() if not f.inputs}
    return frozenset(weighted - bare - leading - sourceless)


def above(path: str) -> Iterator[str]:
    """The paths that a path lies below."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


class _BodyMaker:
    """Flattens functions until every call left has weights in a place of its own."""

    def __init__(self, module: Module, separable: frozenset[str]) -> None:
        self.module = module
        self.separable = separable

    def make(self, function: Function) -> Body:
        held: dict[Value, Value] = {}
        steps = [s for op in function.operations for s in _step(op, op.operands, op.results, "", held)]
        while clashing := self._clashing(steps):
            steps = [new for s in steps for new in (self._in_place(s, held) if id(s) in clashing else (s,))]
        steps = [Step(s.op, _follow(s.operands, held), s.results, s.path) for s in steps]
        return _without_auxiliaries(Body(function, tuple(steps), _follow(function.outputs, held)))

    def _in_place(self, call: Step, held: dict[Value, Value]) -> Iterator[Step]:
        """The steps of a callee, with fresh values and with paths from the caller."""
        callee = self.module.function(call.op.attributes["callee"])
        values = dict(zip(callee.inputs, call.operands, strict=True))
        for op in callee.operations:
            results = tuple(Value(v.type, v.index, v.name) for v in op.results)
            values.update(zip(op.results, results, strict=True))
            yield from _step(op, [values[v] for v in op.operands], results, call.path, held)
        held.update(zip(call.results, (values[v] for v in callee.outputs), strict=True))

    def _clashing(self, steps: Sequence[Step]) -> set[int]:
        """Identities of the calls that cannot be sub-modules, or whose path others use in another way."""
        calls = [s for s in steps if s.op.name == "call"]
        found = {id(s) for s in calls if not s.path or s.op.attributes["callee"] not in self.separable}
        owners: dict[str, list[Step]] = {}
        for step in steps:
            if id(step) not in found and step.path:
                owners.setdefault(step.path, []).append(step)
        for path, sharing in owners.items():
            one_callee = len({s.op.attributes.get("callee", "") for s in sharing}) == 1
            clash = [] if one_callee else list(sharing)
            clash += [s for p in above(path) for s in owners.get(p, ())]
            found.update(id(s) for s in clash if s.op.name == "call")
        return found


def _without_auxiliaries(body: Body) -> Body:
    """The body with auxiliaries as other names of their operands, and what only heads need apart."""
    needed = _needed(body.steps, body.outputs)
    steps = [s for s in body.steps if s.op.name != _AUXILIARY]
    found = [s for s in body.steps if s.op.name == _AUXILIARY and s in needed]
    held = {s.results[0]: s.operands[0] for s in body.steps if s.op.name == _AUXILIARY}
    steps = [Step(s.op, _follow(s.operands, held), s.results, s.path) for s in steps]
    outputs = _follow(body.outputs, held)
    return Body(
        body.function,
        tuple(steps),
        outputs,
        _follow((s.operands[1] for s in found), held),
        tuple(s.op.attributes["weight"] for s in found),
        frozenset(steps) - _needed(steps, outputs) if found else frozenset(),
    )


def _needed(steps: Sequence[Step], values: Iterable[Value]) -> set[Step]:
    """The steps that some values need."""
    read, found = set(values), set[Step]()
    for step in reversed(steps):
        if not read.isdisjoint(step.results):
            read.update(step.operands)
            found.add(step)
    return found


def _step(
    op: Operation,
    operands: Sequence[Value],
    results: tuple[Value, ...],
    prefix: str,
    held: dict[Value, Value],
) -> Iterable[Step]:
    """The step of an operation; none for another name of an operand, which is entered in `held`."""
    if op.name in ("choice", "identity"):
        held[results[0]] = operands[op.attributes.get("selector", 0)]
        return ()
    present = tuple(v for i, v in enumerate(operands) if op.present(i))
    return (Step(op, present, results, "" if op.param is None else join(prefix, op.param)),)


def _follow(values: Iterable[Value], held: dict[Value, Value]) -> tuple[Value, ...]:
    """The values that these are other names of."""
    found = []
    for value in values:
        while value in held:
            value = held[value]
        found.append(value)
    return tuple(found)
