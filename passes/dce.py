"""The pass ``dce``: removes operations, functions, inputs, outputs and decisions that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from drawloom.ir import Decision, Expr, Function, Module
from drawloom.ir.expression import expressions

from .base import Context, Pass
from .rebuild import rebuilt
from .reduction import Body, Reducible, reduced


@dataclass(frozen=True)
class DeadCode(Pass):
    """Keeps what the network's outputs depend on, through calls.

    An unused result or input of a function keeps nothing alive. A function of which different calls use
    different results is split into one for each set of results in use, named after their positions (with
    ``_`` after it where that name is taken). The inputs of the network stay.

    Before::

        block @b(%x: f32[8], %y: f32[8]) -> f32[8], f32[8] {
          %0 = relu %x : f32[8]
          %1 = tanh %y : f32[8]
          return %0, %1
        }
        network @n(%x: f32[8]) -> f32[8] {
          %0 = sigmoid %x : f32[8]
          %1, %2 = call @b(%x, %0) : f32[8], f32[8]
          return %1
        }

    After::

        block @b.0 of @b(%x: f32[8]) -> f32[8] {
          %0 = relu %x : f32[8]
          return %0
        }
        network @n(%x: f32[8]) -> f32[8] {
          %0 = call @b.0(%x) : f32[8]
          return %0
        }
    """

    name: ClassVar[str] = "dce"

    def run(self, module: Module, context: Context) -> Module:
        """See `dce`."""
        result = dce(module)
        context.count(self.name, "operations removed", len(module) - len(result))
        return result


def dce(module: Module) -> Module:
    """The module without dead operations, functions, inputs, outputs and decisions."""
    known: dict[str, Reducible] = {}
    for order, (name, function) in enumerate(module.functions.items()):
        callees = {callee: known[callee] for op in function.calls() for callee in [op.attributes["callee"]]}
        known[name] = Reducible(Body(function, module.functions), order, callees)
    functions = reduced(known[module.entry.name])
    if len(functions) == len(module.functions) and all(f is module.functions.get(f.name) for f in functions):
        return without_unused_decisions(module)
    return without_unused_decisions(module.with_functions(functions))


def without_unused_decisions(module: Module) -> Module:
    """The module without decisions that no operation, type or constraint mentions.

    Static arguments, which are notes for people, lose the entries that mention such decisions.
    """
    if not module.decisions:
        return module
    used = {d for e in _module_expressions(module) for d in e.decisions}
    if len(used) == len(module.decisions):
        return module
    kept = {name: d for name, d in module.decisions.items() if d in used}
    functions = {name: _without_arguments(f, used) for name, f in module.functions.items()}
    return replace(module, functions=functions, decisions=kept)


def _module_expressions(module: Module) -> Iterator[Expr]:
    for constraint in module.constraints:
        yield from expressions(constraint.condition)
    for function in module.functions.values():
        yield from function_expressions(function)


def function_expressions(function: Function) -> Iterator[Expr]:
    """Every expression in the operations and types of a function, not in its static arguments."""
    for value in function.inputs:
        yield from expressions(value.type.shape)
    for op in function.operations:
        yield from op.expressions()
        for value in op.results:
            yield from expressions(value.type.shape)


def _without_arguments(function: Function, used: set[Decision]) -> Function:
    def mentioned(value: Any) -> bool:
        return all(d in used for e in expressions(value) for d in e.decisions)

    arguments = {name: v for name, v in function.arguments.items() if mentioned(v)}
    if len(arguments) == len(function.arguments):
        return function
    return rebuilt(function, function.inputs, function.operations, function.outputs, arguments=arguments)
