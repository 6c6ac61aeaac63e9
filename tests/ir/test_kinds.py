"""Kinds of scalars, and when two of them agree for every assignment."""

from typing import Any

import pytest

from drawloom.ir import Decision, TensorType, index_of, metric, value_of
from drawloom.ir.agreement import scalars_agree, types_agree
from drawloom.ir.expression import apply, equal, where
from drawloom.ir.kinds import fits, join, kind_of

K = value_of(Decision("k", (3, 5)))
R = value_of(Decision("r", (0.25, 1.0)))
M = value_of(Decision("m", (0, 0.25)))
B = value_of(Decision("b", (True, False)))
T = value_of(Decision("t", ("none", "skip")))
S = value_of(Decision("s", ((0,), (1,), (0, 1))))
X = value_of(Decision("x", ("none", 3)))
WIDE = [value_of(Decision(f"w{i}", tuple(range(1, 20)))) for i in range(4)]


@pytest.mark.parametrize(
    ("scalar", "kind"),
    [
        (3, "integer"),
        (0.5, "number"),
        (True, "boolean"),
        ("a", "text"),
        ((0, 2), "selection"),
        (None, "mixed"),
        (K, "integer"),
        (R, "number"),
        (M, "number"),
        (B, "boolean"),
        (T, "text"),
        (S, "selection"),
        (X, "mixed"),
        (K + 1, "integer"),
        (K + B, "integer"),
        (K * R, "number"),
        (K / 2, "number"),
        (K // 2, "integer"),
        (-R, "number"),
        (apply("round8", K * R), "integer"),
        (apply("max", K, 4), "integer"),
        (apply("count", S), "integer"),
        (apply("has", S, 0), "boolean"),
        (equal(T, "none"), "boolean"),
        (where(B, K, 1.5), "number"),
        (where(B, K, "a"), "mixed"),
        (index_of(Decision("t", ("none", "skip"))), "integer"),
        (metric("parameters"), "integer"),
    ],
)
def test_kinds(scalar: Any, kind: str) -> None:
    assert kind_of(scalar) == kind


def test_what_fits_where() -> None:
    assert fits(K, "number")
    assert fits(B, "integer")
    assert not fits(R, "integer")
    assert not fits(K, "boolean")
    assert join(["integer", "boolean"]) == "integer"


def test_scalars_agree_by_value() -> None:
    assert scalars_agree(K + K, K * 2)
    assert not scalars_agree(K + K, K * 3)
    assert not scalars_agree(K, where(equal(K, 3), 3, 4))
    assert not scalars_agree(3, 3.0)
    assert not scalars_agree(K, 3)


def test_prices_agree_with_nothing_but_themselves() -> None:
    assert scalars_agree(metric("parameters"), metric("parameters"))
    assert not scalars_agree(metric("parameters"), 3)
    assert not scalars_agree(metric("parameters") + K, K + 3)


def test_a_float_that_is_added_makes_a_float() -> None:
    assert (K + 0).whole
    assert not (K + 0.0).whole


def test_scalars_without_tables_are_compared_on_samples() -> None:
    a, b, c, d = WIDE
    assert (a + b + c + d).table is None
    assert scalars_agree(a + b + c + d, d + c + b + a)
    assert not scalars_agree(a + b + c + d, d + c + b + a + 1)
    assert not scalars_agree(a * b * c * d, a + b + c + d)


def test_types_agree() -> None:
    assert types_agree(TensorType((K + K, 8)), TensorType((K * 2, 8)))
    assert not types_agree(TensorType((K, 8)), TensorType((K,)))
    assert not types_agree(TensorType((K, 8)), TensorType((8, K)))
