"""The steps of an epilogue on vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tvm import tirx

from .functions import activated
from .loops import Index, Loops, Node
from .workload import Epilogue, Workload

_BINARY: dict[str, Callable[[Node, Node], Node]] = {
    "add": tirx.Add,
    "sub": tirx.Sub,
    "mul": tirx.Mul,
    "div": tirx.Div,
    "maximum": tirx.Max,
    "minimum": tirx.Min,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vector of results lies.

    Attributes:
        element: offset of its first element in the result.
        sample: number of its image in the batch.
        channel: its first channel.
    """

    element: Index
    sample: Index
    channel: Index


@dataclass(frozen=True, slots=True)
class EpilogueCode:
    """Emits the steps of an epilogue.

    Attributes:
        steps: what to apply.
        operands: one buffer for each binary step.
        channels: channels of the result.
    """

    steps: Epilogue
    operands: tuple[Node, ...]
    channels: int

    @staticmethod
    def declare(b: Loops, workload: Workload) -> EpilogueCode:
        """Declare the operands of a workload's epilogue as parameters."""
        n, h, w, c = workload.output
        sizes = {"full": n * h * w * c, "gate": n * c, "channel": c}
        operands = tuple(
            b.parameter(f"e{i}", sizes[s.reach])
            for i, s in enumerate(workload.operands)
            if s.reach is not None
        )
        return EpilogueCode(workload.steps, operands, c)

    def apply(self, b: Loops, value: Node, place: Place, lanes: int, skip: int = 0) -> Node:
        """The value after all steps but the first `skip`, which the caller has done itself."""
        operands = iter(self.operands)
        for position, step in enumerate(self.steps):
            if step.reach is None:
                value = activated(b, step.kind, value, lanes)
                continue
            buffer = next(operands)
            if position < skip:
                continue
            value = _BINARY[step.kind](value, b.load(buffer, self._offset(step.reach, place), lanes))
        return value

    def _offset(self, reach: str, place: Place) -> Index:
        if reach == "full":
            return place.element
        if reach == "gate":
            return place.sample * self.channels + place.channel
        return place.channel
