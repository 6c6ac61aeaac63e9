"""Normalisation, and learned factors and terms for each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require, Weight
from ..expression import any_of, apply, total, where
from ..graph import Operation
from ..types import TensorType


class BatchNorm(OpDefinition):
    """Batch normalisation (Ioffe and Szegedy, 2015) over the first dimension, the channels.

    Operand ``x: f32[C, ...]`` of any rank from 1; result of the same type. For inference
    ``y = (x - running_mean) / sqrt(running_var + eps) * weight + bias`` for each channel; without ``affine``
    the last two steps are left out. In training the mean and the (biased) variance of the mini-batch take the
    place of the running statistics, which follow them with momentum 0.1.

    Weights: ``weight`` and ``bias`` ``[C]`` (with ``affine``), and the buffers ``running_mean`` and
    ``running_var`` ``[C]``, which are not parameters. Cost: 2C parameters (with ``affine``); for each element
    two operations of class ``bn``, a multiplication and an addition, as inference needs once the statistics
    are folded with scale and shift (so without ``affine`` too).
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

    def operations(self, op: Operation) -> dict[str, Any]:
        """Two an element."""
        return {"bn": 2 * op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The formula of inference."""
        (x,) = inputs
        each = {name: w.reshape(-1, *[1] * (x.ndim - 2)) for name, w in weights.items()}
        y = (x - each["running_mean"]) / np.sqrt(each["running_var"] + op.attributes["eps"])
        return (y * each["weight"] + each["bias"] if op.attributes["affine"] else y,)


class ChannelAffine(OpDefinition):
    """A learned factor and a learned term for each channel: ``y = weight * x + bias``.

    Operand ``x: f32[C]``, ``f32[T, C]``, ``f32[C, H, W]`` or of a higher rank with the channels first; result
    of the same type. ``scale=false`` leaves the factor out and ``shift=false`` the term, but not both. The
    beta of Swish (Ramachandran et al., 2017) is such a factor.

    Weights: ``weight [C]``, at first ones, and ``bias [C]``, at first zeros. Cost: C parameters each;
    for each element, an operation of class ``arithmetic`` for each of the two.
    """

    name: ClassVar[str] = "channel_affine"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("scale", "bool", True, doc="whether it has a factor"),
        Attribute("shift", "bool", True, doc="whether it has a term"),
        Attribute("param", "string", doc="path of its weights"),
    )

    @staticmethod
    def axis(rank: int) -> int:
        """The dimension of the channels, without the batch."""
        return 1 if rank == 2 else 0

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        if op.operands[0].type.rank == 0:
            raise InferenceError("channel_affine needs a dimension of channels, got a number", operand=0)
        wanted = any_of(op.attributes["scale"], op.attributes["shift"])
        require(wanted, "it has neither a factor nor a term", attribute="shift")
        return (op.operands[0].type,)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight`` and ``bias``, those that are wanted."""
        shape = op.operands[0].type.shape
        each = TensorType((shape[self.axis(len(shape))],))
        found = {"weight": Weight(each, initial="ones")} if op.attributes["scale"] else {}
        return found | ({"bias": Weight(each)} if op.attributes["shift"] else {})

    def operations(self, op: Operation) -> dict[str, Any]:
        """A multiplication and an addition an element, those that are wanted."""
        wanted = total(where(op.attributes[name], 1, 0) for name in ("scale", "shift"))
        return {"arithmetic": wanted * op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The formula."""
        (x,) = inputs
        rank = x.ndim - 1
        each = {name: w.reshape(-1, *[1] * (rank - 1 - self.axis(rank))) for name, w in weights.items()}
        y = x * each["weight"] if op.attributes["scale"] else x
        return (y + each["bias"] if op.attributes["shift"] else y,)


DEFINITIONS: tuple[OpDefinition, ...] = (BatchNorm(), ChannelAffine())
