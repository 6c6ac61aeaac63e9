"""Tokens of the textual IR, and a cursor over them that reports what it did not expect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

from .diagnostic import Diagnostic, DiagnosticError, Label
from .source import Source, Span

_TOKEN = re.compile(
    r"""(?:\s|\#[^\n]*+)*+
      (?:(?P<value>%\w+)
      | (?P<symbol>@(?:[A-Za-z_]\w*(?:\.\w+|\[\d+\])*|"(?:[^"\\\n]|\\.)*"))
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w))
      | (?P<word>[^\W\d]\w*)
      | (?P<sign>\.\.=|->|//|==|!=|<=|>=|[<>+\-*/%()\[\]{},:=])
      | (?P<end>\Z))""",
    re.VERBOSE,
)

_SPACE = re.compile(r"(?:\s|#[^\n]*+)*+")

KINDS = {
    "value": "a value such as '%x'",
    "symbol": "a name such as '@conv_bn'",
    "string": "a text in quotes",
    "number": "a number",
    "word": "a word",
}
"""How each kind of token is called in messages; a sign stands for itself."""


@dataclass(slots=True)
class Token:
    """A piece of text.

    Attributes:
        kind: ``value``, ``symbol``, ``string``, ``number``, ``word``, ``sign`` or ``end``.
        text: as written; for symbols and values without the ``@`` and ``%``, for strings what they stand for.
        start: offset of its first character.
        end: offset after its last character.
        first: whether it is the first token of its line.
    """

    kind: str
    text: str
    start: int
    end: int
    first: bool


def fail(code: str, message: str, span: Span, label: str = "", help: str | None = None) -> NoReturn:
    """Stop with one diagnostic.

    Raises:
        DiagnosticError: always.
    """
    raise DiagnosticError([Diagnostic(code, message, Label(span, label), help=help)])


def tokenize(source: Source) -> list[Token]:
    """All tokens of a text, the last of kind ``end``.

    Raises:
        DiagnosticError: at a character that begins no token, or an escape that means nothing.
    """
    tokens: list[Token] = []
    text, before, kind = source.text, 0, ""
    while kind != "end":
        found = _TOKEN.match(text, before)
        if found is None:
            _bad_character(source, before)
        kind = str(found.lastgroup)
        start, end = found.span(kind)
        content = found[kind]
        if kind == "value":
            content = content[1:]
        elif kind in _QUOTED and '"' in content:
            content = _unquoted(content[kind == "symbol" :], Span(source, start, end))
        elif kind == "symbol":
            content = content[1:]
        first = start > before and "\n" in text[before:start]
        tokens.append(Token(kind, content, start, end, first or not before or kind == "end"))
        before = end
    return tokens


def _bad_character(source: Source, before: int) -> NoReturn:
    found = _SPACE.match(source.text, before)
    at = before if found is None else found.end()
    if source.text[at] == '"' or source.text.startswith('@"', at):
        end = source.text.find("\n", at)
        span = Span(source, at, end if end >= 0 else len(source.text))
        fail("E0201", "a text without its closing '\"'", span)
    fail("E0201", f"unexpected character {source.text[at]!r}", Span(source, at, at + 1))


def _unquoted(text: str, span: Span) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        help = 'write \\\\, \\", \\n or \\uXXXX'
        fail("E0201", "an escape or control character that a text may not have", span, help=help)


_QUOTED = frozenset({"symbol", "string"})
"""Kinds of tokens that stand for what is between their quotes, where they have any."""


class Cursor:
    """A position in the tokens of a source."""

    def __init__(self, source: Source) -> None:
        """Start at the first token.

        Raises:
            DiagnosticError: when the text has something that is no token.
        """
        self.source = source
        self.tokens = tokenize(source)
        self.at = 0

    @property
    def token(self) -> Token:
        """The token ahead."""
        return self.tokens[self.at]

    @property
    def ahead(self) -> Token:
        """The token after that; the end comes after the end."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Take the token ahead; the end stays ahead for ever."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def span(self, token: Token) -> Span:
        """The place of a token."""
        return Span(self.source, token.start, token.end)

    def since(self, start: Token) -> Span:
        """From a token to the last one taken."""
        return Span(self.source, start.start, max(start.end, self.tokens[max(self.at - 1, 0)].end))

    def at_sign(self, sign: str) -> bool:
        """Whether a sign is ahead."""
        token = self.tokens[self.at]
        return token.kind == "sign" and token.text == sign

    def at_word(self, word: str) -> bool:
        """Whether a word is ahead."""
        token = self.tokens[self.at]
        return token.kind == "word" and token.text == word

    def accept(self, sign: str) -> bool:
        """Take a sign if it is ahead."""
        if not self.at_sign(sign):
            return False
        self.at += 1
        return True

    def accept_word(self, word: str) -> bool:
        """Take a word if it is ahead."""
        if not self.at_word(word):
            return False
        self.at += 1
        return True

    def expect(self, sign: str) -> Token:
        """Take a sign; see `unexpected` for the error when it is not ahead."""
        if not self.at_sign(sign):
            self.unexpected(f"'{sign}'")
        return self.advance()

    def expect_word(self, word: str) -> Token:
        """Take a word; see `unexpected` for the error when it is not ahead."""
        if not self.at_word(word):
            self.unexpected(f"'{word}'")
        return self.advance()

    def expect_kind(self, kind: str) -> Token:
        """Take a token of a kind; see `unexpected` for the error when none is ahead."""
        if self.token.kind != kind:
            self.unexpected(KINDS[kind])
        return self.advance()

    def unexpected(self, expected: str) -> NoReturn:
        """Stop at the token ahead.

        When it is on a later line, the end of the token before it is blamed: there something is missing.

        Raises:
            DiagnosticError: always.
        """
        token = self.token
        if token.first and self.at > 0:
            end = self.tokens[self.at - 1].end
            fail("E0202", f"expected {expected} here", Span(self.source, end, end))
        fail("E0202", f"expected {expected}, found '{self.span(token).text}'", self.span(token))
