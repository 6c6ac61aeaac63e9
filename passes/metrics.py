"""The additive metrics of pricing: what each operation adds to the price of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Operation
from drawloom.ir.definition import activation_bytes
from drawloom.ir.expression import total


@dataclass(frozen=True, slots=True)
class Metric:
    """A price that is the sum of what the operations of a network cost.

    Attributes:
        cost: the integer scalar that an operation (not a call, not a choice) adds.
        of_weights: whether operations that share one weight path cost it once, together.
    """

    cost: Callable[[Operation], Any]
    of_weights: bool = False


def _parameters(op: Operation) -> Any:
    weights = op.definition.weights(op).values() if op.definition.has_weights else ()
    return total(w.type.elements for w in weights if w.trainable)


def _multiply_adds(op: Operation) -> Any:
    return op.definition.multiply_adds(op)


METRICS: Mapping[str, Metric] = {
    "parameters": Metric(_parameters, of_weights=True),
    "multiply_adds": Metric(_multiply_adds),
    "activation_bytes": Metric(activation_bytes),
}
"""The metrics that are priced when no others are asked for, as defined by `drawloom.ir.cost`."""
