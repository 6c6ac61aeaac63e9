"""What every importer shares: the table from kinds of steps to rules that append to a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drawloom.ir import DType, Value

from . import element_rules, layer_rules, shape_rules
from .draft import Draft
from .problems import Unsupported

RULES: dict[str, Callable[..., Any]] = layer_rules.RULES | element_rules.RULES | shape_rules.RULES
"""Rules by kind of step: called with the function, the operands and the options, they give the result."""


@dataclass(frozen=True, slots=True)
class Step:
    """An operation of a foreign format in the vocabulary that all formats share.

    Attributes:
        kind: a key of `RULES`.
        operands: entries, or lists of them.
        options: what else the rule takes.
    """

    kind: str
    operands: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


def step(kind: str, *operands: Any, **options: Any) -> Step:
    """A step, written like a call."""
    return Step(kind, operands, options)


def apply(draft: Draft, found: Step) -> Any:
    """The entries that a step gives, appended to a function.

    Raises:
        Unsupported: when the IR cannot express it.
        InferenceError: when operands or options do not fit.
    """
    for operand in found.operands if found.kind != "embedding" else ():
        for entry in operand if isinstance(operand, (list, tuple)) else (operand,):
            if isinstance(entry, Value) and entry.type.dtype is not DType.F32:
                raise Unsupported("it computes with integers; the IR has tokens of an embedding only")
    return RULES[found.kind](draft, *found.operands, **found.options)
