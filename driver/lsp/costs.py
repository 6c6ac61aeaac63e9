"""What computing a tensor costs, as one line: exact, or a range over the candidates of a space."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drawloom.frontend.inspection import Seen
from drawloom.ir import Decision, Function, Module, Operation, UserError, Value, cost
from drawloom.ir.expression import Expr, expressions
from drawloom.passes import Batch, price, sample, space_size

from ..quantity import count_text, size_text

_CANDIDATES = 512
"""How many candidates are priced where there are more."""

_OPERATIONS = 2_000
"""Largest function whose cost is shown; larger ones would keep the editor waiting."""


def cost_line(seen: Seen) -> str | None:
    """The parameters and multiply-adds of the operation or call that made a tensor; None for other values."""
    made = seen.value.producer if isinstance(seen.value, Value) else None
    if made is None or made.name == "choice":
        return None
    if made.name == "call":
        return _function_cost(seen.functions, made.attributes["callee"])
    own = cost(made)
    return _line(_range(own.parameters), _range(own.multiply_adds))


def _range(scalar: Any) -> tuple[int, int] | None:
    """The smallest and the largest value of a scalar, None when it depends on too many decisions."""
    if not isinstance(scalar, Expr):
        return int(scalar), int(scalar)
    return None if scalar.table is None else (int(scalar.table.min()), int(scalar.table.max()))


def _line(parameters: tuple[int, int] | None, multiply_adds: tuple[int, int] | None) -> str:
    return f"{_text(parameters)} parameters, {_text(multiply_adds)} multiply-adds"


def _text(values: tuple[int, int] | None) -> str:
    if values is None:
        return "a decided number of"
    low, high = values
    return count_text(low) if low == high else f"{count_text(low)} to {count_text(high)}"


def _function_cost(functions: Mapping[str, Function], name: str) -> str | None:
    """What a call of a function costs, with everything that it calls."""
    needed = _reachable(functions, name)
    operations = [op for function in needed.values() for op in function.operations]
    if len(operations) > _OPERATIONS:
        return None
    decisions = {d.name: d for f in needed.values() for d in _decisions(f)}
    module = Module(name, needed, decisions)
    try:
        size = space_size(module)
        batch = sample(module, _CANDIDATES) if size > _CANDIDATES else _all(module)
        prices = price(module, batch)
    except UserError:
        return None
    ends = [(int(column.min()), int(column.max())) for column in (prices.parameters, prices.multiply_adds)]
    drawn = f", in {_CANDIDATES} candidates drawn of {size_text(size)}" if size > _CANDIDATES else ""
    return _line(*ends) + drawn


def _all(module: Module) -> Batch:
    """Every candidate of a small space."""
    domains = [d.domain for d in module.decisions.values()]
    choices = itertools.product(*domains)
    return Batch.of(module, [dict(zip(module.decisions, chosen, strict=True)) for chosen in choices])


def _reachable(functions: Mapping[str, Function], name: str) -> dict[str, Function]:
    """A function and all it calls, callees first."""
    wanted = {name}
    for known in reversed(list(functions.values())):
        if known.name in wanted:
            wanted.update(op.attributes["callee"] for op in known.operations if op.name == "call")
    return {n: f for n, f in functions.items() if n in wanted}


def _decisions(function: Function) -> Iterator[Decision]:
    for op in function.operations:
        for expression in (*op.expressions(), *_in_types(op)):
            yield from expression.decisions
    for value in function.inputs:
        for expression in expressions(value.type.shape):
            yield from expression.decisions


def _in_types(op: Operation) -> Sequence[Expr]:
    return [e for value in op.results for e in expressions(value.type.shape)]
