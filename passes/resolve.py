"""The fast path from a space and an assignment to a network: ``assign,canonicalize,dce`` in one sweep.

Each function is visited once for each projection of an assignment on the decisions that it and its callees
mention. In a function, first the operations are found that its outputs need through selected alternatives and
present members; those are rebuilt in order with decisions replaced, each simplified by the rules of
``canonicalize``; then what became dead is removed. Resolved functions are remembered and shared between
candidates, and so are the operations in them: what one becomes depends on the values of the decisions that it
mentions and on its operands, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from drawloom.ir import (
    Choice,
    Constraint,
    Decision,
    Expr,
    Function,
    Module,
    Operation,
    TensorType,
    Value,
    check_assignment,
    substitute,
)
from drawloom.ir.expression import expressions

from .assign import assign
from .base import Context, Pass
from .canonicalize import Forward, Simplifier, canonicalize, forwards_of
from .dce import dce, function_expressions
from .module_cache import ModuleCache
from .rebuild import Specialised, nothing, rebuilt, remade, settled
from .reduction import Reducible, reduced
from .rules import RULES

Indices = Mapping[Decision, int]
"""For each decision the position of its value in its domain."""

_MEMORY = 200_000
"""Remembered operations of one space, about 100 MB; when there are more, all are forgotten."""

_FORMS = 4096
"""Most forms of one operation that are remembered."""


@dataclass(frozen=True)
class Resolve(Pass):
    """The network that an assignment of all decisions describes, in its simplest form.

    Does the same as ``assign{...},canonicalize,dce``, faster.

    Before, with ``resolve{op=skip}``::

        decision @op : one_of ["conv", "skip"]
        ...
        %0 = conv2d %x {out=8, kernel=1, param="conv"} : f32[8, 32, 32]
        %1 = choice %0, %x by index(@op) : f32[8, 32, 32]
        %2 = relu %1 : f32[8, 32, 32]

    After::

        %0 = relu %x : f32[8, 32, 32]

    Attributes:
        values: decision names to values, as written in assignments; all decisions.
    """

    name: ClassVar[str] = "resolve"
    values: Mapping[str, Any] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        """See `resolve`."""
        result = resolve(module, self.values)
        context.count(self.name, "decisions assigned", len(module.decisions))
        context.count(self.name, "operations removed", len(module) - len(result))
        if context.on_rewrite is not None:
            # what the fast path remembers it does not rewrite again: the pipeline it stands for tells all
            canonicalize(assign(module, self.values), report=context.rewritten)
        return result


def resolve(module: Module, assignment: Mapping[str, object]) -> Module:
    """The network that an assignment of all decisions describes, in its simplest form.

    Means ``assign,canonicalize,dce``. Resolved functions are shared between the modules of one space.

    Args:
        module: a space; a module without decisions is simplified.
        assignment: a value for every decision.

    Raises:
        UserError: when the assignment does not fit, or violates a check of the space.
    """
    values = check_assignment(module.decisions, assignment, partial=False)
    return _resolvers(module).resolve(values)


def dependencies(module: Module) -> dict[str, frozenset[Decision]]:
    """For each function the decisions that it and its callees mention."""
    result: dict[str, frozenset[Decision]] = {}
    for name, function in module.functions.items():
        mentioned = {d for e in function_expressions(function) for d in e.decisions}
        mentioned.update(d for a in function.arguments.values() for e in expressions(a) for d in e.decisions)
        for op in function.calls():
            mentioned |= result[op.attributes["callee"]]
        result[name] = frozenset(mentioned)
    return result


_Positions = Sequence[int]
"""For each decision of the space the position of its value in its domain."""

_Key = Callable[[_Positions], Any]
"""Picks the positions of some decisions."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _Resolved(Reducible):
    """A function with its decisions replaced, simplified; it may hold dead operations.

    Attributes:
        forwards: what its outputs are, for callers.
    """

    forwards: tuple[Forward, ...] = ()


class Resolver:
    """Resolves candidates of one space."""

    def __init__(self, module: Module) -> None:
        """Prepare; the module is kept."""
        self.module = module
        self._plans = _plans(module)
        self._remembered = 0

    def resolve(self, values: Mapping[str, Choice]) -> Module:
        """The network of a checked assignment of all decisions."""
        module = self.module
        positions = [d.index(values[name]) for name, d in module.decisions.items()]
        constraints: tuple[Constraint, ...] = ()
        if module.constraints:
            given = {d: values[name] for name, d in module.decisions.items()}
            constraints = settled(module.constraints, lambda s: substitute(s, given))
        functions = reduced(self._visit(positions))
        return Module(module.name, {f.name: f for f in functions}, {}, constraints)

    def _visit(self, positions: _Positions) -> _Resolved:
        """Resolve the entry after what it calls, with a stack of its own: spaces may nest deep."""
        plans = self._plans
        entry = self.module.entry.name
        done: dict[str, _Resolved] = {}
        live: dict[str, list[_Live]] = {}
        stack = [entry]
        while stack:
            name = stack[-1]
            plan = plans[name]
            key = plan.key(positions)
            known = plan.known.get(key)
            if known is None and name not in live:
                live[name] = steps = plan.live_steps(positions)
                missing = [f for step, _ in steps if (f := step.callee) and f not in done]
                if missing:
                    stack += missing
                    continue
            if known is None:
                known = plan.known[key] = _build(plan, live[name], positions, done)
                self._remembered += len(known.function.operations)
            done[name] = known
            stack.pop()
        if self._remembered > _MEMORY:
            self._plans, self._remembered = _plans(self.module), 0
        return done[entry]


def _plans(module: Module) -> dict[str, _Plan]:
    decisions = list(module.decisions.values())
    mentioned = dependencies(module)
    return {
        name: _Plan(order, function, decisions, mentioned[name])
        for order, (name, function) in enumerate(module.functions.items())
    }


class _Decided(Generic[_T]):
    """Something that depends on some decisions, remembered for each of their values."""

    __slots__ = ("_compute", "_decisions", "_key", "_known")

    def __init__(
        self, decisions: Sequence[Decision], found: Iterable[Expr], compute: Callable[[Indices], _T]
    ) -> None:
        """Prepare.

        Args:
            decisions: those of the space.
            found: expressions that mention those it depends on.
            compute: gives it, from the positions of those that it depends on.
        """
        mentioned = {d for e in found for d in e.decisions}
        self._decisions = [(i, d) for i, d in enumerate(decisions) if d in mentioned] if mentioned else []
        self._key = _picks([i for i, _ in self._decisions])
        self._compute = compute
        self._known: dict[Any, _T] = {}

    def at(self, positions: _Positions) -> _T:
        """What it is in an assignment."""
        key = self._key(positions)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _FORMS:
                self._known.clear()
            found = self._known[key] = self._compute({d: positions[i] for i, d in self._decisions})
        return found


def _picks(places: list[int]) -> _Key:
    return itemgetter(*places) if places else lambda positions: ()


class _Form(NamedTuple):
    """What an operation is when the decisions that it mentions are known.

    Attributes:
        reads: the operands that are left.
        makers: positions of the steps that make these.
        value: the selected alternative of a choice, which stands for it; None for other operations.
        make: makes the operation on operands.
        made: what it has become on the operands seen, simplified.
    """

    reads: tuple[Value, ...]
    makers: tuple[int, ...]
    value: Value | None
    make: Callable[[tuple[Value, ...]], Operation]
    made: dict[tuple[Value, ...], Specialised]


class _Step:
    """An operation of a space.

    Attributes:
        op: the operation.
        callee: what it calls, or an empty text.
        form: what it is when decisions are known.
    """

    __slots__ = ("_places", "callee", "form", "op")

    def __init__(self, op: Operation, places: Mapping[Value, int], decisions: Sequence[Decision]) -> None:
        """Prepare; `places` has the positions of the operations that make its operands."""
        self.op = op
        self.callee: str = op.attributes["callee"] if op.name == "call" else ""
        self._places = places
        shapes = [e for r in op.results for e in expressions(r.type.shape)]
        self.form = _Decided(decisions, [*op.expressions(), *shapes], self._form)

    def _form(self, indices: Indices) -> _Form:
        op = self.op
        attributes = {name: _value(v, indices) for name, v in op.attributes.items()}
        types = tuple([_type(r.type, indices) for r in op.results])
        reads, value = op.operands, None
        if op.name == "choice":
            value = reads[int(attributes["selector"])]
            reads = (value,)
        elif op.presence:
            present = _value(op.presence, indices)
            reads = tuple([v for v, p in zip(op.operands, present, strict=True) if p])

        def make(operands: tuple[Value, ...]) -> Operation:
            if op.presence and not operands:
                return nothing(op, types[0])
            return remade(op, operands, attributes, (), types)

        makers = tuple({self._places[v]: None for v in reads if v in self._places})
        return _Form(reads, makers, value, make, {})


_Live = tuple[_Step, _Form]
"""An operation that the outputs of its function need."""


def _value(scalar: Any, indices: Indices) -> Any:
    """The value of an attribute, which may be a tuple of scalars."""
    if isinstance(scalar, Expr):
        return scalar.at(indices)
    return tuple([_value(s, indices) for s in scalar]) if isinstance(scalar, tuple) else scalar


def _type(type: TensorType, indices: Indices) -> TensorType:
    """A type with its dimensions known."""
    return type if type.static else TensorType(_value(type.shape, indices), type.dtype)


_Head = tuple[tuple[Value, ...], dict[str, Any]]
"""The inputs of a function and the static arguments it was instantiated with."""


class _Plan:
    """A function prepared for resolving, and what it has become in the assignments seen.

    Attributes:
        order: its position in the module.
        function: the function.
        head: its inputs and arguments when decisions are known.
        read: values that something reads.
        key: picks the decisions that it and its callees mention.
        known: what it has become.
    """

    def __init__(
        self, order: int, function: Function, decisions: Sequence[Decision], mentioned: frozenset[Decision]
    ) -> None:
        self.order = order
        self.function = function
        told = [function.arguments.values(), (v.type.shape for v in function.inputs)]
        found = [e for values in told for value in values for e in expressions(value)]
        self.head: _Decided[_Head] = _Decided(decisions, found, self._head)
        self.read = {v for op in function.operations for v in op.operands}.union(function.outputs)
        self.key = _picks([i for i, d in enumerate(decisions) if d in mentioned])
        self.known: dict[Any, _Resolved] = {}
        places: dict[Value, int] = {}
        self._steps: list[_Step] = []
        for place, op in enumerate(function.operations):
            self._steps.append(_Step(op, places, decisions))
            places.update(dict.fromkeys(op.results, place))
        self._outputs = [places[v] for v in function.outputs if v in places]

    def _head(self, indices: Indices) -> _Head:
        function = self.function
        inputs = [
            v if v.type.static else Value(_type(v.type, indices), v.index, v.name) for v in function.inputs
        ]
        return tuple(inputs), {name: _value(v, indices) for name, v in function.arguments.items()}

    def live_steps(self, positions: _Positions) -> list[_Live]:
        """The operations that the outputs need in an assignment, in order, with their forms."""
        steps = self._steps
        found: dict[int, _Form] = {}
        waiting = list(self._outputs)
        while waiting:
            place = waiting.pop()
            if place not in found:
                form = found[place] = steps[place].form.at(positions)
                waiting += form.makers
        return [(steps[place], found[place]) for place in sorted(found)]


def _build(plan: _Plan, live: list[_Live], positions: _Positions, done: Mapping[str, _Resolved]) -> _Resolved:
    function = plan.function
    inputs, arguments = plan.head.at(positions)
    callees = {step.callee: done[step.callee] for step, _ in live if step.callee}
    simplifier = Simplifier({name: c.forwards for name, c in callees.items()}, plan.read)
    values = simplifier.values
    values.update(zip(function.inputs, inputs, strict=True))
    for step, form in live:
        if form.value is not None:
            values[step.op.results[0]] = values.get(form.value, form.value)
            continue
        operands = tuple([values.get(v, v) for v in form.reads])
        new = form.made.get(operands)
        if new is None:
            new = form.made[operands] = RULES.simplified(form.make(operands))
        simplifier.take(step.op, new)
    outputs = tuple([values.get(v, v) for v in function.outputs])
    result = rebuilt(function, inputs, tuple(simplifier.operations), outputs, arguments=arguments)
    return _Resolved(result, plan.order, callees, forwards=forwards_of(result))


_resolvers: ModuleCache[Resolver] = ModuleCache(Resolver)


def decide(module: Module, assignment: Mapping[str, object]) -> Module:
    """The module after ``assign,canonicalize,dce``; decisions that are not assigned stay open.

    Raises:
        UserError: when the assignment does not fit, or violates a check of the space.
    """
    return dce(canonicalize(assign(module, assignment)))
