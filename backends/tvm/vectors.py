"""Arithmetic on vectors: activations as polynomials, and the steps of an epilogue.

TVM's own `exp` and `sigmoid` are calls of the scalar C library, ten times slower than the polynomials here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvm import tirx

from .loops import Index, Loops, Node, broadcast, float_node, int_node, vector_type
from .workload import Epilogue, Workload

_EXP_LOW, _EXP_HIGH = -87.3, 88.7
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_EXP_COEFFICIENTS = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0)
"""Taylor terms of exp on [-ln2/2, ln2/2]; the first dropped one is 5e-9."""

_TANH_LIMIT = 7.90531110763549805
_TANH_ODD = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_EVEN = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
"""Rational approximation of tanh, that of Eigen: x * odd(x^2) / even(x^2), good to a few last places."""


def _add(a: Node, b: Node) -> Node:
    return tirx.Add(a, b)


def _mul(a: Node, b: Node) -> Node:
    return tirx.Mul(a, b)


def _clip(value: Node, low: float, high: float, lanes: int) -> Node:
    return tirx.Min(tirx.Max(value, float_node(low, lanes)), float_node(high, lanes))


def _horner(b: Loops, x: Node, coefficients: Sequence[float], lanes: int) -> Node:
    result = float_node(coefficients[0], lanes)
    for coefficient in coefficients[1:]:
        result = _add(_mul(result, x), float_node(coefficient, lanes))
    return b.let(result, lanes)


def exp(b: Loops, x: Node, lanes: int) -> Node:
    """The exponential of x, within 2e-7 relative; arguments are clipped to the range of normal numbers."""
    x = b.let(_clip(x, _EXP_LOW, _EXP_HIGH, lanes), lanes)
    scaled = _add(_mul(x, float_node(_LOG2_E, lanes)), float_node(0.5, lanes))
    whole = b.let(tirx.call_intrin(vector_type(lanes), "tirx.floor", scaled), lanes)
    rest = tirx.Sub(x, _mul(whole, float_node(_LN2_HIGH, lanes)))
    rest = b.let(tirx.Sub(rest, _mul(whole, float_node(_LN2_LOW, lanes))), lanes)
    series = _horner(b, rest, _EXP_COEFFICIENTS, lanes)
    integers = vector_type(lanes, "int32")
    biased = _add(tirx.Cast(integers, whole), broadcast(int_node(127), lanes))
    power = tirx.LShift(biased, broadcast(int_node(23), lanes))
    return b.let(_mul(series, tirx.call_intrin(vector_type(lanes), "tirx.reinterpret", power)), lanes)


def _sigmoid(b: Loops, x: Node, lanes: int) -> Node:
    one = float_node(1.0, lanes)
    return tirx.Div(one, _add(one, exp(b, tirx.Sub(float_node(0.0, lanes), x), lanes)))


def _tanh(b: Loops, x: Node, lanes: int) -> Node:
    x = b.let(_clip(x, -_TANH_LIMIT, _TANH_LIMIT, lanes), lanes)
    square = b.let(_mul(x, x), lanes)
    odd = _mul(x, _horner(b, square, _TANH_ODD, lanes))
    return tirx.Div(odd, _horner(b, square, _TANH_EVEN, lanes))


def _hsigmoid(b: Loops, x: Node, lanes: int) -> Node:
    shifted = _add(x, float_node(3.0, lanes))
    return _mul(_clip(shifted, 0.0, 6.0, lanes), float_node(1 / 6, lanes))


_UNARY: dict[str, Callable[[Loops, Node, int], Node]] = {
    "relu": lambda b, x, lanes: tirx.Max(x, float_node(0.0, lanes)),
    "relu6": lambda b, x, lanes: _clip(x, 0.0, 6.0, lanes),
    "hsigmoid": _hsigmoid,
    "hswish": lambda b, x, lanes: _mul(x, _hsigmoid(b, x, lanes)),
    "sigmoid": _sigmoid,
    "swish": lambda b, x, lanes: _mul(x, _sigmoid(b, x, lanes)),
    "tanh": _tanh,
}
_BINARY: dict[str, Callable[[Node, Node], Node]] = {"add": _add, "sub": tirx.Sub, "mul": _mul}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vector of results lies.

    Attributes:
        element: offset of its first element in the result.
        sample: number of its image in the batch.
        channel: its first channel.
    """

    element: Index
    sample: Index
    channel: Index


@dataclass(frozen=True, slots=True)
class EpilogueCode:
    """Emits the steps of an epilogue.

    Attributes:
        steps: what to apply.
        operands: one buffer for each binary step.
        channels: channels of the result.
    """

    steps: Epilogue
    operands: tuple[Node, ...]
    channels: int

    @staticmethod
    def declare(b: Loops, workload: Workload) -> EpilogueCode:
        """Declare the operands of a workload's epilogue as parameters."""
        n, h, w, c = workload.output
        sizes = {"full": n * h * w * c, "gate": n * c, "channel": c}
        operands = tuple(
            b.parameter(f"e{i}", sizes[s.reach])
            for i, s in enumerate(workload.operands)
            if s.reach is not None
        )
        return EpilogueCode(workload.steps, operands, c)

    def apply(self, b: Loops, value: Node, place: Place, lanes: int, skip: int = 0) -> Node:
        """The value after all steps but the first `skip`, which the caller has done itself."""
        operands = iter(self.operands)
        for position, step in enumerate(self.steps):
            if step.reach is None:
                value = _UNARY[step.kind](b, b.let(value, lanes), lanes)
                continue
            buffer = next(operands)
            if position < skip:
                continue
            value = _BINARY[step.kind](value, b.load(buffer, self._offset(step.reach, place), lanes))
        return value

    def _offset(self, reach: str, place: Place) -> Index:
        if reach == "full":
            return place.element
        if reach == "gate":
            return place.sample * self.channels + place.channel
        return place.channel
