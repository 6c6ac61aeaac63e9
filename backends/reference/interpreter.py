"""Interprets modules with the NumPy references of their operations, following calls and choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drawloom.backends.weights import Array, join, require_resolved
from drawloom.ir import (
    Decision,
    Function,
    Module,
    Operation,
    UserError,
    Value,
    check_assignment,
    substitute,
)
from drawloom.ir.definition import inference_operands


def run(
    module: Module,
    weights: Mapping[str, Array],
    inputs: Sequence[Array],
    assignment: Mapping[str, object] | None = None,
) -> list[Array]:
    """Run a network on a batch, as for inference.

    Args:
        module: a resolved module, or a search space with an assignment.
        weights: by full name, those of the network (more are allowed).
        inputs: one array an input of the network, batch first. Element types are kept: float64 weights and
            inputs give float64 results.
        assignment: values of all decisions of a space.

    Returns:
        One array an output, batch first.

    Raises:
        UserError: when decisions are open, inputs do not fit or a weight is missing.
    """
    if assignment is None:
        require_resolved(module)
    chosen = check_assignment(module.decisions, assignment or {}, partial=False)
    values: dict[Decision, Any] = {module.decisions[name]: value for name, value in chosen.items()}
    _check_inputs(module, inputs, values)
    return _Interpreter(module, weights, values, len(inputs[0])).call(module.entry, list(inputs), "")


def _check_inputs(module: Module, inputs: Sequence[Array], values: Mapping[Decision, Any]) -> None:
    expected = [v.type.substitute(values) for v in module.entry.inputs]
    shapes = [x.shape[1:] for x in inputs]
    if shapes != [t.shape for t in expected] or len({len(x) for x in inputs}) != 1:
        raise UserError(
            f"'{module.name}' takes batches of {', '.join(map(str, expected))}",
            f"got shapes {', '.join(str(x.shape) for x in inputs)}",
        )


@dataclass
class _Interpreter:
    """One run of a module: its weights, the values of its decisions and the size of the batch."""

    module: Module
    weights: Mapping[str, Array]
    values: Mapping[Decision, Any]
    batch: int

    def call(self, function: Function, inputs: Sequence[Array], prefix: str) -> list[Array]:
        """The outputs of a function whose weights live below `prefix`."""
        known: dict[Value, Array] = dict(zip(function.inputs, inputs, strict=True))
        for op, read in self._live(function):
            operands = [known[v] for v in read]
            if op.name == "call":
                callee = self.module.function(op.attributes["callee"])
                results: Sequence[Array] = self.call(callee, operands, join(prefix, op.attributes["param"]))
            else:
                results = self._apply(op, operands, prefix)
            known.update(zip(op.results, results, strict=True))
        return [known[v] for v in function.outputs]

    def _live(self, function: Function) -> Iterator[tuple[Operation, tuple[Value, ...]]]:
        """The operations that the outputs depend on, in order, each with the operands it reads."""
        needed = set(function.outputs)
        live: list[tuple[Operation, tuple[Value, ...]]] = []
        for op in reversed(function.operations):
            if needed.isdisjoint(op.results):
                continue
            read = self._read(op)
            needed.update(read)
            live.append((op, read))
        return reversed(live)

    def _read(self, op: Operation) -> tuple[Value, ...]:
        """The selected operand of a choice, the present ones of a list, what others need for inference."""
        if op.name == "choice":
            return (op.operands[substitute(op.attributes["selector"], self.values)],)
        operands = inference_operands(op)
        presence = substitute(op.presence, self.values) or (True,) * len(operands)
        return tuple(v for v, present in zip(operands, presence, strict=True) if present)

    def _apply(self, op: Operation, operands: list[Array], prefix: str) -> Sequence[Array]:
        if op.name == "choice":
            return operands
        decided = self._decided(op, self._read(op))
        path = join(prefix, op.param or "")
        weights = {name: self._weight(join(path, name)) for name in op.definition.weights(decided)}
        results = op.definition.reference(decided, operands, weights)
        # what is computed from nothing comes for one sample
        return [r if operands else np.broadcast_to(r, (self.batch, *r.shape[1:])) for r in results]

    def _decided(self, op: Operation, read: tuple[Value, ...]) -> Operation:
        """The operation with decided attributes and types on what it reads; itself when nothing is open."""
        if not self.values:
            return op
        return Operation(
            op.definition,
            tuple(Value(v.type.substitute(self.values), v.index, v.name) for v in read),
            {name: substitute(value, self.values) for name, value in op.attributes.items()},
            [r.type.substitute(self.values) for r in op.results],
            span=op.span,
        )

    def _weight(self, name: str) -> Array:
        if name not in self.weights:
            raise UserError(f"the weights have no '{name}'", f"'{self.module.name}' needs it")
        return self.weights[name]
