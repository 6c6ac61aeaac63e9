"""Fully connected layers and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require, Weight
from ..expression import product, where
from ..graph import Operation
from ..types import DType, TensorType
from .spatial import positive


class Linear(OpDefinition):
    """A matrix product on the last dimension: ``y[..., o] = bias[o] + sum_c weight[o, c] * x[..., c]``.

    Operand ``x: f32[C]`` or ``f32[T, C]``; result ``f32[out]`` or ``f32[T, out]``. Images are flattened or
    pooled first.

    Weights: ``weight [out, C]`` and, with bias, ``bias [out]``.
    Cost: ``C * out`` multiply-adds of class ``linear`` for each of the ``T`` positions; with bias, an
    addition of class ``bias`` for each element of the result.
    """

    name: ClassVar[str] = "linear"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("out", "int", doc="output features"),
        Attribute("bias", "bool", True, doc="whether a bias is added"),
        Attribute("param", "string", doc="path of its weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type with ``out`` as its last dimension."""
        given = op.operands[0].type
        if given.rank not in (1, 2):
            raise InferenceError(
                f"linear takes a vector f32[C] or a sequence f32[T, C], got {given}: pool or flatten",
                operand=0,
            )
        positive(op, "out", require)
        return (TensorType((*given.shape[:-1], op.attributes["out"]), given.dtype),)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight`` and, with bias, ``bias``."""
        out = op.attributes["out"]
        features = op.operands[0].type.shape[-1]
        weights = {"weight": Weight(TensorType((out, features)), initial="uniform")}
        if op.attributes["bias"]:
            weights["bias"] = Weight(TensorType((out,)))
        return weights

    def operations(self, op: Operation) -> dict[str, Any]:
        """Input elements times output features; an addition an element where there is a bias."""
        return {
            "linear": product((*op.operands[0].type.shape, op.attributes["out"])),
            "bias": where(op.attributes["bias"], op.result.type.elements, 0),
        }

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``x @ weight.T + bias``."""
        y = inputs[0] @ weights["weight"].T
        return (y + weights["bias"] if op.attributes["bias"] else y,)


class Embedding(OpDefinition):
    """A learned vector for each token: ``y[t, :] = weight[x[t], :]``.

    Operand ``x: i32[T]``, tokens from 0 to below ``vocabulary``; result ``f32[T, out]``.

    Weights: ``weight [vocabulary, out]``. A look-up costs nothing.
    """

    name: ClassVar[str] = "embedding"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("vocabulary", "int", doc="number of different tokens"),
        Attribute("out", "int", doc="features of a token"),
        Attribute("param", "string", doc="path of its weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[T, out]``."""
        given = op.operands[0].type
        if given.rank != 1 or given.dtype is not DType.I32:
            raise InferenceError(f"embedding takes tokens i32[T], got {given}", operand=0)
        positive(op, "vocabulary", require)
        positive(op, "out", require)
        return (TensorType((*given.shape, op.attributes["out"])),)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight``."""
        shape = (op.attributes["vocabulary"], op.attributes["out"])
        return {"weight": Weight(TensorType(shape), initial="uniform")}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The rows of the tokens."""
        return (weights["weight"][inputs[0]],)


class Unembedding(OpDefinition):
    """The scores of all tokens by a table of vectors: ``y[..., v] = sum_c weight[v, c] * x[..., c]``.

    Operand ``x: f32[C]`` or ``f32[T, C]``; result ``f32[vocabulary]`` or ``f32[T, vocabulary]``. Its table
    may be that of an embedding, at the same path: then both are learned as one (Press and Wolf, 2017).

    Weights: ``weight [vocabulary, C]``. Cost: ``C * vocabulary`` multiply-adds of class
    ``linear`` for each position.
    """

    name: ClassVar[str] = "unembedding"
    shares: ClassVar[frozenset[str]] = frozenset({"embedding"})
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("vocabulary", "int", doc="number of different tokens"),
        Attribute("param", "string", doc="path of its weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type with the tokens as its last dimension."""
        given = op.operands[0].type
        if given.rank not in (1, 2) or given.dtype is not DType.F32:
            message = f"unembedding takes a vector f32[C] or a sequence f32[T, C], got {given}"
            raise InferenceError(message, operand=0)
        positive(op, "vocabulary", require)
        return (TensorType((*given.shape[:-1], op.attributes["vocabulary"])),)

    def weights(self, op: Operation) -> dict[str, Weight]:
        """``weight``."""
        shape = (op.attributes["vocabulary"], op.operands[0].type.shape[-1])
        return {"weight": Weight(TensorType(shape), initial="uniform")}

    def operations(self, op: Operation) -> dict[str, Any]:
        """Input elements times tokens."""
        return {"linear": product((*op.operands[0].type.shape, op.attributes["vocabulary"]))}

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """``x @ weight.T``."""
        return (inputs[0] @ weights["weight"].T,)


DEFINITIONS: tuple[OpDefinition, ...] = (Linear(), Embedding(), Unembedding())
