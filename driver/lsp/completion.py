"""What can be written at the cursor: names, parameters, members, alternatives and keywords."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drawloom.frontend.inspection import Inspection
from drawloom.frontend.symbols import Symbol
from drawloom.frontend.syntax import ChooseArms
from drawloom.frontend.values import is_callable

from .cursor import Cursor, at, at_arm, chosen_name, names_before
from .signatures import Signature, of_predefined, of_symbol, signature_of

_STATEMENTS = ("for", "return", "require")
_EXPRESSIONS = (
    "if",
    "else",
    "choose",
    "from",
    "in",
    "when",
    "as",
    "and",
    "or",
    "not",
    "true",
    "false",
    "any",
)
_DEFINITIONS = ("op", "block", "cell", "network", "import", "require")
_MEMBERS = ("channels", "height", "width", "len")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something to write.

    Attributes:
        label: what the editor lists.
        kind: of a definition ``op``, ``block``, ``cell`` or ``network``; else ``operation``, ``function``,
            ``parameter``, ``variable``, ``import``, ``arm`` or ``keyword``.
        insert: what is written.
        detail: a few words beside it.
        doc: what it is, in Markdown.
        rank: proposals of lower rank come first.
    """

    label: str
    kind: str
    insert: str
    detail: str = ""
    doc: str = ""
    rank: int = 5


def complete(inspection: Inspection, text: str, offset: int) -> list[Proposal]:
    """Everything that can be written at an offset of a text, which may be newer than what is known."""
    cursor = at(text, offset)
    if (
        cursor.quiet
        or cursor.last in ("choose", "as")
        or (cursor.tokens and cursor.tokens[-1].kind == "number")
    ):
        return []
    if cursor.last == ".":
        return list(_members(inspection, cursor))
    if cursor.inside < 0 and _at_line_start(text, offset - len(cursor.word)):
        return [Proposal(word, "keyword", word) for word in _DEFINITIONS]
    names = names_before(cursor)
    if cursor.last == "|>":
        return list(_callables(inspection))
    proposals = [*_parameters(inspection, cursor), *_named(names)]
    if at_arm(text, cursor):
        proposals += _arms(inspection, [n for n in names if n != chosen_name(text, cursor)])
    proposals += [*_callables(inspection), *_keywords()]
    return _first_of_each(proposals)


def _at_line_start(text: str, offset: int) -> bool:
    return offset == 0 or text[offset - 1] == "\n"


def _first_of_each(proposals: list[Proposal]) -> list[Proposal]:
    found: dict[str, Proposal] = {}
    for proposal in proposals:
        found.setdefault(proposal.label, proposal)
    return list(found.values())


def _named(names: dict[str, str]) -> Iterator[Proposal]:
    for name, kind in names.items():
        yield Proposal(name, kind, name, rank=1)


def _parameters(inspection: Inspection, cursor: Cursor) -> Iterator[Proposal]:
    """The static parameters of the open call, as they are written with their names."""
    call = cursor.call
    if call is None or not call.static or call.keyword:
        return
    signature = signature_of(inspection, call.name, call.member)
    for parameter in signature.statics if signature is not None else ():
        yield Proposal(
            f"{parameter.name}=", "parameter", f"{parameter.name}=", parameter.text, parameter.doc, rank=0
        )


def _arms(inspection: Inspection, names: list[str]) -> Iterator[Proposal]:
    """Alternatives: those that other choices of the text have, then one for each op and block."""
    tensor = names[-1] if names else "x"
    for node in inspection.values:
        for arm in node.arms if isinstance(node, ChooseArms) else ():
            yield Proposal(f"{arm.name.name}:", "arm", arm.span.text, "as in another choice", rank=2)
    for symbol in inspection.names.globals.values():
        if symbol.kind in ("op", "block", "cell"):
            yield Proposal(f"{symbol.name}:", "arm", f"{symbol.name}: {symbol.name}({tensor})", rank=3)


def _callables(inspection: Inspection) -> Iterator[Proposal]:
    for symbol in inspection.names.globals.values():
        if symbol.kind != "network":
            yield _of_symbol(symbol)
    for name, value in inspection.predefined.items():
        signature = of_predefined(value) if is_callable(value) else None
        if signature is not None:
            yield _of_signature(signature, name)


def _of_symbol(symbol: Symbol) -> Proposal:
    signature = of_symbol(symbol)
    if signature is None:
        return Proposal(symbol.name, symbol.kind, symbol.name)
    return _of_signature(signature, symbol.name)


def _of_signature(signature: Signature, name: str) -> Proposal:
    rank = 6 if signature.kind in ("operation", "function") else 4
    return Proposal(name, signature.kind, name, signature.text, signature.doc, rank)


def _members(inspection: Inspection, cursor: Cursor) -> Iterator[Proposal]:
    base = cursor.tokens[-2] if len(cursor.tokens) > 1 else None
    members = inspection.names.members.get(base.text) if base is not None else None
    if members is not None:
        yield from (_of_symbol(symbol) for symbol in members.values())
        return
    yield from (Proposal(name, "function", name) for name in _MEMBERS)


def _keywords() -> Iterator[Proposal]:
    for word in (*_STATEMENTS, *_EXPRESSIONS):
        yield Proposal(word, "keyword", word, rank=7)
