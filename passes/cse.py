"""The pass ``cse``: merges equal operations of a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from drawloom.ir import Expr, Function, Module, Operation

from .base import Context, Pass
from .rebuild import Rewriter, copied

_COMMUTATIVE = frozenset({"add", "mul"})
"""Operations of which two operands may be swapped without changing a bit of the result."""


@dataclass(frozen=True)
class CommonSubexpressions(Pass):
    """Keeps one of several operations that compute the same from the same operands.

    Operations that own weights, and calls of functions in which some do, have an identity and are never
    merged; nor is what does something in training only: noise is fresh each time, and losses add up.

    Before::

        %0 = max_pool %x {kernel=3, pad=1} : f32[8, 16, 16]
        %1 = max_pool %x {kernel=3, pad=1} : f32[8, 16, 16]
        %2 = add %0, %1 : f32[8, 16, 16]

    After::

        %0 = max_pool %x {kernel=3, pad=1} : f32[8, 16, 16]
        %1 = add %0, %0 : f32[8, 16, 16]
    """

    name: ClassVar[str] = "cse"

    def run(self, module: Module, context: Context) -> Module:
        """See `cse`."""
        result = cse(module)
        context.count(self.name, "operations merged", len(module) - len(result))
        return result


def cse(module: Module) -> Module:
    """The module with equal operations of a function merged; the same object when there are none."""
    unique: set[str] = set()
    functions = []
    for name, function in module.functions.items():
        if any(_unique(op, unique) for op in function.operations):
            unique.add(name)
        functions.append(_merged(function, unique))
    return module.with_functions(functions)


def _unique(op: Operation, unique: set[str]) -> bool:
    """Whether an operation has an identity of its own."""
    if op.name == "call":
        return op.attributes["callee"] in unique
    return op.definition.has_weights or op.definition.training_only


def _merged(function: Function, unique: set[str]) -> Function:
    rewriter = Rewriter()
    known: dict[Any, Operation] = {}
    for op in function.operations:
        new = copied(op, rewriter.operands(op))
        if _unique(op, unique):
            rewriter.place(op, new)
            continue
        first = known.setdefault(_key(new), new)
        if first is new:
            rewriter.place(op, new)
        else:
            rewriter.values.update(zip(op.results, first.results, strict=True))
    return rewriter.finish(function)


def _key(op: Operation) -> Any:
    operands = [id(v) for v in op.operands]
    if op.name in _COMMUTATIVE:
        operands.sort()
    attributes = tuple((name, _exact(v)) for name, v in op.attributes.items() if name != "param")
    return op.name, tuple(operands), attributes, _exact(op.presence)


def _exact(value: Any) -> Any:
    """A hashable form that tells 1, 1.0 and true apart; expressions are interned."""
    if isinstance(value, tuple):
        return tuple(map(_exact, value))
    return id(value) if isinstance(value, Expr) else (type(value), value)
