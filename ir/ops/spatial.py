"""Windows sliding over images: the size rule and the view that convolution and pooling share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..definition import Array, InferenceError, Require
from ..expression import apply
from ..graph import Operation

AXES = ("high", "wide")


def image_shape(op: Operation, operand: int = 0) -> tuple[Any, Any, Any]:
    """Channels, height and width of an operand.

    Raises:
        InferenceError: when it is not of rank 3.
    """
    given = op.operands[operand].type
    if given.rank != 3:
        raise InferenceError(f"{op.name} takes an image f32[C, H, W], got {given}", operand=operand)
    channels, height, width = given.shape
    return channels, height, width


def positive(op: Operation, name: str, require: Require, least: int = 1) -> None:
    """Require every number of an attribute to be at least `least`."""
    value = op.attributes[name]
    for number in value if isinstance(value, tuple) else (value,):
        require(apply(">=", number, least), f"{name}={number} must be at least {least}", attribute=name)


def window_sizes(op: Operation, require: Require) -> tuple[Any, Any]:
    """Output height and width: ``(size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1``.

    Reads the attributes ``kernel``, ``stride``, ``pad`` and, where there is one, ``dilation``.
    """
    positive(op, "kernel", require)
    positive(op, "stride", require)
    positive(op, "pad", require, least=0)
    dilation = op.attributes.get("dilation", (1, 1))
    if "dilation" in op.attributes:
        positive(op, "dilation", require)
    sizes = image_shape(op)[1:]
    result = []
    for axis in range(2):
        kernel, stride, pad = (op.attributes[name][axis] for name in ("kernel", "stride", "pad"))
        extent = kernel + (dilation[axis] - 1) * (kernel - 1)
        padded = sizes[axis] + 2 * pad
        require(
            apply("<=", extent, padded),
            f"the kernel is {extent} {AXES[axis]}, the padded input only {padded}",
            operand=0,
            attribute="kernel",
        )
        result.append((padded - extent) // stride + 1)
    return result[0], result[1]


def windows(
    x: Array, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Array:
    """All windows of padded images: ``[N, C, H, W]`` to a view ``[N, C, H', W', kernel, kernel]``."""
    extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, extents, axis=(2, 3))
    result: Array = view[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    return result


def padded(x: Array, pad: tuple[int, int], value: float = 0.0) -> Array:
    """Images ``[N, C, H, W]`` with a border of `value` on all four sides."""
    return np.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])), constant_values=value)
