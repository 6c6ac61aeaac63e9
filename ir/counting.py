"""What operations cost, and what of it is counted: papers and tools differ, so counting is explicit.

An operation says in `OpDefinition.operations` how many arithmetic operations it takes, by class. A `Counting`
says which classes add up, as words joined by ``+``: ``conv+linear``, the custom of papers, is the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .diagnostic import UserError, unknown
from .expression import total
from .graph import Operation

CLASSES: Mapping[str, str] = {
    "conv": "multiply-adds of convolutions",
    "linear": "multiply-adds of linear layers",
    "bias": "additions of the biases of convolutions and linear layers, one an element of the result",
    "bn": "batch normalisation, a multiplication and an addition an element",
    "pool": "pooling, one an element that is read",
    "activation": "activations and softmax, one an element",
    "arithmetic": "sums, products and means of tensors, and interpolation; one an operation on an element",
}
"""What is counted by class, for one sample."""

AUXILIARY = "auxiliary"
"""The word that counts what only heads of auxiliaries need, in all prices but the depth."""

WORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{name: (help, (name,)) for name, help in CLASSES.items()},
    "elementwise": ("activation and arithmetic", ("activation", "arithmetic")),
    AUXILIARY: ("the heads of auxiliary classifiers, in all prices but the depth", ()),
}
"""The words of a counting: what they mean, and the classes that they stand for."""


@dataclass(frozen=True)
class Counting:
    """What is counted.

    Attributes:
        words: keys of `WORDS`.

    Example:
        >>> str(Counting.parse("conv + linear+bn"))
        'conv+linear+bn'
    """

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Counting:
        """The counting of words joined by ``+``.

        Raises:
            UserError: on an unknown word, naming the nearest, on one that is there twice, and on none.
        """
        words = [word.strip() for word in text.split("+")]
        for position, word in enumerate(words):
            if word not in WORDS:
                raise unknown("word of a counting", word, WORDS)
            if word in words[:position]:
                raise UserError(f"'{word}' is counted twice in '{text}'", "leave one out")
        return cls(tuple(words))

    def __str__(self) -> str:
        return "+".join(self.words)

    @cached_property
    def classes(self) -> frozenset[str]:
        """The classes that add up."""
        return frozenset(name for word in self.words for name in WORDS[word][1])

    @property
    def auxiliary(self) -> bool:
        """Whether what only heads of auxiliaries need is counted."""
        return AUXILIARY in self.words

    def operations(self, op: Operation) -> Any:
        """What an operation adds, a scalar.

        Raises:
            UserError: when its definition names a class that there is not.
        """
        found = op.definition.operations(op)
        for name in found:
            if name not in CLASSES:
                raise UserError(
                    f"operation '{op.name}' has costs of class '{name}'", f"classes: {', '.join(CLASSES)}"
                )
        return total(cost for name, cost in found.items() if name in self.classes)


def counting_of(count: Counting | str) -> Counting:
    """A counting, or that of a text; see `Counting.parse` for errors."""
    return count if isinstance(count, Counting) else Counting.parse(count)


PAPERS = Counting(("conv", "linear"))
"""Multiply-adds of convolutions and linear layers alone, as in nearly all papers; the default."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation costs; every field is an integer scalar.

    Attributes:
        parameters: trainable weights.
        multiply_adds: operations that are counted, for one sample.
        activation_bytes: of its results, for one sample; none for what only training does.
    """

    parameters: Any
    multiply_adds: Any
    activation_bytes: Any


def cost(op: Operation, counting: Counting = PAPERS) -> Cost:
    """The cost of a single operation that is not a call."""
    return Cost(parameters(op), counting.operations(op), activation_bytes(op))


def parameters(op: Operation) -> Any:
    """The number of trainable weights of an operation, a scalar."""
    weights = op.definition.weights(op).values() if op.definition.has_weights else ()
    return total(w.type.elements for w in weights if w.trainable)


def all_weights(op: Operation) -> Any:
    """The number of weights of an operation, running statistics among them, a scalar."""
    weights = op.definition.weights(op).values() if op.definition.has_weights else ()
    return total(w.type.elements for w in weights)


def activation_bytes(op: Operation) -> Any:
    """Bytes that an operation writes for one sample in inference, a scalar."""
    if op.definition.training_only:
        return 0
    return total(r.type.elements * r.type.dtype.bytes for r in op.results)
