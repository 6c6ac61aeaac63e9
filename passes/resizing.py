"""Networks with other widths: each channel left out, kept, or there several times, weights too.

Channels stay in order, copies beside each other, so every operation means what it meant before. A layer that
reads a channel in ``n`` copies reads each with an ``n``-th of its weight, which keeps the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from drawloom.ir import Function, Module, Operation, TensorType, Value, make_operation

from .channels import Axis, Channels, Ints, channel_dimension
from .instances import Instances, merged
from .rebuild import copied, rebuilt, remade

Array: TypeAlias = "npt.NDArray[Any]"


def resized(instances: Instances, channels: Channels, counts: Ints) -> Module:
    """The network with `counts` of each atom; functions that become equal are merged.

    Functions that change lose their static arguments, which no longer describe them.
    """
    functions: dict[str, Function] = {}
    for function in instances.module.functions.values():
        functions[function.name] = _Resizer(channels, counts, functions).function(function)
    return merged(instances.module.with_functions(functions.values()), instances.origins)


class _Resizer:
    """Rebuilds one function; `functions` are those before it, already rebuilt."""

    def __init__(self, channels: Channels, counts: Ints, functions: Mapping[str, Function]) -> None:
        self.channels = channels
        self.counts = counts
        self.functions = functions
        self.values: dict[Value, Value] = {}

    def function(self, function: Function) -> Function:
        """The function at its new widths; itself where none changes."""
        inputs = tuple([self.input(v) for v in function.inputs])
        operations = tuple([self.operation(op) for op in function.operations])
        old = (*function.inputs, *function.operations)
        if all(a is b for a, b in zip((*inputs, *operations), old, strict=True)):
            return function
        outputs = tuple([self.values[v] for v in function.outputs])
        return rebuilt(function, inputs, operations, outputs, arguments={})

    def input(self, value: Value) -> Value:
        """An input at its new width."""
        length = self.length(value)
        new = value
        if length is not None:
            new = Value(_with_length(value.type, length), value.index, value.name)
        self.values[value] = new
        return new

    def length(self, value: Value) -> int | None:
        """The new length of a value's channel axis; None when it stays."""
        axis = self.channels.axes[value]
        length = axis.resized(self.counts)
        return None if length == axis.length else length

    def operation(self, op: Operation) -> Operation:
        """An operation on its new operands, with its new attributes."""
        operands = tuple([self.values[v] for v in op.operands])
        changed = _ATTRIBUTES[op.name](self, op) if op.name in _ATTRIBUTES else {}
        attributes = {**op.attributes, **changed}
        if op.name == "call":
            outputs = self.functions[op.attributes["callee"]].outputs
            new = remade(op, operands, op.attributes, (), [v.type for v in outputs])
        else:
            names = tuple([r.name for r in op.results])
            new = make_operation(
                op.definition, operands, attributes, presence=op.presence, span=op.span, names=names
            )
        if operands == op.operands and attributes == op.attributes and _types(new) == _types(op):
            new = copied(op, operands)
        self.values.update(zip(op.results, new.results, strict=True))
        return new

    def channels_of(self, value: Value) -> int:
        """The new number of channels."""
        return self.channels.axes[value].resized(self.counts)


def _types(op: Operation) -> list[TensorType]:
    return [v.type for v in op.results]


def _with_length(type: TensorType, length: int) -> TensorType:
    dimension = channel_dimension(type)
    return TensorType(tuple(length if i == dimension else d for i, d in enumerate(type.shape)), type.dtype)


# -- attributes that say widths


def _out(to: _Resizer, op: Operation) -> dict[str, Any]:
    return {"out": to.channels_of(op.result)}


def _conv2d(to: _Resizer, op: Operation) -> dict[str, Any]:
    depthwise = op.attributes["groups"] == op.operands[0].type.shape[0] > 1
    groups = to.channels_of(op.operands[0]) if depthwise else op.attributes["groups"]
    return {**_out(to, op), "groups": groups}


def _slice(to: _Resizer, op: Operation) -> dict[str, Any]:
    if op.attributes["axis"] != channel_dimension(op.result.type):
        return {}
    axis = to.channels.axes[op.operands[0]]
    unit = axis.boundary(op.attributes["begin"])
    if unit is None:
        # inside of a unit, whose channels are held
        unit = int(np.searchsorted(np.cumsum(axis.sizes), op.attributes["begin"], side="right"))
    begin = Axis(axis.atoms[:unit], axis.sizes[:unit])
    moved = begin.resized(to.counts) - begin.length
    return {
        "begin": op.attributes["begin"] + moved,
        "end": op.attributes["begin"] + moved + to.channels_of(op.result),
    }


def _shape(to: _Resizer, op: Operation) -> dict[str, Any]:
    length = to.length(op.result)
    return {} if length is None else {"shape": _with_length(op.result.type, length).shape}


_ATTRIBUTES: dict[str, Callable[[_Resizer, Operation], dict[str, Any]]] = {
    "conv2d": _conv2d,
    "linear": _out,
    "slice": _slice,
    "zeros": _shape,
    "reshape": _shape,
}


# -- weights


def resized_weights(
    instances: Instances, channels: Channels, counts: Ints, weights: Mapping[str, Array]
) -> dict[str, Array]:
    """The weights of the resized network, of the old one's; these are not changed.

    Args:
        instances: of the network before.
        channels: of these.
        counts: how many there are to be of each atom.
        weights: by full name, of the network before.
    """
    result = dict(weights)
    seen: set[str] = set()
    for path, _, op in instances.weighted():
        if path in seen or op.name not in _WEIGHTS:
            continue
        seen.add(path)
        for name in op.definition.weights(op):
            full = f"{path}.{name}"
            result[full] = _along(result[full], channels.weights[path], counts)
        if path in channels.layers:
            full = f"{path}.weight"
            result[full] = _shared(result[full], channels.layers[path].inputs, counts)
    return result


_WEIGHTS = ("conv2d", "linear", "batch_norm")


def _along(array: Array, axis: Axis, counts: Ints) -> Array:
    """The first dimension of a weight, whose channels an axis gives, resized."""
    return array if _still(axis, counts) else array[axis.source(counts)]


def _shared(array: Array, axis: Axis, counts: Ints) -> Array:
    """The second dimension of a weight resized; copies share what the one channel had."""
    if _still(axis, counts):
        return array
    copies = axis.copies(counts).reshape(1, -1, *[1] * (array.ndim - 2))
    return (array[:, axis.source(counts)].astype(np.float64) / copies).astype(array.dtype)


def _still(axis: Axis, counts: Ints) -> bool:
    return bool((counts[axis.atoms] == 1).all())
