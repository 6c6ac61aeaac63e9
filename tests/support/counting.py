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
    return _Counter(module, _indices(module, assignment)).function(module.entry)[:2]


def _indices(module: Module, assignment: Mapping[str, Any]) -> dict[Decision, int]:
    return {d: d.index(assignment[name]) for name, d in module.decisions.items()}


def _value(scalar: Any, indices: Mapping[Decision, int]) -> Any:
    return scalar.at(indices) if isinstance(scalar, Expr) else scalar


class _Counter:
    """Counts each function once for one candidate."""

    def __init__(self, module: Module, indices: Mapping[Decision, int]) -> None:
        self.module = module
        self.indices = indices
        self.known: dict[str, tuple[int, int, frozenset[int]]] = {}

    def function(self, function: Function) -> tuple[int, int, frozenset[int]]:
        """Parameters, multiply-adds, and the inputs that are used."""
        if function.name in self.known:
            return self.known[function.name]
        parameters = multiply_adds = 0
        used: set[int] = set()
        seen: set[int] = set()
        waiting = list(function.outputs)
        while waiting:
            value = waiting.pop()
            if value.producer is None:
                used.add(value.index)
            elif id(value.producer) not in seen:
                seen.add(id(value.producer))
                p, m, operands = self.operation(value.producer)
                parameters, multiply_adds = parameters + p, multiply_adds + m
                waiting += [value.producer.operands[i] for i in operands]
        self.known[function.name] = parameters, multiply_adds, frozenset(used)
        return self.known[function.name]

    def operation(self, op: Operation) -> tuple[int, int, list[int]]:
        """Parameters, multiply-adds, and the positions of the operands it reads."""
        if op.name == "choice":
            return 0, 0, [_value(op.attributes["selector"], self.indices)]
        if op.name == "call":
            parameters, multiply_adds, used = self.function(self.module.functions[op.attributes["callee"]])
            return parameters, multiply_adds, sorted(used)
        costs = cost(op)
        # the head of an auxiliary is for training
        read = 1 if op.name == "auxiliary" else len(op.operands)
        present = [i for i in range(read) if _value(op.present(i), self.indices)]
        return _value(costs.parameters, self.indices), _value(costs.multiply_adds, self.indices), present
