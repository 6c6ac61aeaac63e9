"""Normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require, Weight
from ..expression import apply
from ..graph import Operation
from ..types import TensorType


class BatchNorm(OpDefinition):
    """Batch normalisation (Ioffe and Szegedy, 2015) over the first dimension, the channels.

    Operand ``x: f32[C, ...]`` of any rank from 1; result of the same type. For inference
    ``y = (x - running_mean) / sqrt(running_var + eps) * weight + bias`` for each channel; without ``affine``
    the last two steps are left out. In training the mean and the (biased) variance of the mini-batch take the
    place of the running statistics, which follow them with momentum 0.1.

    Weights: ``weight`` and ``bias`` ``[C]`` (with ``affine``), and the buffers ``running_mean`` and
    ``running_var`` ``[C]``, which are not parameters. Cost: 2C parameters, no multiply-adds (they can be
    folded into a neighbouring convolution).
    """

    name: ClassVar[str] = "batch_norm"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("eps", "float", 1e-5, doc="added to the variance"),
        Attribute("affine", "bool", True, doc="whether it scales and shifts"),
        Attribute("param", "string", doc="path of its weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        if op.operands[0].type.rank == 0:
            raise InferenceError("batch_norm needs a dimension of channels, got a single number", operand=0)
        eps = op.attributes["eps"]
        require(apply(">", eps, 0), f"eps={eps} must be positive", attribute="eps")
        return (op.operands[0].type,)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """Scale and shift, and the running statistics."""
        each = TensorType((op.operands[0].type.shape[0],))
        affine = (
            {"weight": Weight(each, initial="ones"), "bias": Weight(each)} if op.attributes["affine"] else {}
        )
        return affine | {
            "running_mean": Weight(each, trainable=False),
            "running_var": Weight(each, trainable=False, initial="ones"),
        }

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The formula of inference."""
        (x,) = inputs
        each = {name: w.reshape(-1, *[1] * (x.ndim - 2)) for name, w in weights.items()}
        y = (x - each["running_mean"]) / np.sqrt(each["running_var"] + op.attributes["eps"])
        return (y * each["weight"] + each["bias"] if op.attributes["affine"] else y,)


DEFINITIONS: tuple[OpDefinition, ...] = (BatchNorm(),)
