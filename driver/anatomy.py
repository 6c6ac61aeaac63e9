"""What a resolved network consists of: its parts in order with their prices, for tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drawloom.ir import Function, Module, Operation, TensorType, cost

_SHOWN_ATTRIBUTES = ("kernel", "stride", "dilation", "groups", "out", "axis")
"""Attributes that tell a reader something; the others are left out of tables."""


@dataclass(frozen=True, slots=True)
class Part:
    """One operation or call of a network.

    Attributes:
        path: where it stands, as in the names of its weights; the operation's name where it has none.
        kind: the definition called, or the operation.
        detail: attributes worth reading, such as ``kernel=3 stride=2``.
        output: type of its first result.
        parameters: trainable weights below it.
        multiply_adds: of one sample.
        operations: how many operations are below it; 1 for an operation.
        depth: 0 for parts of the network itself, 1 for parts of what it calls, and so on.
    """

    path: str
    kind: str
    detail: str
    output: TensorType
    parameters: int
    multiply_adds: int
    operations: int
    depth: int = 0


class Prices:
    """Prices of operations and of whole functions, each computed once."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.known: dict[str, tuple[int, int, int]] = {}
        self.open: dict[str, bool] = {}

    def of(self, op: Operation) -> tuple[int, int, int]:
        """Parameters, multiply-adds and number of operations."""
        if op.name == "call":
            return self.function(self.module.function(op.attributes["callee"]))
        price = cost(op)
        return int(price.parameters), int(price.multiply_adds), 1

    def known_of(self, op: Operation) -> tuple[int, int, int] | None:
        """The same, or None where a decision has a say in it."""
        return None if self._open(op) else self.of(op)

    def _open(self, op: Operation) -> bool:
        if op.name == "call":
            return self._open_function(self.module.function(op.attributes["callee"]))
        types = (v.type for v in (*op.operands, *op.results))
        return any(True for _ in op.expressions()) or not all(t.static for t in types)

    def _open_function(self, function: Function) -> bool:
        if function.name not in self.open:
            self.open[function.name] = any(self._open(op) for op in function.operations)
        return self.open[function.name]

    def function(self, function: Function) -> tuple[int, int, int]:
        """The sums over a function and what it calls."""
        if function.name not in self.known:
            prices = [self.of(op) for op in function.operations]
            self.known[function.name] = (
                sum(p[0] for p in prices),
                sum(p[1] for p in prices),
                sum(p[2] for p in prices),
            )
        return self.known[function.name]


def nested_parts(module: Module, levels: int) -> Iterator[Part]:
    """The parts of the network and, below each call, those of what it calls, down to a number of levels."""
    yield from _walk(module, module.entry, "", 0, levels, Prices(module))


def _walk(
    module: Module, function: Function, prefix: str, depth: int, levels: int, prices: Prices
) -> Iterator[Part]:
    for op in function.operations:
        part = _part(module, op, prefix, depth, prices)
        yield part
        if op.name == "call" and depth + 1 < levels:
            inner = ".".join(filter(None, (prefix, op.param)))
            yield from _walk(
                module, module.function(op.attributes["callee"]), inner, depth + 1, levels, prices
            )


def _part(module: Module, op: Operation, prefix: str, depth: int, prices: Prices) -> Part:
    parameters, multiply_adds, operations = prices.of(op)
    kind = module.function(op.attributes["callee"]).definition if op.name == "call" else op.name
    path = ".".join(filter(None, (prefix, op.param or kind)))
    return Part(path, kind, _detail(op), op.results[0].type, parameters, multiply_adds, operations, depth)


def _detail(op: Operation) -> str:
    written = ((name, _compact(op.attributes[name])) for name in _SHOWN_ATTRIBUTES if name in op.attributes)
    return " ".join(f"{name}={text}" for name, text in written if text != _default(op, name))


def _default(op: Operation, name: str) -> str:
    return _compact(op.definition.attribute(name).default)


def _compact(value: object) -> str:
    if isinstance(value, tuple):
        return _compact(value[0]) if len(set(value)) == 1 else "x".join(str(v) for v in value)
    return str(value)
