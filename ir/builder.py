"""Builds functions, inferring types on insertion, so that an ill-typed graph cannot be built."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from .definition import REQUIRED, InferenceError, OpDefinition, Require, require_now
from .diagnostic import unknown
from .expression import Expr
from .graph import Function, Operation, Value
from .ops import OPS
from .source import Span
from .types import TensorType


def make_operation(
    definition: OpDefinition,
    operands: Sequence[Value],
    attributes: Mapping[str, Any] | None = None,
    *,
    presence: Sequence[Any] = (),
    require: Require = require_now,
    span: Span | None = None,
    names: tuple[str, ...] = (),
) -> Operation:
    """Create an operation with complete attributes and inferred result types.

    Args:
        definition: what it is; not a ``call``.
        operands: values it reads.
        attributes: by name; defaults are filled in, ``ints`` given as one number are repeated.
        presence: one scalar an operand for list operations, or empty; all-true presences are dropped.
        require: receives the conditions inference relies on.
        span: place in the source.
        names: hints for the results.

    Raises:
        InferenceError: when operands or attributes do not fit.
        UserError: on an unknown attribute.
    """
    if not definition.variadic and len(operands) != len(definition.operands):
        raise InferenceError(
            f"{definition.name} takes {len(definition.operands)} tensors, got {len(operands)}"
        )
    if all(p is True for p in presence):
        presence = ()
    op = Operation(
        definition,
        tuple(operands),
        complete_attributes(definition, attributes or {}),
        (),
        tuple(presence),
        span,
    )
    types = definition.infer(op, require)
    op.results = tuple(Value(t, i, names[i] if i < len(names) else "", op) for i, t in enumerate(types))
    return op


def complete_attributes(definition: OpDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an operation in order, checked and with defaults.

    Raises:
        InferenceError: when one is missing or has a wrong kind.
        UserError: when one is unknown.
    """
    if not _names(definition).issuperset(given):
        for name in given:
            definition.attribute(name)
    result: dict[str, Any] = {}
    for attribute in definition.attributes:
        value = given.get(attribute.name, attribute.default)
        if value is REQUIRED:
            raise InferenceError(f"{definition.name} needs '{attribute.name}'", attribute=attribute.name)
        result[attribute.name] = _checked(
            definition, attribute.name, attribute.kind, attribute.choices, value
        )
    return result


@cache
def _names(definition: OpDefinition) -> frozenset[str]:
    return frozenset(a.name for a in definition.attributes)


_INTEGERS = {int}

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "ints": (int,),
    "shape": (int,),
    "float": (int, float),
    "bool": (bool,),
    "string": (str,),
}


def _checked(definition: OpDefinition, name: str, kind: str, choices: tuple[str, ...], value: Any) -> Any:
    if _as_written(kind, value) and not choices:
        return value
    if kind in ("ints", "shape"):
        items = tuple(value) if isinstance(value, (tuple, list)) else (value,) * (2 if kind == "ints" else 1)
        if kind == "ints" and len(items) != 2:
            raise InferenceError(
                f"'{name}' of {definition.name} is a number or a pair, got {len(items)} numbers",
                attribute=name,
            )
        return tuple(_checked(definition, name, "int", choices, item) for item in items)
    if isinstance(value, Expr):
        return value
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise InferenceError(
            f"'{name}' of {definition.name} is {_article(kind)}, got {value!r}", attribute=name
        )
    if choices and value not in choices:
        raise unknown(f"{name} of {definition.name}", str(value), choices)
    return value


def _as_written(kind: str, value: Any) -> bool:
    """Whether a value is plain and in its full form."""
    if kind not in ("ints", "shape"):
        return type(value) in _KINDS[kind]
    if type(value) is not tuple or (kind == "ints" and len(value) != 2):
        return False
    return set(map(type, value)) <= _INTEGERS


def _article(kind: str) -> str:
    return {"int": "an integer", "float": "a number", "bool": "true or false", "string": "a text"}[kind]


class FunctionBuilder:
    """Collects the inputs and operations of one function.

    Example:
        >>> b = FunctionBuilder("tiny", "network")
        >>> x = b.input(TensorType((3, 8, 8)), "image")
        >>> y = b.op("conv2d", [x], {"out": 4, "kernel": 3, "param": "conv"})
        >>> b.finish([y]).outputs[0].type.shape
        (4, 8, 8)
    """

    def __init__(self, name: str, kind: str, *, require: Require = require_now) -> None:
        """Start an empty function; `require` receives the conditions inference relies on."""
        self.name = name
        self.kind = kind
        self.require = require
        self.inputs: list[Value] = []
        self.operations: list[Operation] = []

    def input(self, type: TensorType, name: str = "") -> Value:
        """Add an input."""
        value = Value(type, len(self.inputs), name)
        self.inputs.append(value)
        return value

    def add(
        self,
        name: str,
        operands: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        *,
        presence: Sequence[Any] = (),
        span: Span | None = None,
        names: tuple[str, ...] = (),
    ) -> Operation:
        """Append an operation by name; see `make_operation` for arguments and errors."""
        op = make_operation(
            OPS[name], operands, attributes, presence=presence, require=self.require, span=span, names=names
        )
        self.operations.append(op)
        return op

    def op(
        self,
        name: str,
        operands: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Value:
        """Append an operation with one result and return that."""
        return self.add(name, operands, attributes, **options).result

    def apply(self, name: str, *operands: Value, presence: Sequence[Any] = (), **attributes: Any) -> Value:
        """Append an operation with one result and return that, as one would write it in the language.

        Weights that are given no ``param`` get a path of their own, the operation's name.

        Example:
            >>> b = FunctionBuilder("tiny", "network")
            >>> x = b.input(TensorType((3, 8, 8)), "image")
            >>> b.apply("relu", b.apply("conv2d", x, out=4, kernel=3, pad=1)).type.shape
            (4, 8, 8)

        Args:
            name: of the operation; `drawloom ops` lists them.
            operands: tensors it reads.
            presence: for list operations, one scalar an operand.
            attributes: by name.

        Raises:
            UserError: on an unknown operation or attribute.
            InferenceError: when operands or attributes do not fit.
        """
        if OPS[name].has_weights and "param" not in attributes:
            attributes["param"] = self._free_path(name)
        return self.op(name, operands, attributes, presence=presence)

    def _free_path(self, name: str) -> str:
        """A path for weights that is free in the function: the name, with a number where it is taken."""
        taken = {op.param for op in self.operations}
        numbers = (f"{name}_{number}" for number in itertools.count(1))
        return name if name not in taken else next(path for path in numbers if path not in taken)

    def call(
        self, callee: Function, operands: Sequence[Value], param: str = "", span: Span | None = None
    ) -> tuple[Value, ...]:
        """Append a call and return its results.

        Raises:
            InferenceError: when the number of operands is not the callee's.
        """
        if len(operands) != len(callee.inputs):
            raise InferenceError(f"@{callee.name} takes {len(callee.inputs)} tensors, got {len(operands)}")
        attributes = {"callee": callee.name, "param": param}
        op = Operation(OPS["call"], tuple(operands), attributes, [v.type for v in callee.outputs], span=span)
        self.operations.append(op)
        return op.results

    def choice(self, alternatives: Sequence[Value], selector: Any, span: Span | None = None) -> Value:
        """Append a choice between values; a known selector or a single alternative needs none."""
        if not isinstance(selector, Expr):
            return alternatives[int(selector)]
        if all(a is alternatives[0] for a in alternatives):
            return alternatives[0]
        return self.op("choice", alternatives, {"selector": selector}, span=span)

    def finish(
        self,
        outputs: Sequence[Value],
        *,
        arguments: Mapping[str, Any] | None = None,
        definition: str = "",
        span: Span | None = None,
    ) -> Function:
        """The finished function."""
        return Function(
            self.name,
            self.kind,
            tuple(self.inputs),
            tuple(self.operations),
            tuple(outputs),
            arguments,
            definition,
            span,
        )
