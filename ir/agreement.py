"""Whether two scalars or types mean the same for every assignment."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from .expression import Expr, apply, same
from .types import TensorType

_SAMPLES = 64


def types_agree(a: TensorType, b: TensorType) -> bool:
    """Whether two types are the same: element type, rank and, for every assignment, all dimensions."""
    if a is b or a == b:
        return True
    if a.dtype is not b.dtype or len(a.shape) != len(b.shape):
        return False
    return all(scalars_agree(x, y) for x, y in zip(a.shape, b.shape, strict=True))


def scalars_agree(a: Any, b: Any) -> bool:
    """Whether two scalars are equal for every assignment.

    Shown by identity or by table; expressions over too many decisions for a table are compared on fixed
    random assignments, since one expression can be written in many ways.
    """
    if same(a, b):
        return True
    if not isinstance(a, Expr) and not isinstance(b, Expr):
        return False
    difference = apply("==", a, b)
    if not isinstance(difference, Expr):
        return bool(difference)
    return difference.table is None and not difference.has_metric and _holds_on_samples(difference)


@lru_cache(maxsize=4096)
def _holds_on_samples(condition: Expr) -> bool:
    rng = np.random.default_rng(math.prod(len(d) for d in condition.decisions) % 2**32)
    columns = {d: rng.integers(len(d), size=_SAMPLES) for d in condition.decisions}
    return bool(np.all(condition.columns(columns)))
