"""Operations of structure and search: calls of functions and choices between values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..definition import Array, Attribute, InferenceError, OpDefinition, Require
from ..expression import Expr, all_of, apply, equal, select
from ..graph import Operation
from ..types import TensorType


class Call(OpDefinition):
    """Calls a function of the module.

    Text: ``%3 = call @block(%1, %2) {param="stage.0"} : f32[...]``. The results have the types of the
        callee's outputs.
    ``param`` is a path that prefixes the names of all weights of the callee; two calls with the same path
    share weights.
    """

    name: ClassVar[str] = "call"
    operands: ClassVar[tuple[str, ...]] = ("arguments",)
    variadic: ClassVar[bool] = True
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("callee", "string", doc="name of the function"),
        Attribute("param", "string", "", doc="path that prefixes the callee's weights"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """Not available: only the module knows the callee; `FunctionBuilder.call` takes its types."""
        raise InferenceError("a call takes its types from its callee")

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """Not available: interpreters follow the call."""
        raise NotImplementedError("interpreters follow calls")


class Choice(OpDefinition):
    """The operand that an expression selects: ``%4 = choice %1, %2, %3 by index(@cell.op) : f32[...]``.

    ``selector`` is an integer scalar below the number of operands. The alternatives have one rank and element
    type; dimensions
    that differ merge into a ``select``. The alternatives are ordinary values, visible to every pass; in a
    resolved
    module the selected one is used and the others are dead.
    """

    name: ClassVar[str] = "choice"
    operands: ClassVar[tuple[str, ...]] = ("alternatives",)
    variadic: ClassVar[bool] = True
    attributes: ClassVar[tuple[Attribute, ...]] = (
        Attribute("selector", "int", doc="position of the operand it stands for"),
    )

    def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
        """The merged type."""
        selector = op.attributes["selector"]
        types = [v.type for v in op.operands]
        for position, t in enumerate(types):
            if t.rank != types[0].rank or t.dtype != types[0].dtype:
                raise InferenceError(
                    f"alternatives differ in rank or element type: {types[0]} and {t}", operand=position
                )
        require(
            all_of(apply("<=", 0, selector), apply("<", selector, len(types))),
            "the selector is out of range",
            attribute="selector",
        )
        return (
            TensorType(
                tuple(_merge(selector, dims) for dims in zip(*(t.shape for t in types), strict=True)),
                types[0].dtype,
            ),
        )

    def reference(
        self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """The selected operand."""
        return (inputs[op.attributes["selector"]],)


def _merge(selector: int | Expr, dims: tuple[int | Expr, ...]) -> int | Expr:
    """One dimension of the alternatives: one of them where it always is selected, else a ``select``."""
    if all(d is dims[0] or equal(d, dims[0]) is True for d in dims):
        return dims[0]
    merged: int | Expr = select(selector, dims)
    return next((d for d in dims if equal(d, merged) is True), merged)


DEFINITIONS: tuple[OpDefinition, ...] = (Call(), Choice())
