"""All operations: one family a file, one class an operation. `OPS` is the registry."""

from __future__ import annotations

from ..definition import OpRegistry
from . import (
    activation,
    aggregate,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    search,
    shape,
    training,
)

FAMILIES = (
    *(convolution, linear, normalization, activation, elementwise, aggregate, pooling, shape, training),
    search,
)
"""The modules that define operations, in the order of the documentation."""

OPS = OpRegistry()
"""Every operation of Drawloom by name."""

for _family in FAMILIES:
    for _definition in _family.DEFINITIONS:
        OPS.register(_definition)
