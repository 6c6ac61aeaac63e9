"""A rough scan of a text into tokens: open brackets, the end of the token before an error, definitions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|\s+|[A-Za-z_0-9]+|\|>|\.\.=?|[=!<>]=|\+=|//|.', re.DOTALL)
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_DEFINES = (
    r"(?!(?:as|in|from|when|or|and|not|else|for|if|require|return|choose)\b)"
    r"[A-Za-z_]\w*[ \t]+([A-Za-z_]\w*)[ \t]*\("
)
"""The head of a definition, or of one whose keyword is misspelt. Two names in a row before a parenthesis are
nothing else in a text that follows the grammar, unless the first is a reserved word."""

_DEFINITION = re.compile(rf'^(?:{_DEFINES}|import[ \t]*")', re.MULTILINE)
"""The head of a definition or an import in column 0."""

_HEAD = re.compile(rf"^[ \t]*{_DEFINES}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bracket:
    """An opening bracket at an offset."""

    sign: str
    offset: int

    @property
    def closer(self) -> str:
        """The bracket that closes it."""
        return _CLOSER[self.sign]


@dataclass(frozen=True, slots=True)
class Scan:
    """What stands in a text before an offset.

    Attributes:
        open: brackets not yet closed, outermost first.
        last_start: where the last token begins, or 0.
        last_end: where it ends, or 0.
    """

    open: tuple[Bracket, ...]
    last_start: int
    last_end: int


def scan(text: str, end: int) -> Scan:
    """Scan a text up to an offset; a closing bracket that does not match is ignored."""
    stack: list[Bracket] = []
    start = stop = 0
    for match in _TOKEN.finditer(text, 0, end):
        token = match.group()
        if token.isspace() or token.startswith("#"):
            continue
        start, stop = match.span()
        if token in _CLOSER:
            stack.append(Bracket(token, start))
        elif stack and token == stack[-1].closer:
            stack.pop()
    return Scan(tuple(stack), start, stop)


def depth(text: str) -> tuple[int, int]:
    """The deepest nesting of brackets in a text and the offset where it is reached."""
    level = deepest = where = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in _CLOSER:
            level += 1
            if level > deepest:
                deepest, where = level, match.start()
        elif token in ")]}":
            level = max(0, level - 1)
    return deepest, where


def names_defined(text: str) -> list[str]:
    """The names that definitions of a text seem to define, whether or not they follow the grammar."""
    return [m[1] for m in _HEAD.finditer(text)]


def pieces(text: str) -> list[tuple[int, int]]:
    """Ranges of a text cut before every definition and import in column 0: each reports its own error."""
    starts = [m.start() for m in _DEFINITION.finditer(text)]
    cuts = sorted({0, *starts, len(text)})
    return [(a, b) for a, b in pairwise(cuts) if text[a:b].strip()]
