"""The depth of every candidate: convolutions and linear layers on the longest path through the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawloom.ir import Expr, Function, Module, Operation, Value
from drawloom.ir.definition import inference_operands
from drawloom.ir.expression import apply, select, where

from .conditions import Conditions

_COUNTED = frozenset({"conv2d", "linear"})

_NONE = -(10**9)
"""Length of a path that does not exist; no sum of real lengths makes up for it."""

Paths = tuple[Any, ...]
"""For each input of a function the length of the longest path from it, a scalar."""


def depth(module: Module) -> Any:
    """The number of ``conv2d`` and ``linear`` on the longest path from an input to an output: a scalar.

    An integer for a resolved network. Paths lead through selected alternatives and present members, as built.
    """
    longest: dict[str, list[Paths]] = {}
    conditions = Conditions()
    for name, function in module.functions.items():
        longest[name] = _Depth(function, longest, conditions).outputs()
    paths = [length for output in longest[module.entry.name] for length in output]
    return conditions.tight(apply("max", 0, *paths))


class _Depth:
    """Max-plus arithmetic over one function; a value's row has one length for each input of the function."""

    def __init__(
        self, function: Function, callees: Mapping[str, Sequence[Paths]], conditions: Conditions
    ) -> None:
        self.function = function
        self.callees = callees
        self.tight = conditions.tight
        self.count = len(function.inputs)
        self.rows: dict[Value, Paths] = {}

    def outputs(self) -> list[Paths]:
        """The longest paths to each output from each input."""
        for position, value in enumerate(self.function.inputs):
            self.rows[value] = tuple([0 if i == position else _NONE for i in range(self.count)])
        for op in self.function.operations:
            if op.name == "call":
                self.call(op)
            elif op.name == "choice":
                self.rows[op.result] = self.choice(op)
            else:
                self.rows.update(dict.fromkeys(op.results, self.after(op)))
        return [self.rows[v] for v in self.function.outputs]

    def call(self, op: Operation) -> None:
        for result, through in zip(op.results, self.callees[op.attributes["callee"]], strict=True):
            self.rows[result] = tuple(
                [
                    self.longest(
                        [_plus(self.rows[v][i], t) for v, t in zip(op.operands, through, strict=True)]
                    )
                    for i in range(self.count)
                ]
            )

    def choice(self, op: Operation) -> Paths:
        selector = op.attributes["selector"]
        options = [self.rows[v] for v in op.operands]
        return tuple([self.tight(select(selector, [o[i] for o in options])) for i in range(self.count)])

    def after(self, op: Operation) -> Paths:
        own = int(op.name in _COUNTED)
        return tuple(
            [
                _plus(self.longest([self.member(op, p, i) for p in range(len(inference_operands(op)))]), own)
                for i in range(self.count)
            ]
        )

    def member(self, op: Operation, position: int, i: int) -> Any:
        length, present = self.rows[op.operands[position]][i], op.present(position)
        return length if _never(length) else self.tight(where(present, length, _NONE))

    def longest(self, lengths: Sequence[Any]) -> Any:
        real = list(dict.fromkeys(length for length in lengths if not _never(length)))
        if not real:
            return _NONE
        return real[0] if len(real) == 1 else self.tight(apply("max", *real))


def _never(length: Any) -> bool:
    """Whether a path is known not to exist."""
    return not isinstance(length, Expr) and length < 0


def _plus(a: Any, b: Any) -> Any:
    return _NONE if _never(a) or _never(b) else a + b
