"""A function that is being imported: its operations, and the arrays of their weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from drawloom.ir import Function, FunctionBuilder, Operation, TensorType, Value

from .entries import Array, Constant
from .problems import Unsupported

_SANE = re.compile(r"\w+(\.\w+)*", re.ASCII)
"""Names that can be the path of a weight."""


class Draft:
    """Collects the operations of one function.

    Attributes:
        batch: the size of the batch in the foreign network; None when it is open.
        prefix: path of the module that the function was; names of its weights begin with it.
        uses: how often each value is read in the foreign network.
        hint: what the operation that is imported now is called there, for the path of its weights.
    """

    def __init__(self, kind: str, batch: int | None = None, prefix: str = "") -> None:
        """Start an empty function."""
        self.batch = batch
        self.prefix = prefix
        self.uses: Counter[Value] = Counter()
        self.hint = ""
        self._builder = FunctionBuilder("draft", kind)
        self._arrays: dict[Operation, dict[str, Constant]] = {}
        self._paths = _Paths()

    def input(self, type: TensorType, name: str = "") -> Value:
        """Add an input."""
        return self._builder.input(type, name)

    def op(self, name: str, operands: Value | Sequence[Value], **attributes: Any) -> Value:
        """Append an operation without weights.

        Raises:
            InferenceError: when operands or attributes do not fit.
        """
        return self._builder.op(name, [operands] if isinstance(operands, Value) else operands, attributes)

    def call(self, callee: Function, operands: Sequence[Value], path: str) -> tuple[Value, ...]:
        """Append a call of the function of the module at `path`."""
        return self._builder.call(callee, operands, self._below(path))

    def weighted(self, name: str, x: Value, weights: Mapping[str, Constant], **attributes: Any) -> Value:
        """Append an operation with weights, which get the path that their names suggest.

        Raises:
            InferenceError: when operands or attributes do not fit.
            Unsupported: when a weight has another shape or element type than the operation's.
        """
        memory = {role: _memory(weight.array) for role, weight in weights.items()}
        path = self._paths.claim(self._suggestion(name, weights), repr((name, attributes, memory)))
        result = self._builder.op(name, [x], {**attributes, "param": path})
        op = result.producer
        assert op is not None
        for role, weight in op.definition.weights(op).items():
            _check_weight(role, weights[role].array, weight.type)
        self._arrays[op] = dict(weights)
        return result

    def with_bias(self, value: Value, bias: Constant) -> Value:
        """What replaces `value`, the result of an operation with weights, when a bias is added to it.

        Nothing else may read `value`.
        """
        op = value.producer
        assert op is not None
        attributes = dict(op.attributes)
        self._paths.release(attributes.pop("param"))
        weights = {**self._arrays.pop(op), "bias": bias}
        attributes[bias_attribute(op)] = True
        return self.weighted(op.name, op.operands[0], weights, **attributes)

    def has_weights(self, op: Operation | None) -> bool:
        """Whether an operation is one of those with weights that were appended here."""
        return op in self._arrays

    def finish(self, outputs: Sequence[Value], name: str) -> Function:
        """The function, without the operations that nothing reads any more."""
        b = self._builder
        b.name, b.operations = name, _living(b.operations, outputs)
        return b.finish(outputs)

    def weights(self) -> dict[str, Array]:
        """The arrays of the operations of the finished function, by their path in it."""
        return {
            f"{op.attributes['param']}.{role}": np.ascontiguousarray(weight.array)
            for op in self._builder.operations
            for role, weight in self._arrays.get(op, {}).items()
        }

    def _suggestion(self, name: str, weights: Mapping[str, Constant]) -> str:
        """The path that names of weights suggest, else that of the operation's name, else the kind."""
        names = {role: self._below(weight.name) for role, weight in weights.items()}
        sane = {role: path for role, path in names.items() if _SANE.fullmatch(path) and path != role}
        for role, path in sane.items():
            if path.endswith(f".{role}"):
                return path.removesuffix(f".{role}")
        if sane:
            return next(iter(sane.values()))
        return ".".join(re.findall(r"\w+", self.hint, re.ASCII)) or name

    def _below(self, path: str) -> str:
        """A path of the whole network as seen from the module that this function was."""
        return path.removeprefix(f"{self.prefix}.") if self.prefix else path


def bias_attribute(layer: Operation) -> str:
    """The attribute that says whether a layer has the weight ``bias``."""
    return "shift" if layer.name == "channel_affine" else "bias"


class _Paths:
    """Which path belongs to which weights: equal operations with the same weights share one."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._claims: Counter[str] = Counter()

    def claim(self, suggestion: str, signature: str) -> str:
        """The path of the same weights, else the suggested one, with a number when others have it."""
        path, number = self._paths.get(signature, suggestion), 1
        while self._owners.get(path, signature) != signature:
            number += 1
            path = f"{suggestion}_{number}"
        self._owners[path], self._paths[signature] = signature, path
        self._claims[path] += 1
        return path

    def release(self, path: str) -> None:
        """Take back one claim."""
        self._claims[path] -= 1
        if not self._claims[path]:
            del self._paths[self._owners.pop(path)]


def _memory(array: Array) -> tuple[Any, ...]:
    """What is equal for two views of the same memory: a weight that is used twice is transposed twice."""
    return array.__array_interface__["data"], array.shape, array.strides


def _check_weight(role: str, array: Array, expected: TensorType) -> None:
    if array.shape != expected.shape:
        raise Unsupported(f"its {role} has the shape {array.shape} instead of {expected.shape}")
    if array.dtype != np.float32:
        raise Unsupported(f"its {role} is {array.dtype}; Drawloom computes in float32")


def _living(operations: Sequence[Operation], outputs: Sequence[Value]) -> list[Operation]:
    """The operations that outputs depend on."""
    needed = set(outputs)
    living: list[Operation] = []
    for op in reversed(operations):
        if not needed.isdisjoint(op.results):
            needed.update(op.operands)
            living.append(op)
    return living[::-1]
