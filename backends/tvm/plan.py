"""What a compiled network does at run time: kernel calls over buffers, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

from .parameters import ParameterArray
from .tiles import LINE
from .workload import Workload

Shape = tuple[int, ...]


@dataclass(eq=False, slots=True)
class Buffer:
    """A piece of memory.

    Attributes:
        elements: floats, of the whole batch.
        role: ``input`` and ``output`` buffers belong to the caller.
        position: which input or output.
    """

    elements: int
    role: Literal["scratch", "input", "output"] = "scratch"
    position: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value as it lies in memory: images channels-last, everything else in row-major order.

    Attributes:
        buffer: where.
        shape: without the batch.
        planar: an image that is stored channels-first (an input of the network).
        image: for a flattened image that is still stored channels-last, its shape (C, H, W).
    """

    buffer: Buffer
    shape: Shape
    planar: bool = False
    image: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class KernelCall:
    """One call of a kernel.

    Attributes:
        workload: the kernel.
        reads: its arguments but the last, in order.
        writes: its last argument.
    """

    workload: Workload
    reads: tuple[Buffer | ParameterArray, ...]
    writes: Buffer

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """Every buffer it touches."""
        return (*(r for r in self.reads if isinstance(r, Buffer)), self.writes)


@dataclass(frozen=True)
class Plan:
    """A network as kernel calls.

    Attributes:
        name: of the network.
        batch: samples computed at once.
        inputs, outputs: shapes with the batch, channels-first, as the caller sees them.
        vocabularies: for each input of tokens, how many there are; None for one of floats.
        calls: in order.
    """

    name: str
    batch: int
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    vocabularies: tuple[int | None, ...]
    calls: tuple[KernelCall, ...]

    @property
    def workloads(self) -> dict[Workload, int]:
        """The distinct kernels, with the number of calls of each."""
        counts: dict[Workload, int] = {}
        for call in self.calls:
            counts[call.workload] = counts.get(call.workload, 0) + 1
        return counts

    @property
    def parameters(self) -> tuple[ParameterArray, ...]:
        """The distinct parameter arrays, in order of first use."""
        found = {r: None for call in self.calls for r in call.reads if not isinstance(r, Buffer)}
        return tuple(found)


def strides(shape: Shape, *, channels_last: bool) -> Shape:
    """Distances in elements along each dimension of a tensor whose shape has the batch first.

    Example:
        >>> strides((2, 3, 4, 5), channels_last=True)
        (60, 1, 15, 3)
    """
    if channels_last and len(shape) == 4:
        _, c, h, w = shape
        return (c * h * w, 1, w * c, c)
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """Where each parameter array lies in the one array of all parameters.

    Attributes:
        offsets: first float of each.
        size: floats in all.
    """

    offsets: Mapping[ParameterArray, int]
    size: int


def weight_layout(plan: Plan) -> WeightLayout:
    """One after the other, in order of use, each beginning a cache line."""
    offsets: dict[ParameterArray, int] = {}
    size = 0
    for parameter in plan.parameters:
        offsets[parameter] = size
        size += -(-parameter.elements // LINE) * LINE
    return WeightLayout(offsets, max(size, LINE))
