"""Workloads: the fused kernels a network is made of, known before TVM sees them and independent of weights.

Images are NHWC inside this backend; vectors are images of one pixel. A workload names everything the emitted
code depends on besides the machine, so equal workloads share one compiled kernel, across networks and
processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from typing import ClassVar, Literal

from drawloom.ir.ops.activation import ACTIVATIONS

Reach = Literal["full", "gate", "channel"]
"""What the operand of a binary step has a value for: each element, sample and channel, or channel."""

BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")


@dataclass(frozen=True, slots=True)
class Step:
    """One elementwise step of an epilogue.

    Attributes:
        kind: one of `ACTIVATIONS` or `BINARY`.
        reach: for binary steps, what the second operand covers; None for unary ones.
    """

    kind: str
    reach: Reach | None = None

    def __post_init__(self) -> None:
        known = ACTIVATIONS if self.reach is None else BINARY
        if self.kind not in known:
            raise ValueError(f"no such step: {self.kind} with {self.reach}")


Epilogue = tuple[Step, ...]
"""Steps applied to a kernel's result before it is stored; operands of binary steps are further inputs."""

BIAS = Step("add", "channel")


@dataclass(frozen=True, slots=True)
class Workload:
    """A kernel: what is computed, for which sizes.

    Its arguments are `inputs` tensors, then `weights` parameter arrays, then one tensor for each binary step
    of the epilogue (a parameter array where the step's reach is ``channel``), then the result.
    """

    inputs: ClassVar[int] = 1
    weights: ClassVar[int] = 0

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        raise NotImplementedError

    @property
    def steps(self) -> Epilogue:
        """Its epilogue; empty for kernels that take none."""
        return ()

    @property
    def operands(self) -> tuple[Step, ...]:
        """The binary steps, one for each further operand."""
        return tuple(step for step in self.steps if step.reach is not None)

    @property
    def key(self) -> str:
        """A stable name, equal in every process exactly when the workload is."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:20]

    @property
    def flops(self) -> int:
        """Floating-point operations of its multiply-adds, for reports; 0 where there are none."""
        return 0

    def __str__(self) -> str:
        parts = [f"{f.name}={_text(getattr(self, f.name))}" for f in fields(self)]
        return f"{type(self).__name__.lower()}({', '.join(parts)})"


def _text(value: object) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], Step):
        return "+".join(s.kind if s.reach is None else f"{s.kind}:{s.reach}" for s in value)
    return str(value).replace(" ", "")


Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
"""Rows and columns of zeros: top, left, bottom, right."""


def window_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Output positions of a sliding window along one axis; `padding` is the sum of both sides."""
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over images.

    Attributes:
        kernel: height and width.
        stride: step in rows and columns.
        padding: top, left, bottom, right.
        dilation: distance of neighbouring taps in rows and columns.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)

    def positions(self, height: int, width: int) -> Pair:
        """Output rows and columns for an image of the given size."""
        top, left, bottom, right = self.padding
        return (
            window_size(height, self.kernel[0], self.stride[0], top + bottom, self.dilation[0]),
            window_size(width, self.kernel[1], self.stride[1], left + right, self.dilation[1]),
        )


POINT = Window((1, 1))


@dataclass(frozen=True, slots=True)
class Convolution(Workload):
    """A dense or grouped convolution; linear layers are 1x1 convolutions of one-pixel images.

    ``y[n,i,j,o] = sum_{a,b,c} x[n, i*s-p+a*d, j*s-p+b*d, c] * w[a,b,c,o]``, then the epilogue. Its weight
    array is packed as `drawloom.backends.tvm.packing.pack_convolution` says.

    Attributes:
        batch, height, width, channels: shape of the input.
        out: output channels.
        groups: divides `channels` and `out`.
        planar: the input is channels-first (the network's own input), which saves converting it.
    """

    batch: int
    height: int
    width: int
    channels: int
    out: int
    window: Window = POINT
    groups: int = 1
    planar: bool = False
    epilogue: Epilogue = ()

    weights: ClassVar[int] = 1

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, *self.window.positions(self.height, self.width), self.out)

    @property
    def steps(self) -> Epilogue:
        """Its epilogue."""
        return self.epilogue

    @property
    def flops(self) -> int:
        """Two for each multiply-add."""
        n, h, w, c = self.output
        kh, kw = self.window.kernel
        return 2 * n * h * w * c * kh * kw * (self.channels // self.groups)


@dataclass(frozen=True, slots=True)
class Depthwise(Workload):
    """A convolution with one filter for each channel, weights ``[kh, kw, channels]``."""

    batch: int
    height: int
    width: int
    channels: int
    window: Window
    epilogue: Epilogue = ()

    weights: ClassVar[int] = 1

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, *self.window.positions(self.height, self.width), self.channels)

    @property
    def steps(self) -> Epilogue:
        """Its epilogue."""
        return self.epilogue

    @property
    def flops(self) -> int:
        """Two for each multiply-add."""
        n, h, w, c = self.output
        return 2 * n * h * w * c * self.window.kernel[0] * self.window.kernel[1]


@dataclass(frozen=True, slots=True)
class Pool(Workload):
    """Maximum or average over a sliding window; padding never wins a maximum.

    Attributes:
        kind: ``max`` or ``avg``.
        include_padding: for averages, divide by the window's size rather than by the number of pixels inside
            the image.
    """

    kind: Literal["max", "avg"]
    batch: int
    height: int
    width: int
    channels: int
    window: Window
    include_padding: bool = False
    epilogue: Epilogue = ()

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, *self.window.positions(self.height, self.width), self.channels)

    @property
    def steps(self) -> Epilogue:
        """Its epilogue."""
        return self.epilogue


@dataclass(frozen=True, slots=True)
class GlobalPool(Workload):
    """Mean of each channel over all pixels."""

    batch: int
    height: int
    width: int
    channels: int
    epilogue: Epilogue = ()

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, 1, 1, self.channels)

    @property
    def steps(self) -> Epilogue:
        """Its epilogue."""
        return self.epilogue


@dataclass(frozen=True, slots=True)
class Elementwise(Workload):
    """The epilogue alone, applied to a tensor."""

    batch: int
    height: int
    width: int
    channels: int
    epilogue: Epilogue

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, self.height, self.width, self.channels)

    @property
    def steps(self) -> Epilogue:
        """Its epilogue."""
        return self.epilogue


@dataclass(frozen=True, slots=True)
class Fill(Workload):
    """A tensor of zeros."""

    batch: int
    height: int
    width: int
    channels: int

    inputs: ClassVar[int] = 0

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, self.height, self.width, self.channels)


@dataclass(frozen=True, slots=True)
class Move(Workload):
    """Elements copied to another arrangement: slices, parts of a concatenation, transposition, broadcast.

    ``y[y_offset + sum_k i_k * y_strides[k]] = x[x_offset + sum_k i_k * x_strides[k]]`` for all ``i`` below
    `sizes`. Use `move` to make one: it brings equal copies to one form.

    Attributes:
        sizes: extent of each loop.
        x_strides, y_strides: distances in elements; 0 in `x_strides` repeats.
        x_offset, y_offset: first elements read and written.
        x_elements, y_elements: sizes of the whole tensors.
    """

    sizes: tuple[int, ...]
    x_strides: tuple[int, ...]
    y_strides: tuple[int, ...]
    x_offset: int
    y_offset: int
    x_elements: int
    y_elements: int

    @property
    def output(self) -> tuple[int, int, int, int]:
        """The whole result as one pixel, whatever part of it is written."""
        return (1, 1, 1, self.y_elements)

    @property
    def trivial(self) -> bool:
        """Whether the result is the operand itself."""
        return (
            self.x_elements == self.y_elements == prod(self.sizes)
            and self.x_strides == self.y_strides
            and self.x_offset == self.y_offset == 0
        )


def move(
    sizes: Sequence[int],
    x_strides: Sequence[int],
    y_strides: Sequence[int],
    elements: tuple[int, int],
    x_offset: int = 0,
    y_offset: int = 0,
) -> Move:
    """The `Move` of a copy in its simplest form: written in order of memory, with as few loops as can be."""
    axes = [axis for axis in zip(sizes, x_strides, y_strides, strict=True) if axis[0] != 1]
    joined: list[tuple[int, int, int]] = []
    for size, x, y in sorted(axes, key=lambda axis: -axis[2]):
        if joined and joined[-1][1] == x * size and joined[-1][2] == y * size:
            joined[-1] = (joined[-1][0] * size, x, y)
        else:
            joined.append((size, x, y))
    columns = tuple(zip(*joined, strict=True)) or ((1,), (1,), (1,))
    return Move(columns[0], columns[1], columns[2], x_offset, y_offset, *elements)


@dataclass(frozen=True, slots=True)
class LookUp(Workload):
    """Rows of a table, picked by tokens: 32-bit integers, limited to the rows that there are.

    Attributes:
        tokens: how many, in the whole batch.
        vocabulary: rows of the table.
        channels: elements of a row.
    """

    tokens: int
    vocabulary: int
    channels: int

    weights: ClassVar[int] = 1

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (1, 1, self.tokens, self.channels)


@dataclass(frozen=True, slots=True)
class Resize(Workload):
    """Scaling of an image to a size; ``bilinear`` samples at half-pixel centres (``align_corners=False``)."""

    kind: Literal["nearest", "bilinear"]
    batch: int
    height: int
    width: int
    channels: int
    size: Pair

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, *self.size, self.channels)


@dataclass(frozen=True, slots=True)
class Softmax(Workload):
    """Softmax over the channels of each pixel."""

    batch: int
    height: int
    width: int
    channels: int

    @property
    def output(self) -> tuple[int, int, int, int]:
        """Shape of the result, NHWC."""
        return (self.batch, self.height, self.width, self.channels)
