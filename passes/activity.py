"""Which decisions matter in an assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from drawloom.ir import Decision, Expr, Module, check_assignment
from drawloom.ir.expression import expressions

from .liveness import demanded, everything, module_masks, selected

Indices = Mapping[Decision, int]
"""For each decision the position of its value in its domain."""


def active_decisions(module: Module, assignment: Mapping[str, object]) -> frozenset[str]:
    """The names of the decisions on which something depends that is alive in an assignment.

    Alive is what the network's outputs need through selected alternatives and present members, across
    calls. A selector, presence or attribute depends on a decision when, the other decisions that it depends
    on kept as they are, other values of it can change the value: so all inactive decisions together can
    take any values, and the network stays the same. By table; for an expression without one, by its parts.

    Args:
        module: the space.
        assignment: a value for every decision.

    Raises:
        UserError: when the assignment does not fit.
    """
    values = check_assignment(module.decisions, assignment, partial=False)
    indices = {d: d.index(values[d.name]) for d in module.decisions.values()}
    masks = module_masks(module, lambda op: selected(op, indices))
    demands = {module.entry.name: everything(module.entry)}
    found: set[Decision] = set()
    seen: set[Expr] = set()
    for name in reversed(module.functions):
        if name not in demands:
            continue
        for op in module.functions[name].operations:
            needed = demanded(op, masks[name], demands[name])
            if not needed:
                continue
            if op.name == "call":
                callee = op.attributes["callee"]
                demands[callee] = demands.get(callee, 0) | needed
            for expr in op.expressions():
                if expr not in seen:
                    seen.add(expr)
                    found |= depends_on(expr, indices)
    return frozenset(d.name for d in found)


def depends_on(expr: Expr, indices: Indices) -> frozenset[Decision]:
    """Decisions of which the values in an assignment fix the value of an expression: those that matter."""
    if expr.table is not None:
        return _by_table(expr, tuple([indices[d] for d in expr.decisions]))
    return _BY_PARTS.get(expr.operator, _all_parts)(expr, indices)


@lru_cache(maxsize=65536)
def _by_table(expr: Expr, position: tuple[int, ...]) -> frozenset[Decision]:
    """Free one decision after the other while the value cannot change; what cannot be freed matters."""
    table = expr.table
    assert table is not None
    where: list[Any] = list(position)
    value = table[position]
    matter = []
    for axis, decision in enumerate(expr.decisions):
        where[axis] = slice(None)
        if bool(np.all(table[tuple(where)] == value)):
            continue
        where[axis] = position[axis]
        matter.append(decision)
    return frozenset(matter)


def _scalar(scalar: Any, indices: Indices) -> frozenset[Decision]:
    found: frozenset[Decision] = frozenset()
    for expr in expressions(scalar):
        found |= depends_on(expr, indices)
    return found


def _all_parts(expr: Expr, indices: Indices) -> frozenset[Decision]:
    if expr.leaf:
        return frozenset(expr.decisions)
    return _scalar(expr.args, indices)


def _selected_part(expr: Expr, indices: Indices) -> frozenset[Decision]:
    """``where`` and ``select``: the selector and the part it selects."""
    key, *options = expr.args
    value = key.at(indices) if isinstance(key, Expr) else key
    if expr.operator == "where":
        value = 0 if value else 1
    return _scalar(key, indices) | _scalar(options[int(value)], indices)


def _deciding_part(absorbing: bool) -> Callable[[Expr, Indices], frozenset[Decision]]:
    """``and`` and ``or``: one part that decides alone, else all."""

    def depends(expr: Expr, indices: Indices) -> frozenset[Decision]:
        for part in expr.args:
            if isinstance(part, Expr) and bool(part.at(indices)) is absorbing:
                return depends_on(part, indices)
        return _all_parts(expr, indices)

    return depends


_BY_PARTS: dict[str, Callable[[Expr, Indices], frozenset[Decision]]] = {
    "where": _selected_part,
    "select": _selected_part,
    "and": _deciding_part(False),
    "or": _deciding_part(True),
}
