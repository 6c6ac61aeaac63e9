"""The operation."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from drawloom.ir import OpDefinition, Operation, TensorType
from drawloom.ir.definition import Array, Require


class CRelu(OpDefinition):
    """Concatenated rectifier (Shang et al., 2016): ``y = concat(max(x, 0), max(-x, 0))`` along the channels.

    Operand ``x: f32[C, ...]``; the result has ``2 C`` channels. No weights. Cost: an operation of class
    ``activation`` for each element of the result.
    """

    name: ClassVar[str] = "crelu"

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type with twice the channels."""
        channels, *rest = op.operands[0].type.shape
        return (TensorType((2 * channels, *rest), op.operands[0].type.dtype),)

    def operations(self, op: Operation) -> dict[str, Any]:
        """One an element of the result."""
        return {"activation": op.result.type.elements}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """Both halves."""
        (x,) = inputs
        return (np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis=1),)
