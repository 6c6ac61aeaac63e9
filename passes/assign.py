"""The pass ``assign``: gives decisions their values and folds what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from drawloom.ir import (
    Choice,
    Decision,
    Expr,
    Function,
    InferenceError,
    Module,
    Operation,
    TensorType,
    Value,
    check_assignment,
    make_operation,
    substitute,
    value_of,
)

from .base import Context, Pass
from .dce import dce
from .rebuild import Rewriter, rebuilt, settled, specialised


@dataclass(frozen=True)
class Assign(Pass):
    """Substitutes decisions by values; decisions that are not named stay open.

    Before, with ``assign{k=5,op=skip}``::

        decision @k : one_of [3, 5]
        decision @op : one_of ["conv", "skip"]
        ...
        %0 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]
        %1 = choice %0, %x by index(@op) : f32[8, 32, 32]
        return %1

    After::

        %0 = conv2d %x {out=8, kernel=5, pad=2, param="conv"} : f32[8, 32, 32]
        return %x

    Attributes:
        values: decision names to values, as written in assignments.
    """

    name: ClassVar[str] = "assign"
    values: Mapping[str, Any] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        """See `assign`."""
        result = assign(module, self.values)
        context.count(self.name, "decisions assigned", len(module.decisions) - len(result.decisions))
        return result


def assign(module: Module, assignment: Mapping[str, object]) -> Module:
    """The module with some decisions replaced by their values.

    Choices whose selector becomes known are folded, absent list members dropped; nothing else is simplified.
    Dead operations stay, unless one of them has no type any more, such as the addition of a residual
    connection around a block that now changes the width: then all dead code goes.

    Args:
        module: any module.
        assignment: values of some or all of its decisions.

    Raises:
        UserError: on an unknown decision, a value outside its domain, or a violated check of the space.
    """
    values = check_assignment(module.decisions, assignment, partial=True)
    if not values:
        return module
    return replaced(module, {module.decisions[n]: v for n, v in values.items()})


def replaced(module: Module, given: Mapping[Decision, Choice | Decision]) -> Module:
    """The module with some decisions replaced by values of theirs, or by decisions with fewer values.

    Args:
        module: any module.
        given: for decisions of the module a value of the domain, or another decision with the same name.

    Raises:
        UserError: when a check of the space is violated.
    """
    values = {d: value_of(v) if isinstance(v, Decision) else v for d, v in given.items()}
    # not those in expressions, which all modules share: their places may be in the text of another
    left = {name: given.get(d, d) for name, d in module.decisions.items()}
    result = replace(
        module,
        functions={name: replaced_function(f, values) for name, f in module.functions.items()},
        decisions={name: d for name, d in left.items() if isinstance(d, Decision)},
        constraints=settled(module.constraints, lambda s: substitute(s, values)),
    )
    changed = (f for name, f in result.functions.items() if f is not module.functions[name])
    return result if all(_typed(op) for f in changed for op in f.operations) else dce(result)


def _typed(op: Operation) -> bool:
    """Whether the operands of an operation still fit together; what is called is looked at by itself."""
    if op.name == "call":
        return True
    try:
        make_operation(op.definition, op.operands, op.attributes, presence=op.presence)
    except InferenceError:
        return False
    return True


def replaced_function(function: Function, given: Mapping[Decision, Choice | Expr]) -> Function:
    """A function with some decisions replaced, what it calls left as it is; see `replaced`."""
    rewriter = Rewriter()
    inputs = tuple([_input(v, given) for v in function.inputs])
    changed = any(a is not b for a, b in zip(inputs, function.inputs, strict=True))
    if changed:
        rewriter.values.update(zip(function.inputs, inputs, strict=True))
    for op in function.operations:
        attributes = {name: substitute(v, given) for name, v in op.attributes.items()}
        presence = substitute(op.presence, given)
        types = [r.type.substitute(given) for r in op.results]
        if _unchanged(attributes, op.attributes) and presence == op.presence and _kept(types, op.results):
            rewriter.keep(op)
        else:
            rewriter.place(op, specialised(op, rewriter.operands(op), attributes, presence, types))
    arguments = {name: substitute(v, given) for name, v in function.arguments.items()}
    result = rewriter.finish(function, inputs if changed else None)
    if _unchanged(arguments, function.arguments):
        return result
    return rebuilt(result, result.inputs, result.operations, result.outputs, arguments=arguments)


def _input(value: Value, given: Mapping[Decision, Choice | Expr]) -> Value:
    type = value.type.substitute(given)
    return value if type == value.type else Value(type, value.index, value.name)


def _unchanged(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    return all(new[name] == value for name, value in old.items())


def _kept(types: list[TensorType], results: tuple[Value, ...]) -> bool:
    return all(t == r.type for t, r in zip(types, results, strict=True))
