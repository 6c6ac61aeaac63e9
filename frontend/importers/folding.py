"""Computes the parts of an ONNX graph that are constant, in NumPy: arithmetic with shapes, mostly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .entries import Array, Batch
from .problems import Unsupported

LARGEST = 2**26
"""Elements a folded array may have when it is larger than what it is made of."""

Fold: TypeAlias = "Callable[[Sequence[Array | None], Mapping[str, Any]], Array]"
"""From arrays (None where an operand is left out) and attributes to the result."""


def _checked(shape: Sequence[int]) -> tuple[int, ...]:
    if math.prod(shape) > LARGEST:
        raise Unsupported(f"a constant of {math.prod(shape)} elements is too large")
    return tuple(int(d) for d in shape)


def _binary(function: Callable[[Any, Any], Any]) -> Fold:
    def fold(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
        a, b = map(_given, arrays)
        _checked(np.broadcast_shapes(a.shape, b.shape))
        for array in (a, b) if function is not _equal else ():
            if array.dtype == object and any(isinstance(d, Batch) for d in array.flat):
                raise Unsupported("it calculates with the size of the batch")
        return np.asarray(function(a, b))

    return fold


def _unary(function: Callable[[Any], Any]) -> Fold:
    return lambda arrays, attributes: np.asarray(function(_given(arrays[0])))


def _given(array: Array | None) -> Array:
    if array is None:
        raise Unsupported("an operand is missing")
    return array


def _integers(array: Array | None) -> list[int]:
    return [int(v) for v in np.ravel(_given(array))]


def _axes(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[int] | None:
    """Axes from the second operand or, in old files, from an attribute."""
    if len(arrays) > 1 and arrays[1] is not None:
        return _integers(arrays[1])
    return attributes.get("axes")


def _equal(a: Array, b: Array) -> Any:
    return a == b


def _divide(a: Any, b: Any) -> Any:
    """A quotient; ONNX rounds those of integers towards zero."""
    if not np.all(b):
        raise Unsupported("a constant is divided by zero")
    if np.issubdtype(np.asarray(a).dtype, np.integer):
        return np.trunc(np.asarray(a) / np.asarray(b)).astype(np.asarray(a).dtype)
    return a / b


def _concat(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    given = [_given(array) for array in arrays]
    _checked((sum(array.size for array in given),))
    return np.concatenate(given, axis=attributes["axis"])


def _slice(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    data, begins, ends, axes, steps = (*arrays, None, None)[:5]
    starts = _integers(begins)
    chosen = list(range(len(starts))) if axes is None else _integers(axes)
    strides = [1] * len(starts) if steps is None else _integers(steps)
    index = [slice(None)] * _given(data).ndim
    for axis, begin, end, stride in zip(chosen, starts, _integers(ends), strides, strict=True):
        # an end before the beginning is written as a very small number when stepping backwards
        index[axis] = slice(begin, None if stride < 0 and end < -(2**31) else end, stride)
    return _given(data)[tuple(index)]


def _unsqueeze(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    return np.expand_dims(_given(arrays[0]), tuple(_axes(arrays, attributes) or ()))


def _squeeze(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    axes = _axes(arrays, attributes)
    return np.squeeze(_given(arrays[0]), None if axes is None else tuple(axes))


def _gather(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    indices = np.asarray(_given(arrays[1]), dtype=np.int64)
    return np.asarray(_given(arrays[0]).take(indices, axis=attributes.get("axis", 0)))


def _reshape(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    data, shape = _given(arrays[0]), _integers(arrays[1])
    if not attributes.get("allowzero"):
        shape = [data.shape[i] if d == 0 else d for i, d in enumerate(shape)]
    return data.reshape(shape)


def _transpose(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    return np.transpose(_given(arrays[0]), attributes.get("perm"))


def _expand(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    data = _given(arrays[0])
    return np.broadcast_to(data, _checked(np.broadcast_shapes(data.shape, tuple(_integers(arrays[1])))))


def _constant_of_shape(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    return np.full(_checked(_integers(arrays[0])), attributes.get("value", np.zeros(1, np.float32)))


def _range(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    begin, end, step = (_given(array).item() for array in arrays)
    _checked((max(0, math.ceil((end - begin) / step)),))
    return np.arange(begin, end, step, dtype=_given(arrays[0]).dtype)


def _shape(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    shape = _given(arrays[0]).shape[attributes.get("start", 0) : attributes.get("end")]
    return np.array(shape, dtype=np.int64)


def _where(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    condition, a, b = map(_given, arrays)
    _checked(np.broadcast_shapes(condition.shape, a.shape, b.shape))
    return np.where(condition.astype(bool), a, b)


def _cast(arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    data = _given(arrays[0])
    if data.dtype == object:  # a shape with an open batch stays as it is
        return data
    if attributes["to"] not in ELEMENT_TYPES:
        raise Unsupported(f"a cast to element type {attributes['to']}")
    return data.astype(ELEMENT_TYPES[attributes["to"]])


ELEMENT_TYPES: dict[int, Any] = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}
"""NumPy's types by their number in ONNX, as far as constants are computed in them."""

FOLDS: dict[str, Fold] = {
    "Add": _binary(lambda a, b: a + b),
    "Cast": _cast,
    "Ceil": _unary(np.ceil),
    "Concat": _concat,
    "Div": _binary(_divide),
    "ConstantOfShape": _constant_of_shape,
    "Equal": _binary(_equal),
    "Expand": _expand,
    "Floor": _unary(np.floor),
    "Gather": _gather,
    "Identity": _unary(lambda a: a),
    "Max": _binary(np.maximum),
    "Min": _binary(np.minimum),
    "Mul": _binary(lambda a, b: a * b),
    "Neg": _unary(np.negative),
    "Range": _range,
    "Reciprocal": _unary(lambda a: 1 / a),
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Sqrt": _unary(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _binary(lambda a, b: a - b),
    "Transpose": _transpose,
    "Where": _where,
    "Unsqueeze": _unsqueeze,
}
"""How constants are computed, by kind of node."""

KEEPS_NAME = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""Kinds whose result is still the weight that it was."""


def fold(kind: str, arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array:
    """The result of a node whose operands are constant.

    Raises:
        Unsupported: when the operands do not fit, or the result is too large.
    """
    try:
        return FOLDS[kind](arrays, attributes)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise Unsupported(f"its constant operands do not fit: {error}") from None
