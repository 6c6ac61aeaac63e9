"""The words in a picture: names of operations, their attributes, decisions, alternatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from drawloom.ir import Decision, Expr, Function, Operation, TensorType, choice_text, print_operation
from drawloom.ir.expression import scalar_text
from drawloom.ir.printer import subset_bounds

from .beliefs import Beliefs

_SHOWN = ("kernel", "stride", "dilation", "groups", "out", "axis")
"""Attributes that tell a reader something; the others are left to the tip."""
_ONES = frozenset({"s", "stride", "groups", "dilation"})
"""Static arguments that say nothing when they are 1."""
_LONGEST = 40
"""Characters of the longest line."""


def operation_name(op: Operation) -> str:
    """The name of an operation, for people."""
    return shortened(op.name.replace("_", " "))


def operation_words(op: Operation, beliefs: Beliefs) -> tuple[str, ...]:
    """The attributes of an operation that are not at their defaults."""
    return tuple(
        _assigned(name, op.attributes[name], beliefs)
        for name in _SHOWN
        if name in op.attributes and not _usual(op.attributes[name], op.definition.attribute(name).default)
    )


def call_words(callee: Function, beliefs: Beliefs) -> tuple[str, ...]:
    """The static arguments of a call that say something."""
    return tuple(
        _assigned(name, value, beliefs)
        for name, value in callee.arguments.items()
        if value is not False and value is not None and not (name in _ONES and value == 1)
    )


def _usual(value: Any, default: Any) -> bool:
    return all(v == default for v in value) if isinstance(value, tuple) else bool(value == default)


def _assigned(name: str, value: Any, beliefs: Beliefs) -> str:
    if value is True:
        return name
    if isinstance(value, (tuple, list)):
        if value and all(v is value[0] or v == value[0] for v in value):
            return _assigned(name, value[0], beliefs)
        return f"{name}={'×'.join(map(beliefs.values, value))}"
    return shortened(name + beliefs.text(value))


def shortened(text: str, longest: int = _LONGEST) -> str:
    """A text of at most that many characters, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def type_text(found: TensorType, beliefs: Beliefs) -> str:
    """The shape of a tensor: ``24×56×56``."""
    return shortened("×".join(map(beliefs.values, found.shape)))


def tip_text(op: Operation, names: Mapping[int, str]) -> str:
    """An operation in the textual form of the IR, with the names of values by ``id``."""
    return shortened(print_operation(op, names), 400)


def short_names(decisions: Iterable[Decision]) -> dict[Decision, str]:
    """Decisions by the end of their names that tells them apart from the others."""
    paths = {d: d.name.split(".") for d in decisions}
    common = 0
    while all(len(p) > common + 1 for p in paths.values()) and len({p[common] for p in paths.values()}) == 1:
        common += 1
    return {d: ".".join(path[common:]) for d, path in paths.items()}


def alternative_labels(selector: Any, count: int) -> list[str]:
    """What each alternative of a choice is called: the values of its decision that select it."""
    if not isinstance(selector, Expr):
        return [str(i) for i in range(count)]
    if len(selector.decisions) == 1 and selector.table is not None:
        (decision,) = selector.decisions
        chosen = selector.table.tolist()
        return [_values_text(decision, [v for v, c in enumerate(chosen) if c == i]) for i in range(count)]
    if selector.operator == "where" and selector.args[1:] == (0, 1):
        return [shortened(scalar_text(selector.args[0]).replace("@", "")), "otherwise"]
    return [f"alternative {i}" for i in range(count)]


def _values_text(decision: Decision, positions: Sequence[int]) -> str:
    return shortened(" | ".join(_value_text(decision, decision.domain[p]) for p in positions))


def _value_text(decision: Decision, value: Any) -> str:
    if decision.labels and type(value) is int and value < len(decision.labels):
        return decision.labels[value]
    return choice_text(value)


def count_text(presence: Sequence[Any], size: int) -> str:
    """How many operands of a list are there: ``2 of 5``, or empty where that is no single decision."""
    decisions = {d for p in presence if isinstance(p, Expr) for d in p.decisions}
    if len(decisions) != 1:
        return ""
    (decision,) = decisions
    bounds = subset_bounds(decision.domain, len(decision.labels))
    if bounds is None:
        return ""
    low, high, _ = bounds
    return f"{low} of {size}" if low == high else f"{low} to {high} of {size}"


_NUMBERED = re.compile(r"([^\d\W]\w*)(?:\[(\d+)\]|\.(\d+)(?=\.|$))")


def numbered(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The first numbered component of each path with one: of ``node[2].edge[1].op`` it is ``("node", 2)``."""
    for path in paths:
        found = _NUMBERED.search(path)
        if found:
            yield found[1], int(found[2] or found[3])
