"""The textual form of the IR. `drawloom.ir.parser` reads it back: ``parse(print(m))`` is ``m`` again.

Example::

    module @tiny {
      decision @kernel : one_of [3, 5]
      decision @edges : subset 2 of ["image", "conv", "skip"]
      require metric(parameters) <= 5000, "too large"

      network @tiny(%image: f32[3, 32, 32]) {classes=10} -> f32[8, 32, 32] {
        %h = conv2d %image {out=8, kernel=@kernel, pad=@kernel // 2, param="conv"} : f32[8, 32, 32]
        %0 = call @block(%h) {param="stage.0"} : f32[8, 32, 32]
        %1 = sum %h if has(@edges, 0), %0 if has(@edges, 1) : f32[8, 32, 32]
        %2 = choice %h, %1 by index(@kernel) : f32[8, 32, 32]
        return %2
      }
    }

* ``#`` begins a comment (``//`` divides).
* Attributes at their defaults are left out; a pair of equal numbers is written as one.
* Values are named after their hints, made unique; others are numbered.
* Functions are named ``kind @name of @definition`` where the two differ.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .decision import Choice, Decision
from .definition import OpDefinition
from .expression import Expr, literal_text, same, scalar_text
from .graph import Constraint, Function, Module, Operation, Value
from .text import FreeNames, string_text, symbol_text
from .types import TensorType

SUBSET_LIMIT = 4096
"""Largest domain of a k-of-n decision."""


def print_module(module: Module) -> str:
    """The text of a module, ending in a newline; the same module always gives the same text."""
    lines = [f"module {symbol_text(module.name)} {{"]
    lines += [f"  {decision_text(d)}" for d in module.decisions.values()]
    lines += [f"  {constraint_text(c)}" for c in module.constraints]
    blank = bool(module.decisions or module.constraints)
    for function in module.functions.values():
        if blank:
            lines.append("")
        blank = True
        lines += [f"  {line}" for line in _function_lines(function)]
    lines.append("}")
    return "\n".join(lines) + "\n"


def print_function(function: Function) -> str:
    """The text of one function, ending in a newline."""
    return "\n".join(_function_lines(function)) + "\n"


def print_operation(operation: Operation, names: Mapping[int, str] | None = None) -> str:
    """One line of text for an operation.

    Args:
        operation: the operation.
        names: names of values by ``id``, as of `value_names`; without them hints are used as they are.
    """
    known = names or {}

    def name(value: Value) -> str:
        return known.get(id(value)) or _hint(value) or f"<{value.index}>"

    return _operation_text(operation, name)


def decision_text(decision: Decision) -> str:
    """The declaration of a decision: ``decision @k : one_of [3, 5]`` or ``... : subset 2 of 4``."""
    head = f"decision {symbol_text(decision.name)} : "
    labels = "[" + ", ".join(map(string_text, decision.labels)) + "]" if decision.labels else ""
    bounds = subset_bounds(decision.domain, len(decision.labels))
    if bounds is not None:
        low, high, n = bounds
        counted = str(low) if low == high else f"{low}..={high}"
        return f"{head}subset {counted} of {labels or n}"
    values = ", ".join(literal_text(v) for v in decision.domain)
    return f"{head}one_of [{values}]" + (f" labels {labels}" if labels else "")


def subset_domain(low: int, high: int, n: int) -> tuple[tuple[int, ...], ...]:
    """All selections of `low` to `high` of `n` positions, smaller ones first, then in lexicographic order."""
    return tuple(
        itertools.chain.from_iterable(itertools.combinations(range(n), k) for k in range(low, high + 1))
    )


def subset_size(low: int, high: int, n: int) -> int:
    """The length of `subset_domain`, without building it; high is at most n."""
    return sum(math.comb(n, k) for k in range(low, high + 1))


def subset_bounds(domain: Sequence[Choice], labels: int = 0) -> tuple[int, int, int] | None:
    """The (low, high, n) whose `subset_domain` a domain is, or None when it is another domain.

    Args:
        domain: values of a decision.
        labels: number of labels, which must be n; 0 when there are none.
    """
    if not all(isinstance(v, tuple) for v in domain) or len(domain) > SUBSET_LIMIT:
        return None
    selections = [v for v in domain if isinstance(v, tuple)]
    low, high = len(selections[0]), len(selections[-1])
    n = 1 + max((p for s in selections for p in s), default=-1)
    if labels not in (0, n) or subset_size(low, high, n) != len(selections):
        return None
    return (low, high, n) if subset_domain(low, high, n) == tuple(selections) else None


def constraint_text(constraint: Constraint) -> str:
    """A constraint: ``require condition, "message"``, or ``check`` for what inference could not settle."""
    keyword = "require" if constraint.filters else "check"
    return f"{keyword} {scalar_text(constraint.condition)}, {string_text(constraint.message)}"


def attribute_text(value: Any) -> str:
    """An attribute or static argument: a scalar, or a list of them in brackets.

    What is neither (a function passed as an argument) is written as a text, for people.
    """
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(attribute_text(v) for v in value) + "]"
    if isinstance(value, (Expr, int, float, str)):
        return scalar_text(value)
    return "none" if value is None else string_text(str(value))


def value_names(function: Function) -> dict[int, str]:
    """The names (without ``%``) that a function's values have in its text, by ``id`` of the value."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    free = FreeNames(taken.__contains__)
    numbers = itertools.count()
    for value in itertools.chain(function.inputs, *(op.results for op in function.operations)):
        hint = _hint(value)
        names[id(value)] = name = free.of(hint) if hint else str(next(numbers))
        taken.add(name)
    return names


def _hint(value: Value) -> str:
    """The hint as a word; empty when there is none or it looks like a number."""
    hint = value.name if value.name.isidentifier() else re.sub(r"\W", "_", value.name)
    return "" if hint.isdecimal() else hint


def _function_lines(function: Function) -> Iterator[str]:
    names = value_names(function)

    def name(value: Value) -> str:
        return names.get(id(value), "<undefined>")

    inputs = ", ".join(f"%{name(v)}: {v.type}" for v in function.inputs)
    head = f"{function.kind} {symbol_text(function.name)}"
    if function.definition != function.name:
        head += f" of {symbol_text(function.definition)}"
    arguments = _braces((k, attribute_text(v)) for k, v in function.arguments.items())
    yield f"{head}({inputs}){arguments} -> {_types(v.type for v in function.outputs)} {{"
    for operation in function.operations:
        yield f"  {_operation_text(operation, name)}"
    yield "  return " + ", ".join(f"%{name(v)}" for v in function.outputs)
    yield "}"


def _types(types: Iterable[TensorType]) -> str:
    return ", ".join(map(str, types))


def _braces(items: Iterable[tuple[str, str]]) -> str:
    text = ", ".join(f"{key if key.isidentifier() else string_text(key)}={value}" for key, value in items)
    return f" {{{text}}}" if text else ""


def _operation_text(op: Operation, name: Any) -> str:
    results = ", ".join(f"%{name(v)}" for v in op.results)
    body = _FORMS.get(op.name, _general_form)(op, name)
    return f"{results} = {body} : {_types(v.type for v in op.results)}"


def _general_form(op: Operation, name: Any) -> str:
    operands = [f"%{name(v)}" for v in op.operands]
    for position, condition in enumerate(op.presence[: len(operands)]):
        if condition is not True:
            operands[position] += f" if {scalar_text(condition)}"
    attributes = _braces(_written_attributes(op.definition, op.attributes))
    return f"{op.name}{' ' * bool(operands)}{', '.join(operands)}{attributes}"


def _call_form(op: Operation, name: Any) -> str:
    operands = ", ".join(f"%{name(v)}" for v in op.operands)
    attributes = _braces(_written_attributes(op.definition, op.attributes, skip="callee"))
    return f"call {symbol_text(op.attributes['callee'])}({operands}){attributes}"


def _choice_form(op: Operation, name: Any) -> str:
    operands = ", ".join(f"%{name(v)}" for v in op.operands)
    return f"choice {operands} by {scalar_text(op.attributes['selector'])}"


_FORMS = {"call": _call_form, "choice": _choice_form}
"""Operations with a form of their own; all others are printed and parsed from their definition."""


def _written_attributes(
    definition: OpDefinition, attributes: Mapping[str, Any], skip: str = ""
) -> Iterator[tuple[str, str]]:
    for attribute in definition.attributes:
        value = attributes.get(attribute.name)
        if attribute.name == skip or value is None:
            continue
        if attribute.kind == "ints" and isinstance(value, tuple) and all(same(v, value[0]) for v in value):
            value = value[0]
        if isinstance(value, (Expr, tuple)) or not same(value, attribute.default):
            yield attribute.name, attribute_text(value)
