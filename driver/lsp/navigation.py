"""Where a name is declared and used, what a file defines, and how a name is changed everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from drawloom.frontend.inspection import Inspection
from drawloom.frontend.symbols import Symbol
from drawloom.frontend.syntax import ChooseArms, ChooseFrom, Definition, Import
from drawloom.ir import Span, UserError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    {"as", "in", "from", "when", "or", "and", "not", "else", "for", "if", "require", "return", "choose"}
    | {"true", "false"}
)
"""Words that cannot be names."""


def declaration(inspection: Inspection, offset: int) -> Span | None:
    """Where the name at an offset gets its value; None when no name of a text stands there.

    On the path of an import it is the beginning of the imported file.
    """
    found = inspection.names.at(offset)
    if found is not None:
        symbol, place = found
        if isinstance(symbol.node, Import):
            return _imported(inspection, symbol.node)
        return symbol.binding_of(place)
    for item in inspection.names.file.imports:
        if item.span.start <= offset <= item.span.end:
            return _imported(inspection, item)
    return None


def _imported(inspection: Inspection, item: Import) -> Span | None:
    other = inspection.names.imported.get(item)
    return None if other is None else Span(other.file.source, 0, 0)


def references(inspection: Inspection, offset: int, *, declared: bool = True) -> list[Span]:
    """All places of the name at an offset.

    Args:
        inspection: of the text.
        offset: where the name stands.
        declared: whether the places where it gets its value are among them.
    """
    found = inspection.names.at(offset)
    if found is None:
        return []
    symbol, _ = found
    bound = {b.span for b in symbol.bindings}
    return [place for place in symbol.places if declared or place not in bound]


def renamed(inspection: Inspection, offset: int, name: str) -> list[Span]:
    """The places to change when the name at an offset becomes another.

    Raises:
        UserError: when there is nothing to rename, the new name is none, or it already stands for something.
    """
    found = inspection.names.at(offset)
    if found is None:
        raise UserError("there is no name of this file here")
    symbol, _ = found
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise UserError(f"'{name}' is not a name")
    if name != symbol.name and (name in _visible(inspection, symbol)):
        raise UserError(f"'{name}' already stands for something here")
    if any(place.source is not inspection.source for place in symbol.places):
        raise UserError(f"'{symbol.name}' is also in another file; rename it there")
    return symbol.places


def _visible(inspection: Inspection, symbol: Symbol) -> set[str]:
    """The names that a new name of a symbol must not be."""
    names = inspection.names
    visible = {*names.globals, *inspection.predefined}
    owners = [symbol.owner] if symbol.owner is not None else list(names.file.definitions)
    for owner in owners:
        visible.update(names.locals.get(owner, {}))
    return visible if symbol.kind != "decision" else set()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the outline.

    Attributes:
        name: what it shows.
        kind: as of a symbol.
        span: the whole text.
        place: the name in it.
        children: the decisions of a definition.
    """

    name: str
    kind: str
    span: Span
    place: Span
    children: tuple[Entry, ...] = ()


def outline(inspection: Inspection) -> list[Entry]:
    """The definitions of a text with their decisions, in order."""
    return [_entry(inspection, definition) for definition in inspection.names.file.definitions]


def _entry(inspection: Inspection, definition: Definition) -> Entry:
    decisions = [
        Entry(symbol.name, "decision", symbol.node.span, place)
        for place, symbol in inspection.names.symbols_in(definition.span)
        if isinstance(symbol.node, (ChooseFrom, ChooseArms))
    ]
    return Entry(
        definition.name.name, definition.kind, definition.span, definition.name.span, tuple(decisions)
    )
