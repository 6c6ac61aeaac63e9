"""A resolved network as one flat list of operations: calls followed, choices taken, no-ops gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from drawloom.backends.weights import join, require_resolved
from drawloom.ir import DType, Function, Module, Operation, UserError, Value
from drawloom.passes import strip_training

Shape = tuple[int, ...]


@dataclass(eq=False, slots=True)
class FlatValue:
    """A tensor of the flat network.

    Attributes:
        shape: without the batch.
        producer: the operation that makes it; None for inputs of the network.
        uses: how often it is read, as an output of the network too.
        zero: known to be all zeros.
        vocabulary: of integers, how many tokens its readers know; None for floats.
    """

    shape: Shape
    producer: FlatOperation | None = None
    uses: int = 0
    zero: bool = False
    vocabulary: int | None = None


@dataclass(eq=False, slots=True)
class FlatOperation:
    """An operation of the flat network.

    Attributes:
        name: of its definition.
        operands: what it reads; only present ones of a list.
        attributes: literals.
        path: full path of its weights.
        result: what it makes.
    """

    name: str
    operands: tuple[FlatValue, ...]
    attributes: dict[str, Any]
    path: str
    result: FlatValue


@dataclass(frozen=True, slots=True)
class FlatNetwork:
    """A network without functions.

    Attributes:
        name: of the network.
        inputs: its inputs.
        operations: those the outputs need, in order.
        outputs: its outputs.
    """

    name: str
    inputs: tuple[FlatValue, ...]
    operations: tuple[FlatOperation, ...]
    outputs: tuple[FlatValue, ...]


def flatten_network(module: Module) -> FlatNetwork:
    """Flatten a resolved module.

    Raises:
        UserError: when decisions are open, or integers are more than tokens of an embedding.
    """
    require_resolved(module)
    module = strip_training(module)
    flattener = _Flattener(module)
    inputs = tuple(_value(v) for v in module.entry.inputs)
    outputs = tuple(flattener.call(module.entry, inputs, ""))
    if any(v.vocabulary is not None for v in outputs):
        raise UserError(f"the tvm backend gives f32 only, and an output of '{module.name}' is of integers")
    operations = _needed(flattener.operations, outputs)
    for op in operations:
        if op.name == "embedding":
            _limit(op.operands[0], op.attributes["vocabulary"])
    for value in (*outputs, *(v for op in operations for v in op.operands)):
        value.uses += 1
    return FlatNetwork(module.name, inputs, operations, outputs)


_ANY_TOKEN = 2**31 - 1
_MOVING = frozenset({"choice", "concat", "flatten", "identity", "reshape", "slice"})
"""Operations that copy elements, whatever these are; integers pass through no others but embeddings."""


def _value(value: Value) -> FlatValue:
    shape = tuple(int(d) for d in value.type.shape)
    return FlatValue(shape, vocabulary=None if value.type.dtype is DType.F32 else _ANY_TOKEN)


def _limit(tokens: FlatValue, vocabulary: int) -> None:
    """Note that whatever a tensor of tokens is copied from is read by an embedding of so many."""
    waiting = [tokens]
    while waiting:
        value = waiting.pop()
        value.vocabulary = min(value.vocabulary or vocabulary, vocabulary)
        if value.producer is not None:
            waiting += value.producer.operands


def _needed(operations: Sequence[FlatOperation], outputs: Sequence[FlatValue]) -> tuple[FlatOperation, ...]:
    alive = set(outputs)
    kept = []
    for op in reversed(operations):
        if op.result in alive:
            alive.update(op.operands)
            kept.append(op)
    return tuple(reversed(kept))


@dataclass
class _Flattener:
    """The operations so far; those without weights are made once, however often they are written."""

    module: Module
    operations: list[FlatOperation] = field(default_factory=list)
    known: dict[tuple[object, ...], FlatValue] = field(default_factory=dict)

    def call(self, function: Function, inputs: Sequence[FlatValue], prefix: str) -> list[FlatValue]:
        """Append a function's operations and return its outputs."""
        known: dict[Value, FlatValue] = dict(zip(function.inputs, inputs, strict=True))
        for op in function.operations:
            operands = _selected(op)
            if any(v not in known for v in operands):
                continue
            read = tuple(known[v] for v in operands)
            if op.name == "call":
                callee = self.module.function(op.attributes["callee"])
                results = self.call(callee, read, join(prefix, op.param or ""))
            else:
                results = [self._append(op, read, prefix)]
            known.update(zip(op.results, results, strict=True))
        return [known[v] for v in function.outputs]

    def _append(self, op: Operation, read: tuple[FlatValue, ...], prefix: str) -> FlatValue:
        result = _value(op.result)
        if result.vocabulary is not None and op.name not in _MOVING:
            raise UserError(f"the tvm backend computes with f32 only, and '{op.name}' gives {op.result.type}")
        same = _SIMPLER[op.name](read, result.shape) if op.name in _SIMPLER else None
        if same is not None:
            return same
        key = (op.name, read, tuple(op.attributes.items()))
        if not op.definition.has_weights and key in self.known:
            return self.known[key]
        result.zero = op.name in ("zeros", "zeros_like")
        if op.name in ("add", "sum") and all(v.zero for v in read):
            result.zero = True
        if op.name == "sum":
            read = tuple(v for v in read if not v.zero) or read[:1]
        result.producer = FlatOperation(
            op.name, read, dict(op.attributes), join(prefix, op.param or ""), result
        )
        self.operations.append(result.producer)
        self.known[key] = result
        return result


def _selected(op: Operation) -> tuple[Value, ...]:
    """The operands that count: the selected one of a choice, the present ones of a list."""
    if op.name == "choice":
        return (op.operands[int(op.attributes["selector"])],)
    return tuple(v for i, v in enumerate(op.operands) if op.present(i))


_Operands = tuple[FlatValue, ...]


def _operand(read: _Operands, shape: Shape) -> FlatValue | None:
    return read[0]


def _only_operand(read: _Operands, shape: Shape) -> FlatValue | None:
    return read[0] if len(read) == 1 else None


def _only_term(read: _Operands, shape: Shape) -> FlatValue | None:
    terms = [v for v in read if not v.zero and v.shape == shape]
    return terms[0] if len(terms) == 1 and all(v.zero for v in read if v is not terms[0]) else None


_SIMPLER: dict[str, Callable[[_Operands, Shape], FlatValue | None]] = {
    "identity": _operand,
    "choice": _operand,
    "concat": _only_operand,
    "sum": _only_term,
    "mean": _only_operand,
    "weighted_sum": _only_operand,
    "add": _only_term,
}
"""For operations that may be one of their operands: that operand, or None."""
