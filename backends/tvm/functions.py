"""Functions of each element on whole vectors, as polynomials, and the table of all activations.

TVM's own functions are calls of the scalar C library, ten times slower than the polynomials here. Where
nothing else is said, a result is within a few units in the last place. Functions that meet no number (NaN)
may give one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvm import tirx

from .loops import Loops, Node, broadcast, float_node, int_node, vector_type


@dataclass(frozen=True, slots=True)
class Vector:
    """Some lanes of 32-bit floats with the usual arithmetic, among themselves and with numbers.

    Attributes:
        b: the function that they are computed in.
        node: the expression.
        lanes: how many.
    """

    b: Loops
    node: Node
    lanes: int

    def of(self, value: Vector | float) -> Node:
        """The expression of a vector, or a number in every lane."""
        return value.node if isinstance(value, Vector) else float_node(float(value), self.lanes)

    def new(self, node: Node) -> Vector:
        """Another vector of as many lanes."""
        return Vector(self.b, node, self.lanes)

    def let(self) -> Vector:
        """The same, computed once however often it is read."""
        return self.new(self.b.let(self.node, self.lanes))

    def call(self, intrinsic: str) -> Vector:
        """A function that the processor has."""
        return self.new(tirx.call_intrin(vector_type(self.lanes), f"tirx.{intrinsic}", self.node)).let()

    def __add__(self, other: Vector | float) -> Vector:
        return self.new(tirx.Add(self.node, self.of(other)))

    def __sub__(self, other: Vector | float) -> Vector:
        return self.new(tirx.Sub(self.node, self.of(other)))

    def __rsub__(self, other: float) -> Vector:
        return self.new(tirx.Sub(self.of(other), self.node))

    def __mul__(self, other: Vector | float) -> Vector:
        return self.new(tirx.Mul(self.node, self.of(other)))

    def __truediv__(self, other: Vector | float) -> Vector:
        return self.new(tirx.Div(self.node, self.of(other)))

    def __rtruediv__(self, other: float) -> Vector:
        return self.new(tirx.Div(self.of(other), self.node))

    __radd__ = __add__
    __rmul__ = __mul__

    def clip(self, low: float, high: float) -> Vector:
        """The nearest value between two limits."""
        return self.new(tirx.Min(tirx.Max(self.node, self.of(low)), self.of(high)))

    def where_above(self, limit: float, yes: Vector | float, no: Vector | float) -> Vector:
        """In lanes above a limit one value, in the others another."""
        condition = tirx.GT(self.node, self.of(limit))
        return self.new(tirx.Select(condition, self.of(yes), self.of(no))).let()


Function = Callable[[Vector], Vector]


def polynomial(x: Vector, coefficients: Sequence[float]) -> Vector:
    """A polynomial by Horner's rule, the coefficient of the highest power first."""
    result = x.new(x.of(coefficients[0]))
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result.let()


_EXP_LOW, _EXP_HIGH = -87.3, 88.7
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_EXP_COEFFICIENTS = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0)
"""Taylor terms of exp on [-ln2/2, ln2/2]; the first dropped one is 5e-9."""


def raised(x: Vector) -> Vector:
    """The exponential of x, within 2e-7 relative; arguments are clipped to the range of normal numbers."""
    x = x.clip(_EXP_LOW, _EXP_HIGH).let()
    whole = (x * _LOG2_E + 0.5).call("floor")
    rest = (x - whole * _LN2_HIGH - whole * _LN2_LOW).let()
    integers = vector_type(x.lanes, "int32")
    biased = tirx.Add(tirx.Cast(integers, whole.node), broadcast(int_node(127), x.lanes))
    power = x.new(tirx.LShift(biased, broadcast(int_node(23), x.lanes))).call("reinterpret")
    return (polynomial(rest, _EXP_COEFFICIENTS) * power).let()


def _exp(x: Vector) -> Vector:
    """The exponential over the whole range, with its infinity and zero: that of the half, squared."""
    half = raised(x * 0.5)
    return half * half


_TANH_LIMIT = 7.90531110763549805
_TANH_ODD = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_EVEN = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
"""Rational approximation of tanh, that of Eigen: x * odd(x^2) / even(x^2), good to a few last places."""


def _tanh(x: Vector) -> Vector:
    x = x.clip(-_TANH_LIMIT, _TANH_LIMIT).let()
    square = (x * x).let()
    return x * polynomial(square, _TANH_ODD) / polynomial(square, _TANH_EVEN)


def _sigmoid(x: Vector) -> Vector:
    return 1.0 / (1.0 + raised(0.0 - x))


def _hsigmoid(x: Vector) -> Vector:
    return (x + 3.0).clip(0.0, 6.0) * (1 / 6)


def _signed(x: Vector, size: Vector) -> Vector:
    """What is odd: `size`, which belongs to the absolute value, with the sign of x."""
    return x.where_above(0.0, size, 0.0 - size)


_SMALLEST = 1.1754943508222875e-38
"""Normal numbers are from here."""
_LARGEST = 3.4028234663852886e38
"""The largest number; only infinity is above."""
_SUBNORMAL = 24
"""Powers of two that make the smallest numbers normal ones."""
_ROOT_HALF = 0x3F3504F3
"""The bits of the square root of a half, where mantissas begin."""
_MANTISSA = 0x007FFFFF
_ATANH = (1 / 9, 1 / 7, 1 / 5, 1 / 3, 1.0)
"""Taylor terms of atanh(s) / s in the square of s, which is below 0.03; the first dropped one is 2e-9."""


def _log(x: Vector) -> Vector:
    """Exponent and mantissa m apart: ``log m = 2 atanh((m - 1) / (m + 1))``; m is within root two of one."""
    normal = x.where_above(_SMALLEST, x, x * 2.0**_SUBNORMAL)
    integers = vector_type(x.lanes, "int32")

    def number(value: int) -> Node:
        return broadcast(int_node(value), x.lanes)

    bits = tirx.call_intrin(integers, "tirx.reinterpret", normal.node)
    bits = x.b.let(tirx.Sub(bits, number(_ROOT_HALF)), x.lanes, element="int32")
    mantissa_bits = tirx.Add(tirx.bitwise_and(bits, number(_MANTISSA)), number(_ROOT_HALF))
    mantissa = x.new(mantissa_bits).call("reinterpret")
    exponent = x.new(tirx.Cast(vector_type(x.lanes), tirx.RShift(bits, number(23)))).let()
    exponent = x.where_above(_SMALLEST, exponent, exponent - float(_SUBNORMAL))
    s = ((mantissa - 1.0) / (mantissa + 1.0)).let()
    small = 2.0 * s * polynomial((s * s).let(), _ATANH) + exponent * _LN2_LOW
    result = x.where_above(_LARGEST, x, exponent * _LN2_HIGH + small)
    # minus infinity at zero; below, the root is no number
    return x.where_above(0.0, result, x.call("sqrt") - math.inf)


def _log_of_one_more(x: Vector) -> Vector:
    """``log(1 + x)`` of a positive x, exact for small ones: what the sum loses is added again."""
    total = (1.0 + x).let()
    return (_log(total) + (x - (total - 1.0)) / total).let()


def _softplus(x: Vector) -> Vector:
    return x.new(tirx.Max(x.node, x.of(0.0))) + _log_of_one_more(raised(0.0 - x.call("fabs")))


_ASINH_LARGE = 1e9
"""From here the one under the root is nothing."""


def _asinh(x: Vector) -> Vector:
    size = x.call("fabs")
    inner = size.clip(0.0, _ASINH_LARGE).let()
    square = (inner * inner).let()
    usual = _log_of_one_more((inner + square / (1.0 + (1.0 + square).call("sqrt"))).let())
    return _signed(x, size.where_above(_ASINH_LARGE, _log(size) + math.log(2), usual))


_ATAN = tuple((-1) ** k / (2 * k + 1) for k in reversed(range(10)))
"""Taylor terms of atan(x) / x in the square of x, which is below 0.18; the first dropped one is 1e-9."""
_TAN_PI_8 = math.sqrt(2) - 1


def _atan(x: Vector) -> Vector:
    """Large arguments are inverted, and those near one turned by an eighth of a circle."""
    size = x.call("fabs")
    inverse = size.where_above(1.0, 1.0 / size, size)
    turned = inverse.where_above(_TAN_PI_8, (inverse - 1.0) / (inverse + 1.0), inverse)
    angle = turned * polynomial((turned * turned).let(), _ATAN)
    angle = (angle + inverse.where_above(_TAN_PI_8, math.pi / 4, 0.0)).let()
    return _signed(x, size.where_above(1.0, math.pi / 2 - angle, angle))


_SIN = (1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1.0)
_COS = (-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2, 1.0)
"""Taylor terms on [-pi/4, pi/4], of sin(x) / x and cos(x), in the square of x; the dropped ones are 2e-9."""


def _sine(x: Vector, quarters: int) -> Vector:
    """The sine after so many quarters of a circle; the angle is reduced in 64 bits, good up to 1e9."""
    wide = vector_type(x.lanes, "float64")

    def number(value: float) -> Node:
        return broadcast(tirx.FloatImm("float64", value), x.lanes)

    angle = x.b.let(tirx.Cast(wide, x.node), x.lanes, element="float64")
    quadrant = tirx.Add(tirx.Mul(angle, number(2 / math.pi)), number(0.5))
    quadrant = x.b.let(tirx.call_intrin(wide, "tirx.floor", quadrant), x.lanes, element="float64")
    rest = tirx.Sub(angle, tirx.Mul(quadrant, number(math.pi / 2)))
    rest = x.new(tirx.Cast(vector_type(x.lanes), rest)).let()
    turn = tirx.Add(quadrant, number(float(quarters)))
    whole = tirx.call_intrin(wide, "tirx.floor", tirx.Mul(turn, number(0.25)))
    turn = x.new(tirx.Cast(vector_type(x.lanes), tirx.Sub(turn, tirx.Mul(whole, number(4.0))))).let()
    square = (rest * rest).let()
    sine, cosine = (rest * polynomial(square, _SIN)).let(), polynomial(square, _COS)
    even = turn.where_above(1.5, 0.0 - sine, sine)
    odd = turn.where_above(2.5, 0.0 - cosine, cosine)
    is_odd = (turn - turn.where_above(1.5, 2.0, 0.0)).let()
    return is_odd.where_above(0.5, odd, even)


def _sinc(x: Vector) -> Vector:
    return (x * x).let().where_above(0.0, _sine(x, 0) / x, 1.0)


_SINH = (1 / 5040, 1 / 120, 1 / 6, 1.0)
"""Taylor terms of sinh(x) / x in the square of x, up to half; the first dropped one is 1e-8."""


def _half_exponentials(x: Vector) -> tuple[Vector, Vector]:
    """Half the exponential of the absolute value, and of its negative."""
    root = raised(x.call("fabs") * 0.5)
    large = (0.5 * root * root).let()
    return large, (0.25 / large).let()


def _sinh(x: Vector) -> Vector:
    size = x.call("fabs")
    large, small = _half_exponentials(x)
    near = x * polynomial((x * x).let(), _SINH)
    return size.where_above(0.5, _signed(x, large - small), near)


def _cosh(x: Vector) -> Vector:
    large, small = _half_exponentials(x)
    return large + small


_ERF_SERIES = tuple(
    2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in reversed(range(11))
)
"""Taylor terms of erf(x) / x in the square of x, up to one; the first dropped one is 1e-9."""
_ERF_SCALE = 0.3275911
_ERF_TAIL = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592, 0.0)
"""Abramowitz and Stegun (1964), 7.1.26: good to 1.5e-7."""


def _erf(x: Vector) -> Vector:
    size = x.call("fabs").clip(0.0, 10.0).let()
    square = (size * size).let()
    tail = polynomial((1.0 / (1.0 + size * _ERF_SCALE)).let(), _ERF_TAIL) * raised(0.0 - square)
    return size.where_above(1.0, _signed(x, 1.0 - tail), x * polynomial(square, _ERF_SERIES))


FUNCTIONS: dict[str, Function] = {
    "relu": lambda x: x.new(tirx.Max(x.node, x.of(0.0))),
    "relu6": lambda x: x.clip(0.0, 6.0),
    "hsigmoid": _hsigmoid,
    "hswish": lambda x: x * _hsigmoid(x),
    "sigmoid": _sigmoid,
    "swish": lambda x: x * _sigmoid(x),
    "tanh": _tanh,
    "softplus": _softplus,
    "erf": _erf,
    "abs": lambda x: x.call("fabs"),
    "sqrt": lambda x: x.call("sqrt"),
    "exp": _exp,
    "log": _log,
    "sin": lambda x: _sine(x, 0),
    "cos": lambda x: _sine(x, 1),
    "sinc": _sinc,
    "sinh": _sinh,
    "cosh": _cosh,
    "asinh": _asinh,
    "atan": _atan,
}
"""The activations by name."""


def activated(b: Loops, kind: str, value: Node, lanes: int) -> Node:
    """An activation of a vector."""
    return FUNCTIONS[kind](Vector(b, value, lanes).let()).node
