"""A part of a text before it is put into its place: its layout and the comments in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .comments import EMPTY, Gap
from .document import (
    HARD,
    LINE,
    NOTHING,
    SPACE,
    Document,
    IfBroken,
    Line,
    Remark,
    Text,
    concat,
    group,
    indent,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A laid-out subtree of the parse tree, or a token.

    Attributes:
        rule: the rule of the grammar, or the text of the token.
        doc: its layout.
        gap: what stands before its first token.
        items: for a list of arguments or parameters: its members, without the commas.
        open: the same layout without the group and the indentation around it, for parents with their own.
        head: for a chain of operators: its first operand.
        tail: for a chain of operators: what follows that.
    """

    rule: str
    doc: Document
    gap: Gap = EMPTY
    items: tuple[Piece, ...] = ()
    open: Document = NOTHING
    head: Document = NOTHING
    tail: Document = NOTHING


BRACKETED = frozenset({"list", "tuple", "comprehension", "atom", "choose_arms"})
"""Rules that open a bracket on their first line and end by closing it: they need no line of their own."""

_HUGGED = BRACKETED | {"call", "if_"}
"""Rules that share the brackets of a call or list of which they are the only member."""


def before(piece: Piece, separator: Document) -> Document:
    """What separates a piece from the one before: the comments between them, else the separator."""
    if not piece.gap.comments:
        return separator
    return indent(_remarks(piece.gap, first=True), HARD)


def item(piece: Piece, separator: Line, *, first: bool = False) -> Document:
    """The same before a member of a sequence, which may have an empty line in front of it.

    Args:
        piece: the member.
        separator: what stands there without comments.
        first: whether it is the first of its sequence; no empty line is left before that.
    """
    blank = piece.gap.blank
    if not piece.gap.comments:
        return replace(separator, blank=blank and not first)
    return concat(_remarks(piece.gap, first=first), Line(None, blank))


def closing(piece: Piece, separator: Document, *, first: bool = False) -> Document:
    """A closing bracket; comments before it belong to what it closes.

    Args:
        piece: the bracket.
        separator: what stands before it without comments.
        first: whether nothing else is in the brackets.
    """
    if not piece.gap.comments:
        return concat(separator, piece.doc)
    return concat(indent(_remarks(piece.gap, first=first)), HARD, piece.doc)


def end_of_file(gap: Gap, *, first: bool) -> Document:
    """The comments after all tokens, and the last newline.

    Args:
        gap: what stands after the last token.
        first: whether there are no tokens.
    """
    return concat(_remarks(gap, first=first), HARD)


def _remarks(gap: Gap, *, first: bool) -> Document:
    """The comments of a gap, each but one behind a token on a line of its own."""
    parts: list[Document] = []
    for comment in gap.comments:
        if comment.own_line:
            parts.append(Line(None, comment.blank and not (first and not parts)))
            parts.append(Remark(comment.text))
        else:
            parts.append(Remark(f"  {comment.text}"))
    return concat(*parts)


def joined(pieces: Sequence[Piece], separator: Document) -> Document:
    """Pieces on one line, but for comments between them."""
    parts: list[Document] = [pieces[0].doc]
    for piece in pieces[1:]:
        parts += [before(piece, separator), piece.doc]
    return concat(*parts)


def hugs(piece: Piece) -> bool:
    """Whether a piece may share the brackets of a call or list whose only member it is."""
    value = piece.items[-1] if piece.rule == "keyword_arg" else piece
    return value.rule in _HUGGED and not piece.gap.comments


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a bracketed sequence and the mark behind it, ``,`` or ``;``; the last has ``,`` or none."""

    piece: Piece
    mark: str


def bracketed(opening: Document, members: Sequence[Member], close: Piece, first: Line) -> Document:
    """A sequence in brackets: on one line, or one member a line with a mark after each.

    Args:
        opening: the opening bracket and what belongs to it.
        members: what is in the brackets.
        close: the closing bracket.
        first: what separates the opening bracket from the first member.
    """
    if not members:
        return group(opening, closing(close, NOTHING, first=True))
    parts: list[Document] = []
    separator = first
    for at, member in enumerate(members):
        parts += [item(member.piece, separator, first=at == 0), member.piece.doc]
        last = at == len(members) - 1
        parts.append(IfBroken(member.mark) if last and member.mark == "," else Text(member.mark))
        separator = LINE
    return group(opening, indent(*parts), closing(close, Line("")))


def filled(opening: Document, members: Sequence[Piece], close: Piece) -> Document:
    """A list of short members: on one line, or as many on each line as fit."""
    parts: list[Document] = [item(members[0], Line(""), first=True), members[0].doc]
    for member in members[1:]:
        step = concat(item(member, LINE, first=True), member.doc)
        parts += [Text(","), group(step) if step.flat is not None else step]
    return group(opening, indent(*parts, IfBroken(",")), closing(close, Line("")))


def spaced(pieces: Sequence[Piece]) -> Document:
    """Pieces with one space between them."""
    return joined(pieces, SPACE)


def tight(pieces: Sequence[Piece]) -> Document:
    """Pieces with nothing between them."""
    return joined(pieces, NOTHING)
