"""Operations that do something while training only; for inference each is its first operand."""

from __future__ import annotations

from typing import ClassVar

from ..definition import Attribute, OpDefinition, Require
from ..expression import all_of, apply
from ..graph import Operation
from ..types import TensorType
from .elementwise import Identity


class TrainingOnly(Identity):
    """What is the identity of its first operand for inference. No weights; it costs nothing."""

    training_only: ClassVar[bool] = True


class _Random(TrainingOnly):
    """What drops something with a probability ``rate``."""

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The operand's type."""
        rate = op.attributes["rate"]
        require(
            all_of(apply("<=", 0, rate), apply("<", rate, 1)),
            f"rate={rate} is not from 0 to below 1",
            attribute="rate",
        )
        return super().infer(op, require)


class Dropout(_Random):
    """Dropout: in training each element is zero with probability ``rate`` and else divided by ``1 - rate``.

    For inference it is the identity, and so is the reference. Any shape; the result has the operand's type.
    """

    name: ClassVar[str] = "dropout"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("rate", "float", doc="probability of an element to be dropped, from 0 to below 1"),
    )


class DropPath(_Random):
    """Drop path: in training the whole tensor of a sample is zero with some probability, else scaled up.

    With ``p = rate * t``, where ``t`` is the progress of training, rising linearly from 0 to 1: each sample
    is zero with probability ``p`` and else divided by ``1 - p``. Dropped is what adds to a sum, a path
    (Larsson et al., FractalNet, 2017); that the rate rises is the ScheduledDropPath of NASNet (Zoph et al.,
    2018). Where the rate depends on the depth of a layer, the text computes it:
    ``drop_path(h; rate=0.3 * (layer + 1) / layers)``.

    For inference it is the identity, and so is the reference. Any shape; the result has the operand's type.
    """

    name: ClassVar[str] = "drop_path"
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute(
            "rate",
            "float",
            doc="probability of a sample to be dropped at the end of training, from 0 to below 1",
        ),
    )


class Auxiliary(TrainingOnly):
    """An auxiliary classifier: the value is ``x``; in training the loss has ``weight * loss(head)`` added.

    Operand ``x`` of any shape, whose type the result has; ``head`` is what the loss is taken of as of the
    network's output: class scores ``f32[classes]``. Szegedy et al., Going Deeper with Convolutions, 2015.

    For inference it is ``x``, and so is the reference; what only heads need is no part of the network then.
    Prices leave that out, as papers do, unless they are asked to count ``auxiliary``.
    """

    name: ClassVar[str] = "auxiliary"
    operands: ClassVar[tuple[str, ...]] = ("x", "head")
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("weight", "float", 0.4, doc="factor of the head's loss, not negative"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The type of ``x``."""
        weight = op.attributes["weight"]
        require(apply("<=", 0, weight), f"weight={weight} is negative", attribute="weight")
        return super().infer(op, require)


DEFINITIONS: tuple[OpDefinition, ...] = (Dropout(), DropPath(), Auxiliary())
