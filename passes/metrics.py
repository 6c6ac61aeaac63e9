"""The additive metrics of pricing: what each operation adds to the price of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drawloom.ir import PAPERS, Counting, Operation
from drawloom.ir.counting import activation_bytes, all_weights, parameters


def _looked_into(call: Operation) -> None:
    """What a call adds in most metrics: nothing itself."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A price that is the sum of what the operations of a network cost.

    Attributes:
        cost: the integer scalar that an operation (not a call, not a choice) adds.
        of_weights: whether operations that share one weight path cost it once, together.
        of_call: the integer scalar that a call adds as a whole, or None where it adds what is inside; not
            together with `of_weights`.
        base: what every network costs besides.
    """

    cost: Callable[[Operation], Any]
    of_weights: bool = False
    of_call: Callable[[Operation], Any] = _looked_into
    base: int = 0


def metrics(counting: Counting) -> Mapping[str, Metric]:
    """The metrics that are priced when no others are asked for, as defined by `drawloom.ir.cost`."""
    return {
        "parameters": Metric(parameters, of_weights=True),
        "multiply_adds": Metric(counting.operations),
        "activation_bytes": Metric(activation_bytes),
    }


METRICS: Mapping[str, Metric] = metrics(PAPERS)
"""Those of the counting of papers."""


def _without_batch_norm(op: Operation) -> Any:
    return 0 if "bn" in op.definition.operations(op) else parameters(op)


FURTHER_METRICS: Mapping[str, Metric] = {
    "parameters_without_batch_norm": Metric(_without_batch_norm, of_weights=True),
    "parameters_with_statistics": Metric(all_weights, of_weights=True),
}
"""What some papers call parameters: without scale and shift of batch norms, as if they were folded into
convolutions (MobileNetV2), or with their running statistics (NASNet). Priced when they are asked for."""
