"""What an editor shows about the text under the pointer, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drawloom.frontend.inspection import Inspection, Seen
from drawloom.frontend.symbols import Symbol
from drawloom.frontend.syntax import (
    Call,
    ChooseArms,
    ChooseFrom,
    Definition,
    Import,
    Literal,
    Member,
    Name,
    Node,
    StaticParameter,
)
from drawloom.frontend.values import ListValue, RangeValue, describe, is_callable, is_scalar
from drawloom.ir import Decision, Diagnostic, Span, Value, choice_text
from drawloom.ir.codes import CODES

from ..quantity import count_text
from .costs import cost_line
from .signatures import Signature, of_predefined, of_symbol

_SHOWN = 6
"""Most values, decisions and elements of a list that are shown."""


@dataclass(frozen=True, slots=True)
class Hover:
    """What to show, and the part of the text that it is about.

    Attributes:
        text: in Markdown.
        start: offset of the part.
        end: offset after it.
        values: what `text` says of values alone, empty where none is known.
    """

    text: str
    start: int
    end: int
    values: str


def hover(inspection: Inspection, offset: int) -> Hover | None:
    """What is known about the text at an offset; None when nothing is."""
    errors = _errors_at(inspection, offset)
    around = inspection.expressions_around(offset)
    found = inspection.names.at(offset)
    node = next((n for n in around if not isinstance(n, Literal)), None)
    if found is not None:
        symbol, span = found
        parts, values = _about_symbol(inspection, symbol), _of_name(inspection, symbol, span)
    elif node is not None:
        span, (parts, values) = node.span, _about_expression(inspection, node)
    elif errors:
        span, parts, values = errors[0].label.span, [], []
    else:
        return None
    values = [*values, *_of_call(inspection, around, span)]
    codes = sorted({e.code for e in errors})
    meanings = [f"**{code}, {CODES[code].title}.** {CODES[code].explanation}" for code in codes]
    text = "\n\n".join([*parts, *values, *meanings])
    return Hover(text, span.start, span.end, "\n\n".join(values)) if text else None


def _errors_at(inspection: Inspection, offset: int) -> list[Diagnostic]:
    return [
        d
        for d in inspection.diagnostics
        if d.label.span.source is inspection.source and d.label.span.start <= offset <= d.label.span.end
    ]


def _about_symbol(inspection: Inspection, symbol: Symbol) -> list[str]:
    node = symbol.node
    if isinstance(node, Definition):
        signature = of_symbol(symbol)
        return [] if signature is None else _about_callable(signature)
    if isinstance(node, (ChooseFrom, ChooseArms)):
        return _about_decisions(inspection.decisions.get((node.span.start, node.span.end), []), symbol.name)
    if isinstance(node, Import):
        return [_code(f'import "{node.path}" as {symbol.name}')]
    owner = f" of `{symbol.owner.name.name}`" if symbol.owner is not None else ""
    if isinstance(node, StaticParameter):
        default = "" if node.default is None else f", by default `{node.default.span.text}`"
        return [f"static parameter `{symbol.name}`{owner}{default}"]
    kind = "tensor parameter" if symbol.kind == "tensor" else "variable"
    return [f"{kind} `{symbol.name}`{owner}"]


def _about_callable(signature: Signature) -> list[str]:
    return [_code(signature.text), *([signature.doc] if signature.doc else [])]


def _about_decisions(decisions: Sequence[Decision], word: str) -> list[str]:
    if not decisions:
        return [f"decision `{word}`, never made here: it has one value, or nothing calls this definition"]
    lines = [f"- `{d.name}`: {_domain_text(d)}" for d in decisions[:_SHOWN]]
    more = len(decisions) - _SHOWN
    count = "decision" if len(decisions) == 1 else f"{len(decisions)} decisions"
    return [count, "\n".join([*lines, *([f"- and {more} more"] if more > 0 else [])])]


def _domain_text(decision: Decision) -> str:
    names = decision.labels or tuple(choice_text(v) for v in decision.domain)
    if len(decision.domain) > 3 * _SHOWN or len(names) != len(decision.domain):
        return f"one of {count_text(len(decision.domain))} values"
    return "one of " + ", ".join(f"`{name}`" for name in names)


def _of_name(inspection: Inspection, symbol: Symbol, place: Span) -> list[str]:
    """The values that a name has where it stands, or where it is read first when it is bound there."""
    if isinstance(symbol.node, Definition):
        return []
    seen = inspection.values_at(place.start, place.end)
    for use in symbol.uses if not seen else ():
        if use.start >= place.start and use.source is inspection.source:
            seen = inspection.values_at(use.start, use.end)
            break
    return _values(seen, with_cost=False)


def _about_expression(inspection: Inspection, node: Node) -> tuple[list[str], list[str]]:
    """What an expression is, and its values."""
    if isinstance(node, Name):
        signature = of_predefined(inspection.predefined.get(node.name))
        return ([] if signature is None else _about_callable(signature)), []
    if isinstance(node, (ChooseFrom, ChooseArms)):
        made = inspection.decisions.get((node.span.start, node.span.end), [])
        return _about_decisions(made, node.name.name), _values(inspection.values[node], with_cost=False)
    return [], _values(inspection.values[node], with_cost=not isinstance(node, Member))


def _of_call(inspection: Inspection, around: Sequence[Node], place: Span) -> list[str]:
    """For the name of something called: what this call gives and costs."""
    for node in around:
        if (
            isinstance(node, Call)
            and node.callee.span.start <= place.start
            and place.end <= node.callee.span.end
        ):
            return _values(inspection.values[node], with_cost=True)
    return []


def _values(seen: Sequence[Seen], *, with_cost: bool) -> list[str]:
    """The values of an expression, a line each; what is called has none."""
    lines: list[str] = []
    for one in seen:
        text = value_text(one.value)
        costs = cost_line(one) if with_cost and len(lines) < _SHOWN else None
        line = f"- `{text}`" + (f": {costs}" if costs else "")
        if not is_callable(one.value) and line not in lines:
            lines.append(line)
    more = len(lines) - _SHOWN
    return ["\n".join([*lines[:_SHOWN], *([f"- and {more} more"] if more > 0 else [])])] if lines else []


def value_text(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Value):
        return str(value.type)
    if isinstance(value, str):
        return f'"{value}"'
    if is_scalar(value):
        return _short(choice_text(value))
    if isinstance(value, RangeValue):
        return f"{value_text(value.start)}..{value_text(value.stop)}"
    if isinstance(value, (tuple, ListValue)):
        items = value.items if isinstance(value, ListValue) else value
        texts = [value_text(v) for v in items[:_SHOWN]]
        inside = _short(", ".join([*texts, *(["..."] if len(items) > _SHOWN else [])]))
        return f"[{inside}]" if isinstance(value, ListValue) else f"({inside})"
    return str(getattr(value, "name", describe(value)))


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _code(text: str) -> str:
    return f"```loom\n{text}\n```"
