"""Functions of elements, and algebra with constants as far as the IR has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from drawloom.ir import Operation, Value
from drawloom.ir.ops.normalization import ChannelAffine

from .draft import Draft, bias_attribute
from .entries import Array, Constant, Entry, Expanded
from .problems import Unsupported
from .tensors import axis_of, reshaped, tensor

_GATES = {"sigmoid": "swish", "hsigmoid": "hswish"}
"""What a tensor times a function of itself is."""


def activation(draft: Draft, x: Entry, *, name: str) -> Value:
    """A function of each element, by its name in the IR."""
    return draft.op(name, tensor(draft, x))


def clip(draft: Draft, x: Entry, *, low: float, high: float) -> Value:
    """Limits at zero below, and at six or nothing above."""
    if low == 0 and high >= np.finfo(np.float32).max:
        return activation(draft, x, name="relu")
    if (low, high) != (0, 6):
        raise Unsupported(f"limits of {low:g} and {high:g}; the IR has 0 and 6 (relu6), 0 and nothing (relu)")
    return activation(draft, x, name="relu6")


def hard_sigmoid(draft: Draft, x: Entry, *, alpha: float, beta: float) -> Value:
    """``min(max(alpha * x + beta, 0), 1)``, which the IR has for one sixth and one half."""
    if not math.isclose(alpha, 1 / 6, rel_tol=1e-5) or beta != 0.5:
        raise Unsupported(f"alpha={alpha:g} and beta={beta:g}; the IR has 1/6 and 1/2")
    return draft.op("hsigmoid", tensor(draft, x))


def softmax(draft: Draft, x: Entry, *, axis: int) -> Value:
    """Softmax along an axis counted with the batch."""
    value = tensor(draft, x)
    return draft.op("softmax", value, axis=axis_of(axis, value))


def add(draft: Draft, a: Entry, b: Entry) -> Entry:
    """A sum of two."""
    for first, second in ((a, b), (b, a)):
        if isinstance(second, Constant):
            return _plus(draft, tensor(draft, first), second.array, second.name)
    return draft.op("add", _broadcast(draft, a, b))


def sub(draft: Draft, a: Entry, b: Entry) -> Entry:
    """A difference."""
    if isinstance(b, Constant):
        return _plus(draft, tensor(draft, a), -b.array, "")
    if isinstance(a, Constant):
        return _plus(draft, _affine(draft, tensor(draft, b), scale=-1.0), a.array, "")
    return draft.op("sub", _broadcast(draft, a, b))


def _plus(draft: Draft, value: Value, array: Array, name: str) -> Entry:
    if not array.any():
        return value
    layer = _layer_without_bias(draft, value)
    if layer is not None and layer.producer is not None:
        axis = _axis(layer.producer, value)
        bias = _along(array, axis, value)
        if bias is not None:
            return reshaped(draft, draft.with_bias(layer, Constant(bias, name)), value.type.shape)
    vector = _of_channels(array, value)
    if vector is not None:
        term = {"bias": Constant(vector, name)}
        return draft.weighted("channel_affine", value, term, scale=False, shift=True)
    return _affine(draft, value, shift=_uniform(array))


def _axis(layer: Operation, value: Value) -> int:
    """The axis along which the bias of a layer lies in its result or a reshape of that."""
    if layer.name == "channel_affine":
        return ChannelAffine.axis(value.type.rank)
    return 0 if layer.name == "conv2d" else value.type.rank - 1


def _of_channels(array: Array, value: Value) -> Array | None:
    """A constant of several numbers that differ along the channels only, as a vector; None for another."""
    several = array.size > 1 and bool((array != array.flat[0]).any())
    return _along(array, ChannelAffine.axis(value.type.rank), value) if several and value.type.rank else None


def _uniform(array: Array) -> float:
    """The number of which an array is made.

    Raises:
        Unsupported: when there are several.
    """
    if array.size == 0 or (array != array.flat[0]).any():
        raise Unsupported("a constant tensor of several numbers that is neither a weight nor one a channel")
    return float(str(np.float32(array.flat[0])))


def _affine(draft: Draft, value: Value, scale: float = 1.0, shift: float = 0.0) -> Value:
    """``scale * value + shift``; one of one is one, and a sixth of ``relu6(x + 3)`` is a hard sigmoid."""
    op = value.producer
    if math.isclose(scale, 1 / 6, rel_tol=1e-5) and not shift:
        gate = _hard_gate(draft, value)
        if gate is not None:
            return gate
    if op is None or op.name != "affine":
        return draft.op("affine", value, scale=scale, shift=shift)
    a = op.attributes
    return _affine(draft, op.operands[0], a["scale"] * scale, a["shift"] * scale + shift)


def _hard_gate(draft: Draft, value: Value) -> Value | None:
    """A sixth of a tensor when it is ``relu6(x + 3)``, or the product of that and another."""
    gated = _ramp(value)
    if gated is not None:
        return draft.op("hsigmoid", gated)
    if value.producer is None or value.producer.name != "mul":
        return None
    for factor, other in permutations(value.producer.operands):
        gated = _ramp(other)
        if gated is not None:
            return mul(draft, factor, draft.op("hsigmoid", gated))
    return None


def _ramp(value: Value) -> Value | None:
    """What x is when a tensor is ``relu6(x + 3)``."""
    op = value.producer
    inner = op.operands[0].producer if op is not None and op.name == "relu6" else None
    if inner is None or inner.name != "affine" or inner.attributes != {"scale": 1, "shift": 3}:
        return None
    return inner.operands[0]


def _layer_without_bias(draft: Draft, value: Value) -> Value | None:
    """What a layer without bias gives: `value` itself or what it is a reshape of, read here only."""
    op = value.producer
    turned = op is not None and op.name == "reshape" and not draft.uses[op.operands[0]]
    inner = op.operands[0] if op is not None and turned else value
    layer = inner.producer
    if layer is None or not draft.has_weights(layer):
        return None
    if layer.attributes.get(bias_attribute(layer)) is not False:
        return None
    return inner if draft.uses[value] == 1 else None


def _along(array: Array, axis: int, value: Value) -> Array | None:
    """A constant that differs along one axis only, as a vector; None when it is another one."""
    size = value.type.shape[axis]
    aligned = (1,) * (value.type.rank + 1 - array.ndim) + array.shape
    expected = tuple(size if i == axis + 1 else 1 for i in range(value.type.rank + 1))
    return array.reshape(size) if aligned == expected else None


def mul(draft: Draft, a: Entry, b: Entry) -> Value:
    """A product; what is a swish or a hard swish becomes one."""
    for first, second in ((a, b), (b, a)):
        if isinstance(second, Constant):
            return _scaled(draft, tensor(draft, first), second)
    factors = _broadcast(draft, a, b)
    for first, second in permutations(factors):
        gate = second.producer
        if gate is not None and gate.name in _GATES and gate.operands[0] is first:
            return draft.op(_GATES[gate.name], first)
    return draft.op("mul", factors)


def div(draft: Draft, a: Entry, b: Entry) -> Value:
    """A quotient."""
    if not isinstance(b, Constant):
        return draft.op("div", _broadcast(draft, a, b))
    if not np.all(b.array):
        raise Unsupported("its divisor is zero")
    return _times(draft, tensor(draft, a), 1 / _uniform(b.array))


def extreme(draft: Draft, terms: Sequence[Entry], *, name: str) -> Value:
    """The larger or smaller ones of some tensors, by the name of the operation on two."""
    found = tensor(draft, terms[0])
    for term in terms[1:]:
        found = draft.op(name, _broadcast(draft, found, term))
    return found


def sinc(draft: Draft, x: Entry) -> Value:
    """The normalised cardinal sine, ``sin(pi * x) / (pi * x)``."""
    return draft.op("sinc", _affine(draft, tensor(draft, x), scale=math.pi))


def _scaled(draft: Draft, value: Value, factor: Constant) -> Value:
    vector = _of_channels(factor.array, value)
    if vector is None:
        return _times(draft, value, _uniform(factor.array))
    weights = {"weight": Constant(vector, factor.name)}
    return draft.weighted("channel_affine", value, weights, scale=True, shift=False)


def _times(draft: Draft, value: Value, number: float) -> Value:
    return value if number == 1 else _affine(draft, value, scale=number)


def _broadcast(draft: Draft, a: Entry, b: Entry) -> tuple[Value, Value]:
    """Both as tensors; what is repeated to the shape of the other is left as it is, for it broadcasts."""
    shapes = [entry.type.shape if isinstance(entry, Value) else None for entry in (a, b)]
    first = a.value if isinstance(a, Expanded) and a.shape == shapes[1] else tensor(draft, a)
    second = b.value if isinstance(b, Expanded) and b.shape == shapes[0] else tensor(draft, b)
    if first.type.rank != second.type.rank:
        raise Unsupported(f"a batch of {first.type} with one of {second.type} would mix samples")
    return first, second


def aggregate(draft: Draft, terms: Sequence[Entry], *, name: str) -> Value:
    """A sum or a mean of a list."""
    return draft.op(name, [tensor(draft, term) for term in terms])


def negative(draft: Draft, x: Entry) -> Value:
    """A tensor times minus one."""
    return _affine(draft, tensor(draft, x), scale=-1.0)


def dropout(draft: Draft, x: Entry, *, rate: float) -> Value:
    """Dropout."""
    value = tensor(draft, x)
    return draft.op("dropout", value, rate=rate) if rate else value


def identity(draft: Draft, x: Entry) -> Entry:
    """The operand."""
    return x


RULES: dict[str, Callable[..., Any]] = {
    "activation": activation,
    "clip": clip,
    "hard_sigmoid": hard_sigmoid,
    "softmax": softmax,
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "extreme": extreme,
    "sinc": sinc,
    "aggregate": aggregate,
    "negative": negative,
    "dropout": dropout,
    "identity": identity,
}
"""Rules by step."""
