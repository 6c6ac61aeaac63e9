"""Operations that join, cut, reorder and resize tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require
from ..expression import Expr, all_of, any_of, apply, equal, product, total, where
from ..graph import Operation
from ..types import TensorType
from .listed import common_dimension, some_operand
from .spatial import image_shape, positive


def axis_of(op: Operation) -> int:
    """The attribute ``axis``, checked against the rank of the first operand.

    Raises:
        InferenceError: when it depends on decisions or there is no such axis.
    """
    axis, given = op.attributes["axis"], op.operands[0].type
    if isinstance(axis, Expr):
        raise InferenceError("the axis must not depend on decisions", attribute="axis")
    if not 0 <= axis < given.rank:
        raise InferenceError(
            f"axis={axis} does not exist in {given}; axes count from 0 without the batch", attribute="axis"
        )
    return int(axis)


class Concat(OpDefinition):
    """Joins a list of tensors along an axis, in order; absent ones add nothing.

    Each operand has an optional presence, a Boolean scalar; at least one must be present. The present ones
    agree in all dimensions but ``axis``, where the result has the sum of theirs. No weights; it costs
    nothing.
    """

    name: ClassVar[str] = "concat"
    operands: ClassVar[tuple[str, ...]] = ("parts",)
    variadic: ClassVar[bool] = True
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("axis", "int", 0, doc="axis to join along, 0 for channels"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The first operand's type with the sizes of the axis added up."""
        some_operand(op)
        first, axis = op.operands[0].type, axis_of(op)
        require(
            any_of(*(op.present(i) for i in range(len(op.operands)))),
            "a concat needs at least one present operand",
        )
        joined = total(where(op.present(i), v.type.shape[axis], 0) for i, v in enumerate(op.operands))
        shape = (joined if i == axis else common_dimension(op, i, require) for i in range(first.rank))
        return (TensorType(tuple(shape), first.dtype),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The arrays joined."""
        return (np.concatenate(inputs, axis=op.attributes["axis"] + 1),)


class Slice(OpDefinition):
    """The part of a tensor from ``begin`` to before ``end`` along an axis, which then has ``end - begin``.

    ``0 <= begin < end <= size``. No weights; it costs nothing.
    """

    name: ClassVar[str] = "slice"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("axis", "int", doc="axis that is cut, 0 for channels"),
        Attribute("begin", "int", doc="first position kept"),
        Attribute("end", "int", doc="first position after those kept"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type with ``end - begin`` at the axis."""
        given, axis = op.operands[0].type, axis_of(op)
        begin, end = op.attributes["begin"], op.attributes["end"]
        require(
            all_of(apply("<=", 0, begin), apply("<", begin, end), apply("<=", end, given.shape[axis])),
            f"slice from {begin} to {end} does not lie in dimension {axis} of {given}",
            attribute="end",
        )
        return (TensorType((*given.shape[:axis], end - begin, *given.shape[axis + 1 :]), given.dtype),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The elements from ``begin`` to before ``end``."""
        a = op.attributes
        return (inputs[0].take(np.arange(a["begin"], a["end"]), axis=a["axis"] + 1),)


class Reshape(OpDefinition):
    """The same elements, in row-major order, in another shape. No weights; it costs nothing."""

    name: ClassVar[str] = "reshape"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("shape", "shape", doc="the new dimensions, without the batch"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[shape]``."""
        given, shape = op.operands[0].type, op.attributes["shape"]
        positive(op, "shape", require)
        require(
            equal(product(shape), given.elements),
            f"{given} has {given.elements} elements, the new shape {product(shape)}",
            attribute="shape",
        )
        return (TensorType(shape, given.dtype),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The same elements."""
        return (inputs[0].reshape(len(inputs[0]), *op.attributes["shape"]),)


class Flatten(OpDefinition):
    """The elements of a tensor as a vector, in row-major order: ``f32[C, H, W]`` to ``f32[C * H * W]``."""

    name: ClassVar[str] = "flatten"

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """A vector of all elements."""
        given = op.operands[0].type
        return (TensorType((given.elements,), given.dtype),)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The same elements."""
        return (inputs[0].reshape(len(inputs[0]), -1),)


class ChannelShuffle(OpDefinition):
    """Interleaves the channels of ``groups`` groups (ShuffleNet, Zhang et al., 2018).

    Operand ``x: f32[C, H, W]`` with ``groups`` dividing ``C``; the result has its type. The channels, seen as
    ``[groups, C / groups]``, are transposed. No weights; it costs nothing.
    """

    name: ClassVar[str] = "channel_shuffle"
    attributes: ClassVar[tuple[Attribute, ...]] = (Attribute("groups", "int", doc="groups to interleave"),)

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        channels, groups = image_shape(op)[0], op.attributes["groups"]
        positive(op, "groups", require)
        require(
            equal(channels % groups, 0),
            f"groups={groups} does not divide {channels} channels",
            attribute="groups",
        )
        return (op.operands[0].type,)

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The transposition of groups and members."""
        (x,) = inputs
        batch, channels, *sizes = x.shape
        grouped = x.reshape(batch, op.attributes["groups"], -1, *sizes)
        return (grouped.swapaxes(1, 2).reshape(batch, channels, *sizes),)


class Resize(OpDefinition):
    """Scales an image to a given height and width, larger or smaller.

    Operand ``x: f32[C, H, W]``; result ``f32[C, height, width]``. ``nearest`` takes source row ``floor(i * H
    / height)``. ``bilinear`` reads the source at ``max((i + 0.5) * H / height - 0.5, 0)`` (pixel centres at
    halves, corners not aligned) and weighs the two rows around it by distance; columns likewise. ``pyramid``
    moves between the levels of a feature pyramid (NAS-FPN, Ghiasi et al., 2019): in each direction, by a
    whole factor, it takes the maximum of blocks where the image shrinks and repeats pixels where it grows.

    No weights. Cost: ``nearest`` costs nothing; ``bilinear`` four operations of class ``arithmetic`` for each
    element of the result; ``pyramid``, where the image shrinks in some direction, one of class ``pool`` for
    each element of ``x``.
    """

    name: ClassVar[str] = "resize"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("height", "int", doc="rows of the result"),
        Attribute("width", "int", doc="columns of the result"),
        Attribute("mode", "string", "nearest", "how pixels are made", ("nearest", "bilinear", "pyramid")),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """``f32[C, height, width]``."""
        channels = image_shape(op)[0]
        positive(op, "height", require)
        positive(op, "width", require)
        for name, size in zip(("height", "width"), image_shape(op)[1:], strict=True):
            wanted, fits = op.attributes[name], op.attributes["mode"] != "pyramid"
            require(
                any_of(fits, equal(size % wanted, 0), equal(wanted % size, 0)),
                f"a pyramid cannot take {name} {size} to {wanted}: neither divides the other",
                attribute=name,
            )
        shape = (channels, op.attributes["height"], op.attributes["width"])
        return (TensorType(shape, op.operands[0].type.dtype),)

    def operations(self, op: Operation) -> dict[str, Any]:
        """What interpolates, and what takes maxima."""
        given, made, mode = op.operands[0].type, op.result.type, op.attributes["mode"]
        shrinks = any_of(*(apply("<", b, a) for a, b in zip(given.shape[1:], made.shape[1:], strict=True)))
        return {
            "arithmetic": where(equal(mode, "bilinear"), 4 * made.elements, 0),
            "pool": where(all_of(equal(mode, "pyramid"), shrinks), given.elements, 0),
        }

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """A product with one interpolation matrix for the rows and one for the columns."""
        (x,), a = inputs, op.attributes
        if a["mode"] == "pyramid":
            return (_pyramid(_pyramid(x, 2, a["height"]), 3, a["width"]),)
        matrix = _MATRICES[a["mode"]]
        rows = matrix(x.shape[2], a["height"]).astype(x.dtype)
        columns = matrix(x.shape[3], a["width"]).astype(x.dtype)
        return (rows @ x @ columns.T,)


def _pyramid(x: Array, axis: int, wanted: int) -> Array:
    """One axis of an image to another level: repeated, or the maxima of its blocks."""
    size = x.shape[axis]
    if wanted >= size:
        return np.repeat(x, wanted // size, axis)
    blocks = (*x.shape[:axis], wanted, size // wanted, *x.shape[axis + 1 :])
    return np.asarray(x.reshape(blocks).max(axis + 1))


def _nearest_matrix(size: int, wanted: int) -> Array:
    """``[wanted, size]``, a single one in each row."""
    return np.eye(size)[np.arange(wanted) * size // wanted]


def _bilinear_matrix(size: int, wanted: int) -> Array:
    """``[wanted, size]``, rows of two weights that sum to one."""
    source = np.maximum((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0)
    low = np.floor(source).astype(int)
    high = np.minimum(low + 1, size - 1)
    share = (source - low)[:, None]
    return np.asarray(np.eye(size)[low] * (1 - share) + np.eye(size)[high] * share)


_MATRICES: dict[str, Any] = {"nearest": _nearest_matrix, "bilinear": _bilinear_matrix}


DEFINITIONS: tuple[OpDefinition, ...] = (
    Concat(),
    Slice(),
    Reshape(),
    Flatten(),
    ChannelShuffle(),
    Resize(),
)
