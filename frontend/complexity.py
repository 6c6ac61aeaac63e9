"""Measures expressions over decisions, so that none grows beyond what can be printed and walked."""

from __future__ import annotations

import weakref
from typing import Any

from drawloom.ir import Expr, TensorType

from . import limits

_measured: weakref.WeakKeyDictionary[Expr, tuple[int, int]] = weakref.WeakKeyDictionary()


def measure(expr: Expr) -> tuple[int, int]:
    """The height of an expression and its number of leaves and operators when written out.

    Shared parts count as often as they would be printed. Amortised constant: operands are measured first.
    """
    found = _measured.get(expr)
    if found is None:
        parts = [measure(a) for a in expr.args if isinstance(a, Expr)]
        height = 1 + max((h for h, _ in parts), default=0)
        found = height, len(expr.args) - len(parts) + 1 + sum(s for _, s in parts)
        _measured[expr] = found
    return found


def too_complex(value: Any) -> bool:
    """Whether a scalar is an expression beyond the limits."""
    if not isinstance(value, Expr):
        return False
    height, size = measure(value)
    return height > limits.EXPRESSION_DEPTH or size > limits.EXPRESSION_SIZE


def too_complex_type(type: TensorType) -> bool:
    """Whether a dimension of a tensor is an expression beyond the limits."""
    return any(too_complex(d) for d in type.shape)
