"""What an operation is: one class, from which parser, printer, verifier, pricing and documentation derive.

A definition's methods receive the `Operation` and read its operands' types, attributes and presences.
Dimensions and
attributes may be expressions: arithmetic works on both, comparisons go through `drawloom.ir.expression` and
`Require`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from .diagnostic import UserError, unknown
from .graph import Operation, Value
from .types import TensorType

Array = npt.NDArray[Any]

REQUIRED: Any = object()
"""The default of an attribute that has none."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A static argument of an operation.

    Attributes:
        name: its name in text.
        kind: ``int``, ``ints`` (one for each spatial axis; a single int is repeated), ``float``, ``bool``,
            ``string`` or ``shape`` (a tuple of ints).
        default: its value when left out, or `REQUIRED`.
        doc: what it means, with units.
        choices: for strings, the allowed ones.
    """

    name: str
    kind: str
    default: Any = REQUIRED
    doc: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weight:
    """A learned or accumulated tensor of an operation.

    Attributes:
        type: its shape (nothing is left out: weights have no batch) and element type.
        trainable: whether it is a parameter; running statistics are not, and are not counted.
        initial: how a fresh network fills it: ``he_normal`` (normal, variance 2 / fan_out), ``uniform`` (the
            usual rule of linear layers), ``zeros`` or ``ones``.
    """

    type: TensorType
    trainable: bool = True
    initial: str = "zeros"


class InferenceError(Exception):
    """An operation whose operands or attributes do not fit.

    Attributes:
        operand: position of the guilty operand, or None.
        attribute: name of the guilty attribute, or None.
    """

    def __init__(self, message: str, *, operand: int | None = None, attribute: str | None = None) -> None:
        """Say what does not fit and where."""
        super().__init__(message)
        self.operand = operand
        self.attribute = attribute


class Require(Protocol):
    """Receives the conditions inference relies on."""

    def __call__(
        self, condition: Any, message: str, *, operand: int | None = None, attribute: str | None = None
    ) -> None:
        """Accept a condition.

        A condition known to be true is dropped and one known to be false raises; one that depends on
        decisions is
        kept as an obligation, to be shown for all assignments in which the operation is alive, or checked on
        assignment.

        Raises:
            InferenceError: when the condition is false for all assignments.
        """


def require_now(
    condition: Any, message: str, *, operand: int | None = None, attribute: str | None = None
) -> None:
    """A `Require` that accepts open conditions: for resolved modules, which have none, or to check later."""
    if condition is False or (isinstance(condition, np.bool_) and not condition):
        raise InferenceError(message, operand=operand, attribute=attribute)


class OpDefinition(ABC):
    """An operation; its docstring is its specification.

    Class attributes:
        name: name in text.
        operands: names of the tensor operands; for `variadic` operations the one name of all.
        variadic: whether it takes a list of operands, each with an optional presence.
        attributes: static arguments in order; operations with weights have a last string attribute ``param``.
        aliases: names under which the language also knows it.
        shares: names of other operations with which it may have its weights at one path.
        training_only: whether it does something while training only: for inference its only result is its
            first operand, and what is computed for the others alone is not needed.
    """

    name: ClassVar[str]
    operands: ClassVar[tuple[str, ...]] = ("x",)
    variadic: ClassVar[bool] = False
    attributes: ClassVar[tuple[Attribute, ...]] = ()
    aliases: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[frozenset[str]] = frozenset()
    training_only: ClassVar[bool] = False

    @abstractmethod
    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The types of the results.

        Raises:
            InferenceError: when operands or attributes cannot fit.
        """

    def weights(self, op: Operation) -> dict[str, Weight]:
        """The weights it owns, by their name below ``param``; types may contain expressions."""
        return {}

    def operations(self, op: Operation) -> dict[str, Any]:
        """Arithmetic operations for one sample, scalars, by class: keys of `drawloom.ir.counting.CLASSES`."""
        return {}

    @abstractmethod
    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The results in NumPy, slow and obvious, for a resolved operation.

        Args:
            op: the operation; attributes are literals.
            inputs: operands with the batch first; only present ones of a list.
            weights: by the names of `weights`.
        """

    @property
    def has_weights(self) -> bool:
        """Whether it owns weights, and so an identity: two of them are never merged."""
        return any(a.name == "param" for a in self.attributes)

    def attribute(self, name: str) -> Attribute:
        """The attribute of a name.

        Raises:
            UserError: when there is none.
        """
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise unknown(f"attribute of {self.name}", name, [a.name for a in self.attributes])


Operands = Callable[[Operation], tuple[Value, ...]]
"""Which operands of an operation are followed."""


def needed_operands(heads: bool) -> Operands:
    """All operands that operations have, or those that they need for inference: without heads."""
    return (lambda op: op.operands) if heads else inference_operands


def inference_operands(op: Operation) -> tuple[Value, ...]:
    """The operands that an operation needs for inference, which do not include the heads of auxiliaries."""
    return op.operands[:1] if op.definition.training_only else op.operands


class OpRegistry:
    """Operation definitions by name."""

    def __init__(self) -> None:
        """Start with none."""
        self._definitions: dict[str, OpDefinition] = {}

    def register(self, definition: OpDefinition) -> None:
        """Add a definition.

        Raises:
            UserError: when another one has the name.
        """
        known = self._definitions.get(definition.name)
        if known is not None and type(known) is not type(definition):
            places = [f"{type(d).__module__}:{type(d).__qualname__}" for d in (known, definition)]
            raise UserError(
                f"operation '{definition.name}' is registered twice", f"by {' and '.join(places)}"
            )
        self._definitions.setdefault(definition.name, definition)

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def __getitem__(self, name: str) -> OpDefinition:
        """The definition of a name.

        Raises:
            UserError: when there is none.
        """
        if name not in self._definitions:
            raise unknown("operation", name, self._definitions)
        return self._definitions[name]

    def __iter__(self) -> Any:
        return iter(self._definitions.values())

    def names(self) -> list[str]:
        """All names, in order of definition."""
        return list(self._definitions)
