"""The primitive operations of the language: every operation of the IR under a friendly name.

Names, static parameters and defaults come from the operations' own definitions; only what differs is written
here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawloom.ir import OPS, OpDefinition
from drawloom.ir.definition import REQUIRED

from .values import Parameter, Primitive

_NAMES = {"conv2d": "conv"}
"""Operations that the language calls differently."""

_STRUCTURAL = {"call", "choice", "zeros", "unembedding"}
"""Operations that syntax or a built-in function makes."""


def _pair(value: Any) -> tuple[Any, Any]:
    return (value[0], value[1]) if isinstance(value, tuple) and len(value) == 2 else (value, value)


def _same_pad(bound: dict[str, Any]) -> Any:
    """The padding under which stride 1 keeps the size of odd kernels: ``dilation * (kernel - 1) // 2``."""
    kernel, dilation = _pair(bound.get("kernel", 1)), _pair(bound.get("dilation", 1))
    pads = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return pads[0] if pads[0] is pads[1] or pads[0] == pads[1] else pads


_DEFAULTS: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
    ("conv2d", "pad"): _same_pad,
    ("max_pool", "pad"): _same_pad,
    ("avg_pool", "pad"): _same_pad,
}
"""Defaults of the language that differ from the operation's, by (operation, attribute)."""


def _primitive(definition: OpDefinition) -> Primitive:
    parameters = tuple(
        Parameter(a.name, a.kind, a.default is REQUIRED, _DEFAULTS.get((definition.name, a.name)))
        for a in definition.attributes
        if a.name != "param"
    )
    name = _NAMES.get(definition.name, definition.name)
    return Primitive(
        name, definition.name, definition.operands, definition.variadic, parameters, definition.has_weights
    )


def primitives() -> dict[str, Primitive]:
    """All primitives by their name in the language."""
    made = (_primitive(d) for d in OPS if d.name not in _STRUCTURAL)
    return {p.name: p for p in made}
