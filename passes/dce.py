"""The pass ``dce``: removes operations, functions, inputs, outputs and decisions that nothing reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from drawloom.ir import Decision, Expr, Function, Module, Operation, Value
from drawloom.ir.expression import expressions

from .base import Context, Pass
from .liveness import Masks, bits, demanded, everything, module_masks
from .rebuild import copied, rebuilt


@dataclass(frozen=True)
class DeadCode(Pass):
    """Keeps what the network's outputs depend on, through calls.

    An unused result or input of a function keeps nothing alive. A function of which different calls use
    different results is split into one for each set of results in use, named after their positions. The
    inputs of the network stay.

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
    masks = module_masks(module)
    demands = _demands(module, masks)
    variants: dict[tuple[str, int], Pruned] = {}
    for name, function in module.functions.items():
        for demand in demands.get(name, ()):
            variants[name, demand] = prune(function, demand, masks[name], lambda f, d: variants[f, d])
    functions = [v.function for v in variants.values()]
    if len(functions) == len(module.functions) and all(f is module.functions.get(f.name) for f in functions):
        return without_unused_decisions(module)
    return without_unused_decisions(module.with_functions(functions))


def _demands(module: Module, masks: dict[str, Masks]) -> dict[str, dict[int, None]]:
    """For every function that is called, the sets of its outputs that calls need."""
    demands: dict[str, dict[int, None]] = {module.entry.name: {everything(module.entry): None}}
    for name in reversed(module.functions):
        for demand in demands.get(name, ()):
            for op in module.functions[name].calls():
                needed = demanded(op, masks[name], demand)
                if needed:
                    demands.setdefault(op.attributes["callee"], {})[needed] = None
    return demands


@dataclass(frozen=True, slots=True)
class Pruned:
    """A function reduced to some of its outputs.

    Attributes:
        function: with only the operations that these need.
        inputs: positions of the inputs that are left.
        outputs: positions of the outputs that are left.
    """

    function: Function
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def prune(function: Function, demand: int, masks: Masks, callee: Callable[[str, int], Pruned]) -> Pruned:
    """Reduce a function to the outputs of a mask; the function itself when nothing goes.

    Args:
        function: the function.
        demand: mask of the outputs in use, not empty.
        masks: of the function; see `masks_of`.
        callee: gives the reduced form of a function it calls, by name and demand.
    """
    if demand == everything(function) and _whole(function, masks, callee):
        return Pruned(function, tuple(range(len(function.inputs))), bits(demand))
    network = function.kind == "network"
    inputs = tuple([i for i, v in enumerate(function.inputs) if network or masks.get(v, 0) & demand])
    values: dict[Value, Value] = {}
    for position, old in enumerate(inputs):
        value = function.inputs[old]
        values[value] = value if old == position else Value(value.type, position, value.name)
    operations = []
    for op in function.operations:
        needed = demanded(op, masks, demand)
        if not needed:
            continue
        if op.definition.name == "call":
            new = _pruned_call(
                op, [values.get(v) for v in op.operands], callee(op.attributes["callee"], needed)
            )
            kept = bits(needed)
        else:
            new, kept = copied(op, tuple([values[v] for v in op.operands])), tuple(range(len(op.results)))
        values.update(zip([op.results[i] for i in kept], new.results, strict=True))
        operations.append(new)
    outputs = bits(demand)
    new_inputs = tuple([values[function.inputs[i]] for i in inputs])
    new_outputs = tuple([values[function.outputs[i]] for i in outputs])
    name = function.name if demand == everything(function) else _part_name(function, outputs)
    return Pruned(rebuilt(function, new_inputs, tuple(operations), new_outputs, name=name), inputs, outputs)


def _whole(function: Function, masks: Masks, callee: Callable[[str, int], Pruned]) -> bool:
    """Whether nothing in a function is dead, nor in what it calls."""
    if function.kind != "network" and not all(v in masks for v in function.inputs):
        return False
    for op in function.operations:
        for result in op.results:
            if result not in masks:
                return False
        if op.definition.name == "call":
            part = callee(op.attributes["callee"], (1 << len(op.results)) - 1)
            if part.function.name != op.attributes["callee"] or len(part.inputs) != len(op.operands):
                return False
    return True


def _part_name(function: Function, outputs: tuple[int, ...]) -> str:
    return f"{function.name}.{'_'.join(map(str, outputs))}"


def _pruned_call(op: Operation, operands: list[Value | None], callee: Pruned) -> Operation:
    """A call of what is left of its callee; operands that are dead are None."""
    kept = tuple([v for i in callee.inputs if (v := operands[i]) is not None])
    if callee.function.name == op.attributes["callee"] and len(kept) == len(operands):
        return copied(op, kept)
    attributes = {**op.attributes, "callee": callee.function.name}
    results = [op.results[i] for i in callee.outputs]
    names = tuple([r.name for r in results])
    return Operation(op.definition, kept, attributes, [r.type for r in results], (), op.span, names)


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
