"""Activations: functions of each element, and softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ..definition import Array, Attribute, OpDefinition, Require
from ..graph import Operation
from ..types import TensorType
from .shape import axis_of


class Activation(OpDefinition):
    """A function of each element; the result has the operand's type. No weights, no multiply-adds."""

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        return (op.operands[0].type,)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The function, applied to every element."""
        return (self.apply(inputs[0]),)

    def apply(self, x: Array) -> Array:
        """The function on an array of any shape."""
        raise NotImplementedError


class Relu(Activation):
    """Rectifier: ``y = max(x, 0)``. ``x`` of any shape; the result has its type."""

    name: ClassVar[str] = "relu"

    def apply(self, x: Array) -> Array:
        """``max(x, 0)``."""
        return np.maximum(x, 0)


class Relu6(Activation):
    """Rectifier capped at six: ``y = min(max(x, 0), 6)``. ``x`` of any shape; the result has its type."""

    name: ClassVar[str] = "relu6"

    def apply(self, x: Array) -> Array:
        """``min(max(x, 0), 6)``."""
        return np.clip(x, 0, 6)


class HardSigmoid(Activation):
    """Piecewise linear sigmoid: ``y = min(max(x + 3, 0), 6) / 6``. ``x`` of any shape; same type."""

    name: ClassVar[str] = "hsigmoid"
    aliases: ClassVar[tuple[str, ...]] = ("hard_sigmoid",)

    def apply(self, x: Array) -> Array:
        """``min(max(x + 3, 0), 6) / 6``."""
        return np.asarray(np.clip(x + 3, 0, 6) / 6)


class HardSwish(Activation):
    """Piecewise swish (MobileNetV3): ``y = x * min(max(x + 3, 0), 6) / 6``. ``x`` of any shape; same type."""

    name: ClassVar[str] = "hswish"
    aliases: ClassVar[tuple[str, ...]] = ("hard_swish",)

    def apply(self, x: Array) -> Array:
        """``x * min(max(x + 3, 0), 6) / 6``."""
        return np.asarray(x * np.clip(x + 3, 0, 6) / 6)


class Sigmoid(Activation):
    """Logistic function: ``y = 1 / (1 + exp(-x))``. ``x`` of any shape; the result has its type."""

    name: ClassVar[str] = "sigmoid"

    def apply(self, x: Array) -> Array:
        """``1 / (1 + exp(-x))``, written so that nothing overflows."""
        return 0.5 * (np.tanh(0.5 * x) + 1)


class Swish(Activation):
    """Swish or SiLU (Ramachandran et al., 2017): ``y = x / (1 + exp(-x))``. ``x`` of any shape; same type."""

    name: ClassVar[str] = "swish"
    aliases: ClassVar[tuple[str, ...]] = ("silu",)

    def apply(self, x: Array) -> Array:
        """``x`` times its logistic function."""
        return np.asarray(x * 0.5 * (np.tanh(0.5 * x) + 1))


class Tanh(Activation):
    """Hyperbolic tangent of each element. ``x`` of any shape; the result has its type."""

    name: ClassVar[str] = "tanh"

    def apply(self, x: Array) -> Array:
        """The hyperbolic tangent."""
        return np.tanh(x)


class Softmax(OpDefinition):
    """Exponentials that sum to one along an axis: ``y = exp(x) / sum over axis of exp(x)``.

    ``x`` of any shape of rank 1 or more; the result has its type. ``axis`` counts from 0 without the batch.
    No weights, no multiply-adds.
    """

    name: ClassVar[str] = "softmax"
    attributes: ClassVar[tuple[Attribute, ...]] = (Attribute("axis", "int", 0, doc="axis that sums to one"),)

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        axis_of(op)
        return (op.operands[0].type,)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The formula, with the maximum taken off first."""
        axis = op.attributes["axis"] + 1
        raised = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
        return (raised / raised.sum(axis=axis, keepdims=True),)


DEFINITIONS: tuple[OpDefinition, ...] = (
    Relu(),
    Relu6(),
    HardSwish(),
    HardSigmoid(),
    Sigmoid(),
    Swish(),
    Tanh(),
    Softmax(),
)
