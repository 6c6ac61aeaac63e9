"""Pooling: maxima and means of windows and of whole images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, OpDefinition, Require
from ..expression import apply
from ..graph import Operation
from ..types import TensorType
from .spatial import image_shape, padded, window_sizes, windows

_WINDOW = (
    Attribute("kernel", "ints", doc="height and width of the window"),
    Attribute("stride", "ints", 1, doc="steps of the window"),
    Attribute("pad", "ints", 0, doc="border on both sides of each axis, at most half the window"),
)


class WindowPool(OpDefinition):
    """A statistic of each window of an image."""

    attributes: ClassVar[tuple[Attribute, ...]] = _WINDOW

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[C, H', W']``."""
        channels = image_shape(op)[0]
        for kernel, pad in zip(op.attributes["kernel"], op.attributes["pad"], strict=True):
            require(
                apply("<=", 2 * pad, kernel),
                f"pad={pad} is more than half of kernel={kernel}",
                attribute="pad",
            )
        return (TensorType((channels, *window_sizes(op, require)), op.operands[0].type.dtype),)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element of the operand."""
        return {"pool": op.operands[0].type.elements}


class MaxPool(WindowPool):
    """Largest element of each window, for each channel; the border never wins.

    Operand ``x: f32[C, H, W]``; result ``f32[C, H', W']`` with ``H' = (H + 2 * pad - kernel) // stride + 1``
    and likewise ``W'``. No weights. Cost: an operation of class ``pool`` for each element of ``x``, however
    windows overlap.
    """

    name: ClassVar[str] = "max_pool"

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The maximum of the windows of the image bordered with minus infinity."""
        a = op.attributes
        return (windows(padded(inputs[0], a["pad"], -np.inf), a["kernel"], a["stride"]).max(axis=(-2, -1)),)


class AvgPool(WindowPool):
    """Mean of each window, for each channel.

    Shapes and cost as in ``max_pool``. The border counts as zeros with ``count_include_pad`` and is left out
    of the mean without.
    """

    name: ClassVar[str] = "avg_pool"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        *_WINDOW,
        Attribute("count_include_pad", "bool", False, doc="whether the border counts in the divisor"),
    )

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """Sums of windows divided by their number of elements."""
        a, (x,) = op.attributes, inputs
        ones = padded(np.ones_like(x[:1, :1]), a["pad"], float(a["count_include_pad"]))
        totals = windows(padded(x, a["pad"]), a["kernel"], a["stride"]).sum(axis=(-2, -1))
        return (totals / windows(ones, a["kernel"], a["stride"]).sum(axis=(-2, -1)),)


class GlobalAvgPool(OpDefinition):
    """Mean of each channel over the image: ``f32[C, H, W]`` to ``f32[C]``, or ``f32[C, 1, 1]`` with ``keep``.

    No weights. Cost: an operation of class ``pool`` for each element of ``x``.
    """

    name: ClassVar[str] = "global_avg_pool"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("keep", "bool", False, doc="whether height and width stay, as 1"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[C]`` or ``f32[C, 1, 1]``."""
        channels = image_shape(op)[0]
        shape = (channels, 1, 1) if op.attributes["keep"] else (channels,)
        return (TensorType(shape, op.operands[0].type.dtype),)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element of the operand."""
        return {"pool": op.operands[0].type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The mean over height and width."""
        return (inputs[0].mean(axis=(2, 3), keepdims=op.attributes["keep"]),)


DEFINITIONS: tuple[OpDefinition, ...] = (MaxPool(), AvgPool(), GlobalAvgPool())
