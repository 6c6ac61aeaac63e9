"""Convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, OpDefinition, Require, Weight
from ..expression import equal, product, where
from ..graph import Operation
from ..types import TensorType
from .spatial import image_shape, padded, positive, window_sizes, windows


class Conv2d(OpDefinition):
    """Two-dimensional convolution (cross-correlation, as in all frameworks), possibly grouped.

    Operand ``x: f32[C, H, W]``; result ``f32[out, H', W']`` with
    ``H' = (H + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1`` and likewise ``W'``; padding is zeros.
    Output channel ``o`` of group ``g = o // (out / groups)`` reads the ``C / groups`` channels of that group:
    ``y[o, i, j] = bias[o] + sum over c, u, v of weight[o, c, u, v] * x[g * C / groups + c, i * stride + u *
    dilation - pad, j * stride + v * dilation - pad]``.

    Weights: ``weight [out, C / groups, kernel height, kernel width]`` and, with bias, ``bias [out]``.
    Cost: ``C / groups * kernel height * kernel width * out * H' * W'`` multiply-adds of class
    ``conv``; with bias, an addition of class ``bias`` for each element of the result.
    """

    name: ClassVar[str] = "conv2d"
    aliases: ClassVar[tuple[str, ...]] = ("conv",)
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("out", "int", doc="output channels"),
        Attribute("kernel", "ints", doc="height and width of the kernel"),
        Attribute("stride", "ints", 1, doc="steps of the kernel"),
        Attribute("pad", "ints", 0, doc="zeros added on both sides of each axis"),
        Attribute("dilation", "ints", 1, doc="distance of neighbouring kernel elements"),
        Attribute("groups", "int", 1, doc="independent groups of channels; as many as channels is depthwise"),
        Attribute("bias", "bool", False, doc="whether a bias is added"),
        Attribute("param", "string", doc="path of its weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[out, H', W']``."""
        channels = image_shape(op)[0]
        out, groups = op.attributes["out"], op.attributes["groups"]
        positive(op, "out", require)
        positive(op, "groups", require)
        for count, side in ((channels, "input"), (out, "output")):
            require(
                equal(count % groups, 0),
                f"groups={groups} does not divide {count} {side} channels",
                attribute="groups",
            )
        return (TensorType((out, *window_sizes(op, require)), op.operands[0].type.dtype),)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight`` and, with bias, ``bias``."""
        out, kernel = op.attributes["out"], op.attributes["kernel"]
        fan_in = op.operands[0].type.shape[0] // op.attributes["groups"]
        weights = {"weight": Weight(TensorType((out, fan_in, *kernel)), initial="he_normal")}
        if op.attributes["bias"]:
            weights["bias"] = Weight(TensorType((out,)))
        return weights

    def operations(self, op: Operation) -> dict[str, Any]:
        """Elements of the weight times output positions; an addition an element where there is a bias."""
        weight = self.weights(op)["weight"].type
        return {
            "conv": product((weight.elements, *op.result.type.shape[1:])),
            "bias": where(op.attributes["bias"], op.result.type.elements, 0),
        }

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """A sum over the windows of each group."""
        a, weight = op.attributes, weights["weight"]
        patches = windows(padded(inputs[0], a["pad"]), a["kernel"], a["stride"], a["dilation"])
        batch, channels, *rest = patches.shape
        grouped = patches.reshape(batch, a["groups"], channels // a["groups"], *rest)
        kernels = weight.reshape(a["groups"], -1, *weight.shape[1:])
        y = np.einsum("ngchwij,gocij->ngohw", grouped, kernels, optimize=True)
        y = y.reshape(batch, a["out"], *rest[:2])
        return (y + weights["bias"][:, None, None] if a["bias"] else y,)


DEFINITIONS: tuple[OpDefinition, ...] = (Conv2d(),)
