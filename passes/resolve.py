"""The fast path from a space and an assignment to a network: ``assign,canonicalize,dce`` in one sweep.

Each function is visited once for each projection of an assignment on the decisions that it and its callees
mention; the resolved functions are remembered and shared between candidates. In a function, first the
operations are found that its outputs need through selected alternatives and present members; those are
rebuilt in order with decisions replaced, each simplified by the rules of ``canonicalize``; then what became
dead is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

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
from .dce import Pruned, dce, function_expressions, prune
from .liveness import Masks, Needs, demanded, everything, masks_of, needs_of
from .module_cache import ModuleCache
from .rebuild import copied, rebuilt, settled, specialised

Indices = Mapping[Decision, int]
"""For each decision the position of its value in its domain."""

_MEMORY = 200_000
"""Remembered operations of one space, about 100 MB; when there are more, all are forgotten."""


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
        return resolve(module, self.values)


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


_Placed = tuple[int, Function]
"""A function with its position in the module."""


@dataclass(slots=True)
class _Resolved:
    """A function with its decisions replaced, all its outputs in use.

    Attributes:
        function: simplified; may hold dead operations.
        forwards: what its outputs are, for callers.
        masks: which outputs need which values.
        needs: which outputs need which inputs.
        callees: what it calls.
        order: its position in the module.
        parts: what is left of it for the outputs in use, by their mask, with the functions that needs and
            their positions.
    """

    function: Function
    forwards: tuple[Forward, ...]
    masks: Masks
    needs: Needs
    callees: dict[str, _Resolved]
    order: int
    parts: dict[int, tuple[Pruned, tuple[_Placed, ...]]] = field(default_factory=dict)

    def part(self, callee: str, demand: int) -> Pruned:
        """What is left of a function it calls."""
        return self.callees[callee].parts[demand][0]


class Resolver:
    """Resolves candidates of one space."""

    def __init__(self, module: Module) -> None:
        """Prepare; the module is kept."""
        self.module = module
        decisions = list(module.decisions.values())
        mentioned = dependencies(module)
        self._plans = {
            name: _Plan(order, function, [i for i, d in enumerate(decisions) if d in mentioned[name]])
            for order, (name, function) in enumerate(module.functions.items())
        }
        self._remembered = 0

    def resolve(self, values: Mapping[str, Choice]) -> Module:
        """The network of a checked assignment of all decisions."""
        module = self.module
        positions = [d.index(values[name]) for name, d in module.decisions.items()]
        constraints: tuple[Constraint, ...] = ()
        if module.constraints:
            given = {d: values[name] for name, d in module.decisions.items()}
            constraints = settled(module.constraints, lambda s: substitute(s, given))
        entry = self._visit(positions)
        demand = everything(entry.function)
        _reduce(entry, demand)
        # callees stand before their callers, as in the space
        functions = sorted(entry.parts[demand][1], key=itemgetter(0))
        return Module(module.name, {f.name: f for _, f in functions}, {}, constraints)

    def _visit(self, positions: Sequence[int]) -> _Resolved:
        """Resolve the entry after what it calls, with a stack of its own: spaces may nest deep."""
        indices = dict(zip(self.module.decisions.values(), positions, strict=True))
        candidate = _Candidate(_Values(indices), {}, {})
        entry = self.module.entry.name
        stack = [entry]
        while stack:
            name = stack[-1]
            if name not in candidate.done and not self._recall(name, positions, candidate):
                live = candidate.live.get(name)
                if live is None:
                    live = candidate.live[name] = self._plans[name].live_steps(candidate.values)
                missing = [f for s in live if s.callee and (f := s.callee) not in candidate.done]
                missing = [f for f in missing if not self._recall(f, positions, candidate)]
                if missing:
                    stack += missing
                    continue
                self._remember(name, positions, candidate)
            stack.pop()
        return candidate.done[entry]

    def _recall(self, name: str, positions: Sequence[int], candidate: _Candidate) -> bool:
        """Whether a function has been resolved like this before; then the candidate has it."""
        plan = self._plans[name]
        found = plan.known.get(plan.key(positions))
        if found is None:
            return False
        candidate.done[name] = found
        return True

    def _remember(self, name: str, positions: Sequence[int], candidate: _Candidate) -> None:
        plan = self._plans[name]
        resolved = _build(plan, candidate.live[name], candidate)
        self._remembered += len(resolved.function.operations)
        if self._remembered > _MEMORY:
            self._remembered = 0
            for other in self._plans.values():
                other.known.clear()
        plan.known[plan.key(positions)] = candidate.done[name] = resolved


class _Values(dict[Expr, Any]):
    """The values of expressions in one assignment, computed when they are asked for."""

    def __init__(self, indices: Indices) -> None:
        super().__init__()
        self.indices = indices

    def __missing__(self, expr: Expr) -> Any:
        value = self[expr] = expr.at(self.indices)
        return value

    def of(self, scalar: Any) -> Any:
        """The value of an attribute, which may be a tuple of scalars."""
        if isinstance(scalar, Expr):
            return self[scalar]
        if isinstance(scalar, tuple):
            return tuple([self.of(s) for s in scalar])
        return scalar

    def type(self, type: TensorType) -> TensorType:
        """A type with its dimensions known."""
        return type if type.static else TensorType(self.of(type.shape), type.dtype)


@dataclass(slots=True)
class _Candidate:
    """One assignment on its way.

    Attributes:
        values: of the expressions.
        done: resolved functions by name.
        live: for functions under way, what their outputs need.
    """

    values: _Values
    done: dict[str, _Resolved]
    live: dict[str, list[_Step]]


class _Step:
    """An operation with what is known of it before any assignment.

    Attributes:
        place: its position in its function.
        op: the operation.
        callee: what it calls, or an empty text.
        choice: whether it is a choice.
        open: whether attributes, presences or types mention decisions.
        makers: for each operand the step that makes it, None for inputs of the function.
        made: those of the steps that there are, each once.
    """

    __slots__ = ("callee", "choice", "made", "makers", "op", "open", "place")

    def __init__(self, place: int, op: Operation, steps: Mapping[Value, _Step]) -> None:
        self.place = place
        self.op = op
        self.callee: str = op.attributes["callee"] if op.name == "call" else ""
        self.choice = op.name == "choice"
        mentions = any(True for _ in op.expressions()) or not all(r.type.static for r in op.results)
        self.open = bool(op.presence) or mentions
        self.makers = tuple([steps.get(v) for v in op.operands])
        self.made = tuple(dict.fromkeys(s for s in self.makers if s is not None))

    def read(self, values: _Values) -> Sequence[_Step | None]:
        """The steps that make what it reads in an assignment."""
        if self.choice:
            return (self.makers[int(values.of(self.op.attributes["selector"]))],)
        if self.op.presence:
            return [s for s, p in zip(self.makers, self.op.presence, strict=True) if values.of(p)]
        return self.made


class _Plan:
    """A function prepared for resolving, and what it has become in the assignments seen."""

    def __init__(self, order: int, function: Function, where: list[int]) -> None:
        self.order = order
        self.function = function
        self.known: dict[Any, _Resolved] = {}
        self.key: Callable[[Sequence[int]], Any] = itemgetter(*where) if where else _no_key
        steps: dict[Value, _Step] = {}
        for place, op in enumerate(function.operations):
            step = _Step(place, op, steps)
            steps.update(dict.fromkeys(op.results, step))
        self._outputs = [steps.get(v) for v in function.outputs]

    def live_steps(self, values: _Values) -> list[_Step]:
        """The operations that the outputs need in an assignment, in order."""
        found: set[_Step] = set()
        waiting = [s for s in self._outputs if s is not None]
        while waiting:
            step = waiting.pop()
            if step not in found:
                found.add(step)
                waiting += [s for s in step.read(values) if s is not None]
        return sorted(found, key=_place)


_place = attrgetter("place")


def _no_key(positions: Sequence[int]) -> tuple[()]:
    return ()


def _build(plan: _Plan, live: list[_Step], candidate: _Candidate) -> _Resolved:
    function = plan.function
    values = candidate.values
    callees = {s.callee: candidate.done[s.callee] for s in live if s.callee}
    read = {v for s in live for v in s.op.operands}.union(function.outputs)
    simplifier = Simplifier({name: c.forwards for name, c in callees.items()}, read)
    inputs = tuple(
        [v if v.type.static else Value(values.type(v.type), v.index, v.name) for v in function.inputs]
    )
    simplifier.values.update(zip(function.inputs, inputs, strict=True))
    for step in live:
        # operands that are not alive stand for themselves; they are dropped with the choice or the presence
        new = _specialised(step, simplifier.operands(step.op), values)
        if isinstance(new, Value):
            simplifier.values[step.op.results[0]] = new
        else:
            simplifier.visit(step.op, new)
    arguments = {name: values.of(v) for name, v in function.arguments.items()}
    outputs = tuple([simplifier.values.get(v, v) for v in function.outputs])
    result = rebuilt(function, inputs, tuple(simplifier.operations), outputs, arguments=arguments)
    masks = masks_of(result, {name: c.needs for name, c in callees.items()})
    return _Resolved(result, forwards_of(result), masks, needs_of(result, masks), callees, plan.order)


def _specialised(step: _Step, operands: tuple[Value, ...], values: _Values) -> Operation | Value:
    op = step.op
    if step.choice:
        return operands[int(values.of(op.attributes["selector"]))]
    if not step.open:
        return copied(op, operands)
    attributes = {name: values.of(v) for name, v in op.attributes.items()}
    types = [values.type(r.type) for r in op.results]
    return specialised(op, operands, attributes, values.of(op.presence), types)


def _reduce(resolved: _Resolved, demand: int) -> None:
    """Find what is left of a function, and of those it calls, for the outputs in use."""
    stack = [(resolved, demand)]
    while stack:
        current, mask = stack[-1]
        if mask in current.parts:
            stack.pop()
            continue
        calls = [
            (current.callees[op.attributes["callee"]], needed)
            for op in current.function.calls()
            if (needed := demanded(op, current.masks, mask))
        ]
        missing = [(callee, needed) for callee, needed in calls if needed not in callee.parts]
        if missing:
            stack += missing
            continue
        part = prune(current.function, mask, current.masks, current.part)
        functions = dict.fromkeys(f for callee, needed in calls for f in callee.parts[needed][1])
        functions[current.order, part.function] = None
        current.parts[mask] = (part, tuple(functions))
        stack.pop()


_resolvers: ModuleCache[Resolver] = ModuleCache(Resolver)


def decide(module: Module, assignment: Mapping[str, object]) -> Module:
    """The module after ``assign,canonicalize,dce``; decisions that are not assigned stay open.

    Raises:
        UserError: when the assignment does not fit, or violates a check of the space.
    """
    return dce(canonicalize(assign(module, assignment)))
