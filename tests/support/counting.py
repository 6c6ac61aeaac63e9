"""Counts a candidate without passes: walk from the outputs through selected and present operands, and add up.

An oracle that shares nothing with pricing and resolving but the cost formulas of single operations.
"""

from collections.abc import Mapping
from typing import Any

from drawloom.ir import Decision, Expr, Function, Module, Operation, cost


def count(module: Module, assignment: Mapping[str, Any]) -> tuple[int, int]:
    """Parameters and multiply-adds of a candidate, everything reachable as built."""
    for constraint in module.constraints:
        if not constraint.filters:
            assert _value(constraint.condition, _indices(module, assignment)), constraint.message
    weights, multiply_adds, _ = _Counter(module, _indices(module, assignment)).function(module.entry)
    return sum(weights.values()), multiply_adds


def _indices(module: Module, assignment: Mapping[str, Any]) -> dict[Decision, int]:
    return {d: d.index(assignment[name]) for name, d in module.decisions.items()}


def _value(scalar: Any, indices: Mapping[Decision, int]) -> Any:
    return scalar.at(indices) if isinstance(scalar, Expr) else scalar


_Weights = dict[str, int]
"""How many parameters live at each path: what is called twice at one path has its weights once."""


class _Counter:
    """Counts each function once for one candidate."""

    def __init__(self, module: Module, indices: Mapping[Decision, int]) -> None:
        self.module = module
        self.indices = indices
        self.known: dict[str, tuple[_Weights, int, frozenset[int]]] = {}

    def function(self, function: Function) -> tuple[_Weights, int, frozenset[int]]:
        """Parameters, multiply-adds, and the inputs that are used."""
        if function.name in self.known:
            return self.known[function.name]
        weights: _Weights = {}
        multiply_adds = 0
        used: set[int] = set()
        seen: set[int] = set()
        waiting = list(function.outputs)
        while waiting:
            value = waiting.pop()
            if value.producer is None:
                used.add(value.index)
            elif id(value.producer) not in seen:
                seen.add(id(value.producer))
                w, m, operands = self.operation(value.producer)
                prefix = f"{value.producer.param}." if value.producer.param else ""
                weights |= {f"{prefix}{path}": number for path, number in w.items()}
                multiply_adds += m
                waiting += [value.producer.operands[i] for i in operands]
        self.known[function.name] = weights, multiply_adds, frozenset(used)
        return self.known[function.name]

    def operation(self, op: Operation) -> tuple[_Weights, int, list[int]]:
        """Parameters, multiply-adds, and the positions of the operands it reads."""
        if op.name == "choice":
            return {}, 0, [_value(op.attributes["selector"], self.indices)]
        if op.name == "call":
            weights, multiply_adds, used = self.function(self.module.functions[op.attributes["callee"]])
            return weights, multiply_adds, sorted(used)
        costs = cost(op)
        # the head of an auxiliary is for training
        read = 1 if op.name == "auxiliary" else len(op.operands)
        present = [i for i in range(read) if _value(op.present(i), self.indices)]
        own = {"": _value(costs.parameters, self.indices)} if op.definition.has_weights else {}
        return own, _value(costs.multiply_adds, self.indices), present
