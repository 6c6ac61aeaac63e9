"""The comments and blank lines between tokens, kept with the token that follows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lark import Token

_PIECE = re.compile(r"#[^\n]*|\n")
_MARKS = (",", ";")
"""Tokens that stay with the one before them: comments between the two move behind."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment.

    Attributes:
        text: the comment with its ``#``.
        own_line: whether it stands on a line of its own, not behind a token.
        blank: whether an empty line stands before it.
    """

    text: str
    own_line: bool
    blank: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands between two tokens.

    Attributes:
        comments: the comments in order; only the first can stand behind a token.
        blank: whether an empty line stands directly before the second token.
    """

    comments: tuple[Comment, ...] = ()
    blank: bool = False

    @property
    def has_blank(self) -> bool:
        """Whether there is an empty line anywhere in it."""
        return self.blank or any(c.blank for c in self.comments)

    def with_blank(self) -> Gap:
        """The same with an empty line after the comment that stands behind a token."""
        at = next((i for i, c in enumerate(self.comments) if c.own_line), None)
        if at is None:
            return replace(self, blank=True)
        first = replace(self.comments[at], blank=True)
        return replace(self, comments=(*self.comments[:at], first, *self.comments[at + 1 :]))

    def followed_by(self, other: Gap) -> Gap:
        """Both gaps as one, when the token between them is gone."""
        if not self.comments:
            return other
        later = tuple(replace(c, own_line=True) for c in other.comments)
        return Gap(self.comments + later, other.blank)


EMPTY = Gap()


def gaps(text: str, tokens: Iterable[Token]) -> tuple[Mapping[int, Gap], Gap]:
    """What stands before each token of a text, by the offset of the token, and what stands after the last.

    Args:
        text: the text.
        tokens: all its tokens in order.
    """
    before: dict[int, Gap] = {}
    moved, end = EMPTY, 0
    for token in tokens:
        assert token.start_pos is not None
        assert token.end_pos is not None
        found = moved.followed_by(_read(text[end : token.start_pos], at_start=end == 0))
        moved = found if token in _MARKS else EMPTY
        before[token.start_pos] = EMPTY if token in _MARKS else found
        end = token.end_pos
    return before, moved.followed_by(_read(text[end:], at_start=end == 0))


def _read(text: str, *, at_start: bool) -> Gap:
    comments: list[Comment] = []
    lines = 0
    for found in _PIECE.finditer(text):
        if found.group() == "\n":
            lines += 1
            continue
        first = at_start and not comments
        comments.append(Comment(found.group().rstrip(), lines > 0 or first, lines > 1 and not first))
        lines = 0
    return Gap(tuple(comments), lines > 1)
