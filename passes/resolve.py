"""The fast path from a space and an assignment to a network: ``assign,canonicalize,dce`` in one sweep.

Each function is visited once for each projection of an assignment on the decisions that it and its callees
mention. First the operations are found that its outputs need through selected alternatives and present
members (`drawloom.passes.skeleton`); those are rebuilt in order with decisions replaced, each simplified by
the rules of ``canonicalize`` (`drawloom.passes.plan`); then what became dead is removed
(`drawloom.passes.reduction`). Resolved functions that may come back are remembered and shared between
candidates, and so are the operations in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from drawloom.ir import Choice, Constraint, Decision, Module, check_assignment, substitute
from drawloom.ir.expression import expressions

from .assign import assign
from .base import Context, Pass
from .canonicalize import canonicalize
from .dce import dce, function_expressions
from .decided import Positions
from .module_cache import ModuleCache
from .plan import Plan, Resolved
from .rebuild import settled
from .reduction import reduced
from .skeleton import Skeleton, skeleton_key

_MEMORY = 200_000
"""Operations built for one space, about 100 MB if all of them are remembered; then all are forgotten."""


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


class Resolver:
    """Resolves candidates of one space."""

    def __init__(self, module: Module) -> None:
        """Prepare; the module is kept."""
        self.module = module
        self._plans = _plans(module)
        self._built = 0

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

    def _visit(self, positions: Positions) -> Resolved:
        """Resolve the entry after what it calls, with a stack of its own: spaces may nest deep."""
        plans = self._plans
        entry = self.module.entry.name
        done: dict[str, Resolved] = {}
        called: dict[str, list[str]] = {}
        stack = [entry]
        while stack:
            name = stack[-1]
            plan = plans[name]
            key = plan.key(positions)
            known = plan.known.get(key)
            if known is None and name not in called:
                called[name] = plan.callees(positions)
                missing = [callee for callee in called[name] if callee not in done]
                if missing:
                    stack += missing
                    continue
            if known is None:
                callees = {callee: done[callee] for callee in called[name]}
                known = plan.resolved(positions, callees)
                if plan.returning(key):
                    plan.known[key] = known
                self._built += len(known.body.function.operations)
            done[name] = known
            stack.pop()
        if self._built > _MEMORY:
            self._plans, self._built = _plans(self.module), 0
        return done[entry]


def _plans(module: Module) -> dict[str, Plan]:
    decisions = list(module.decisions.values())
    own, mentioned = dependencies(module)
    skeletons: dict[Any, Skeleton] = {}
    plans = {}
    for order, (name, function) in enumerate(module.functions.items()):
        key = skeleton_key(function)
        if key not in skeletons:
            skeletons[key] = Skeleton(function, decisions)
        plans[name] = Plan(
            order, function, module.functions, skeletons[key], decisions, own[name], mentioned[name]
        )
    return plans


def dependencies(module: Module) -> tuple[dict[str, frozenset[Decision]], dict[str, frozenset[Decision]]]:
    """For each function the decisions that it mentions, and those that it and its callees mention."""
    own: dict[str, frozenset[Decision]] = {}
    all_: dict[str, frozenset[Decision]] = {}
    for name, function in module.functions.items():
        mentioned = {d for e in function_expressions(function) for d in e.decisions}
        mentioned.update(d for a in function.arguments.values() for e in expressions(a) for d in e.decisions)
        own[name] = frozenset(mentioned)
        all_[name] = own[name].union(*(all_[op.attributes["callee"]] for op in function.calls()))
    return own, all_


_resolvers: ModuleCache[Resolver] = ModuleCache(Resolver)


def decide(module: Module, assignment: Mapping[str, object]) -> Module:
    """The module after ``assign,canonicalize,dce``; decisions that are not assigned stay open.

    Raises:
        UserError: when the assignment does not fit, or violates a check of the space.
    """
    return dce(canonicalize(assign(module, assignment)))
