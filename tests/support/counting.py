"""Counts a candidate without passes: walk from the outputs through selected and present operands, and add up.

An oracle that shares nothing with pricing and resolving but the cost formulas of single operations.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from drawloom.ir import Decision, Expr, Function, Module, Operation, cost


def count(module: Module, assignment: Mapping[str, Any]) -> tuple[int, int]:
    """Parameters and multiply-adds of a candidate, everything reachable as built."""
    for constraint in module.constraints:
        if not constraint.filters:
            assert _value(constraint.condition, _indices(module, assignment)), constraint.message
    entry = module.entry
    counter = _Counter(module, _indices(module, assignment))
    weights, multiply_adds, _ = counter.function(entry, frozenset(range(len(entry.outputs))))
    return sum(weights.values()), multiply_adds


def _indices(module: Module, assignment: Mapping[str, Any]) -> dict[Decision, int]:
    return {d: d.index(assignment[name]) for name, d in module.decisions.items()}


def _value(scalar: Any, indices: Mapping[Decision, int]) -> Any:
    return scalar.at(indices) if isinstance(scalar, Expr) else scalar


_cost = lru_cache(maxsize=20_000)(cost)
"""Formulas are the same for all candidates."""

_Weights = dict[str, int]
"""How many parameters live at each path: what is called twice at one path has its weights once."""


class _Counter:
    """Counts each function once for one candidate and each set of its outputs that is read."""

    def __init__(self, module: Module, indices: Mapping[Decision, int]) -> None:
        self.module = module
        self.indices = indices
        self.known: dict[tuple[str, frozenset[int]], tuple[_Weights, int, frozenset[int]]] = {}

    def function(self, function: Function, read: frozenset[int]) -> tuple[_Weights, int, frozenset[int]]:
        """Parameters, multiply-adds, and the inputs that are used, where some of the outputs are read."""
        key = function.name, read
        if key in self.known:
            return self.known[key]
        weights: _Weights = {}
        multiply_adds = 0
        used = {id(function.outputs[i]) for i in read}
        for op in reversed(function.operations):
            results = frozenset(i for i, result in enumerate(op.results) if id(result) in used)
            if not results:
                continue
            w, m, operands = self.operation(op, results)
            prefix = f"{op.param}." if op.param else ""
            weights |= {f"{prefix}{path}": number for path, number in w.items()}
            multiply_adds += m
            used |= {id(op.operands[i]) for i in operands}
        inputs = frozenset(i for i, value in enumerate(function.inputs) if id(value) in used)
        self.known[key] = weights, multiply_adds, inputs
        return self.known[key]

    def operation(self, op: Operation, results: frozenset[int]) -> tuple[_Weights, int, list[int]]:
        """Parameters, multiply-adds, and the positions of the operands it reads."""
        if op.name == "choice":
            return {}, 0, [_value(op.attributes["selector"], self.indices)]
        if op.name == "call":
            callee = self.module.functions[op.attributes["callee"]]
            weights, multiply_adds, used = self.function(callee, results)
            return weights, multiply_adds, sorted(used)
        costs = _cost(op)
        # the head of an auxiliary is for training
        read = 1 if op.name == "auxiliary" else len(op.operands)
        present = [i for i in range(read) if _value(op.present(i), self.indices)]
        own = {"": _value(costs.parameters, self.indices)} if op.definition.has_weights else {}
        return own, _value(costs.multiply_adds, self.indices), present
