"""Activations and other functions of each element, and softmax.

Most are one row of `FUNCTIONS`: a name, what it is, and the same in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from ..definition import Array, Attribute, OpDefinition, Require
from ..graph import Operation
from ..types import TensorType
from .shape import axis_of


class Activation(OpDefinition):
    """A function of each element; the result has the operand's type.

    No weights. Cost: an operation of class ``activation`` for each element, whatever the function.
    """

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        return (op.operands[0].type,)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element."""
        return {"activation": op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The function, applied to every element."""
        return (self.of(inputs[0]),)

    def of(self, x: Array) -> Array:
        """The function of every element; outside its domain it is not a number, as in IEEE 754."""
        with np.errstate(all="ignore"):
            return np.asarray(self.apply(x))

    def apply(self, x: Array) -> Array:
        """The function on an array of any shape."""
        raise NotImplementedError

    @property
    def keeps_zero(self) -> bool:
        """Whether zero becomes zero."""
        return not self.of(np.zeros(1)).any()


def _function(name: str, formula: str, apply: Callable[[Array], Array], alias: str = "") -> Activation:
    """An activation from its name, what it is (with the formula), and the formula in NumPy."""
    members = {
        "__doc__": (
            f"{formula} ``x`` of any shape; the result has its type. No weights; it costs one operation of "
            "class ``activation`` an element."
        ),
        "__module__": __name__,
        "name": name,
        "aliases": (alias,) if alias else (),
        "apply": lambda self, x: apply(x),
    }
    return cast("Activation", type(name.capitalize(), (Activation,), members)())


def _sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, written so that nothing overflows."""
    return np.asarray(0.5 * (np.tanh(0.5 * x) + 1))


def _sinc(x: Array) -> Array:
    return np.asarray(np.where(x == 0, 1, np.sin(x) / x))


def _erf(x: Array) -> Array:
    values = [math.erf(v) for v in np.asarray(x, np.float64).ravel()]
    return np.array(values, x.dtype).reshape(x.shape)


FUNCTIONS: tuple[Activation, ...] = (
    _function("relu", "Rectifier: ``y = max(x, 0)``.", lambda x: np.maximum(x, 0)),
    _function("relu6", "Rectifier capped at six: ``y = min(max(x, 0), 6)``.", lambda x: np.clip(x, 0, 6)),
    _function(
        "hswish",
        "Piecewise swish (MobileNetV3): ``y = x * min(max(x + 3, 0), 6) / 6``.",
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "hard_swish",
    ),
    _function(
        "hsigmoid",
        "Piecewise linear sigmoid: ``y = min(max(x + 3, 0), 6) / 6``.",
        lambda x: np.clip(x + 3, 0, 6) / 6,
        "hard_sigmoid",
    ),
    _function("sigmoid", "Logistic function: ``y = 1 / (1 + exp(-x))``.", _sigmoid),
    _function(
        "swish",
        "Swish or SiLU (Ramachandran et al., 2017): ``y = x / (1 + exp(-x))``.",
        lambda x: x * _sigmoid(x),
        "silu",
    ),
    _function("tanh", "Hyperbolic tangent: ``y = tanh(x)``.", np.tanh),
    _function("softplus", "Smooth rectifier: ``y = log(1 + exp(x))``.", lambda x: np.logaddexp(x, 0)),
    _function("erf", "Error function: ``y = 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x``.", _erf),
    _function("abs", "Absolute value: ``y = |x|``.", np.abs),
    _function("sqrt", "Square root: ``y = sqrt(x)``, not a number below zero.", np.sqrt),
    _function("exp", "Exponential: ``y = exp(x)``.", np.exp),
    _function("log", "Natural logarithm: ``y = log(x)``, not a number below zero.", np.log),
    _function("sin", "Sine, of radians: ``y = sin(x)``.", np.sin),
    _function("cos", "Cosine, of radians: ``y = cos(x)``.", np.cos),
    _function("sinc", "Cardinal sine, not normalised: ``y = sin(x) / x``, 1 at zero.", _sinc),
    _function("sinh", "Hyperbolic sine: ``y = (exp(x) - exp(-x)) / 2``.", np.sinh),
    _function("cosh", "Hyperbolic cosine: ``y = (exp(x) + exp(-x)) / 2``.", np.cosh),
    _function("asinh", "Inverse hyperbolic sine: ``y = log(x + sqrt(x^2 + 1))``.", np.arcsinh),
    _function("atan", "Inverse tangent, in radians: ``y = atan(x)``.", np.arctan),
)
"""The functions of each element, in the order of the documentation."""


class Softmax(OpDefinition):
    """Exponentials that sum to one along an axis: ``y = exp(x) / sum over axis of exp(x)``.

    ``x`` of any shape of rank 1 or more; the result has its type. ``axis`` counts from 0 without the batch.
    No weights. Cost: an operation of class ``activation`` for each element.
    """

    name: ClassVar[str] = "softmax"
    attributes: ClassVar[tuple[Attribute, ...]] = (Attribute("axis", "int", 0, doc="axis that sums to one"),)

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        axis_of(op)
        return (op.operands[0].type,)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element."""
        return {"activation": op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The formula, with the maximum taken off first."""
        axis = op.attributes["axis"] + 1
        raised = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
        return (raised / raised.sum(axis=axis, keepdims=True),)


ACTIVATIONS = tuple(f.name for f in FUNCTIONS)
"""The names of all functions of each element."""

KEEP_ZERO = tuple(f.name for f in FUNCTIONS if f.keeps_zero)
"""Those that map zero to zero."""

DEFINITIONS: tuple[OpDefinition, ...] = (*FUNCTIONS, Softmax())
