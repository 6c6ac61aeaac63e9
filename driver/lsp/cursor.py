"""What stands around the cursor in a text that is being written, and so may not parse."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'(?P<comment>#[^\n]*)|(?P<text>"[^"\n]*"?)|(?P<space>\s+)|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)'
    r"|(?P<sign>\|>|\.\.=?|[=!<>]=|\+=|//|.)",
    re.DOTALL,
)
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_HEAD = re.compile(r"^(?:op|block|cell|network)[ \t]+[A-Za-z_]\w*", re.MULTILINE)
_CHOSEN = re.compile(r"([A-Za-z_]\w*)\s*=\s*choose\b[^{}=]*$")
_REACH = 200
"""How far before an opening brace its ``choose`` is looked for, in characters."""

_TARGETS = 50
"""Most tokens between a ``for`` and its ``in``."""

_CHOICE = re.compile(r"choose\s+(?:(?:any|\d+(?:\s*\.\.=?\s*\d+)?|\([^()]*\))\s+)?[A-Za-z_]\w*\s*$")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text: ``name``, ``number``, ``text``, ``comment`` or ``sign``."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose closing parenthesis the cursor has not reached.

    Attributes:
        name: what is called.
        member: for a definition of an imported file its name; `name` is then the file's.
        piped: whether a value is piped into it.
        after_semicolon: whether a ``;`` stands before the cursor.
        position: how many arguments stand before the one at the cursor, since the parenthesis or the ``;``.
        keyword: the name given to the argument at the cursor, or empty.
    """

    name: str
    member: str | None
    piped: bool
    after_semicolon: bool
    position: int
    keyword: str

    @property
    def static(self) -> bool:
        """Whether the argument at the cursor is a static one."""
        return self.after_semicolon or self.piped


@dataclass(frozen=True, slots=True)
class Cursor:
    """What stands before the cursor within its definition.

    Attributes:
        begin: where the definition begins, the start of the text before the first one.
        tokens: those before the cursor, without white space, comments and a name that the cursor touches.
        word: that name as far as it is written, or empty.
        quiet: whether the cursor stands in a comment or in a text.
        inside: the offset of the innermost open bracket, -1 outside of all.
        call: the innermost call that is still open, or None.
    """

    begin: int
    tokens: tuple[Token, ...]
    word: str
    quiet: bool
    inside: int
    call: OpenCall | None

    @property
    def last(self) -> str:
        """The token before the cursor and the word it touches, or empty."""
        return self.tokens[-1].text if self.tokens else ""


def at(text: str, offset: int) -> Cursor:
    """What stands before an offset of a text."""
    begin = max((m.start() for m in _HEAD.finditer(text, 0, offset)), default=0)
    everything = [Token(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(text, begin, offset)]
    last = everything[-1] if everything else Token("space", "", begin)
    open_text = last.kind == "text" and (len(last.text) == 1 or not last.text.endswith('"'))
    quiet = open_text or (last.kind == "comment" and offset > last.start)
    word = last.text if last.kind == "name" else ""
    tokens = tuple(t for t in everything if t.kind not in ("space", "comment"))
    tokens = tokens[:-1] if word else tokens
    opened = _open_brackets(tokens)
    inside = tokens[opened[-1]].start if opened else -1
    return Cursor(begin, tokens, word, quiet, inside, _open_call(tokens, opened))


def _open_brackets(tokens: tuple[Token, ...]) -> list[int]:
    """The positions of the brackets that nothing closes, outermost first."""
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _OPENERS:
            opened.append(i)
        elif opened and token.kind == "sign" and token.text == _OPENERS[tokens[opened[-1]].text]:
            opened.pop()
    return opened


def _open_call(tokens: tuple[Token, ...], opened: list[int]) -> OpenCall | None:
    """The innermost open parenthesis of a call, with what stands in it; braces end the search."""
    for i in reversed(opened):
        if tokens[i].text == "{":
            return None
        if tokens[i].text == "(" and i > 0 and tokens[i - 1].kind == "name":
            return _call_at(tokens, i)
    return None


def _call_at(tokens: tuple[Token, ...], at: int) -> OpenCall | None:
    first = at - 1
    member = None
    if first >= 2 and tokens[first - 1].text == "." and tokens[first - 2].kind == "name":
        member, first = tokens[first].text, first - 2
    if first > 0 and tokens[first - 1].text in ("op", "block", "cell", "network") and first == 1:
        return None  # the head of a definition
    position, semicolon, depth, begin = 0, False, 0, at + 1
    for i in range(at + 1, len(tokens)):
        text = tokens[i].text if tokens[i].kind == "sign" else ""
        depth += (text in _OPENERS) - (text in _OPENERS.values())
        if depth == 0 and text == ";":
            position, semicolon, begin = 0, True, i + 1
        elif depth == 0 and text == ",":
            position, begin = position + 1, i + 1
    named = begin + 1 < len(tokens) and tokens[begin + 1].text == "="
    piped = first > 0 and tokens[first - 1].text == "|>"
    return OpenCall(
        tokens[first].text, member, piped, semicolon, position, tokens[begin].text if named else ""
    )


def at_arm(text: str, cursor: Cursor) -> bool:
    """Whether the name of an alternative can stand at the cursor: in the braces of a ``choose``."""
    if (
        cursor.inside < 0
        or text[cursor.inside] != "{"
        or not _CHOICE.search(text, cursor.begin, cursor.inside)
    ):
        return False
    return (
        cursor.last == "{"
        or cursor.last in (")", "]", "}", ",")
        or cursor.tokens[-1].kind in ("name", "number")
    )


def chosen_name(text: str, cursor: Cursor) -> str:
    """The name that gets the value of the ``choose`` whose braces the cursor stands in, or empty."""
    assigned = _CHOSEN.search(text, max(cursor.begin, cursor.inside - _REACH), cursor.inside)
    return assigned[1] if assigned is not None else ""


def names_before(cursor: Cursor) -> dict[str, str]:
    """Names that the definition at the cursor binds before it, each ``parameter`` or ``variable``."""
    found: dict[str, str] = {}
    brackets: list[str] = []
    for i, token in enumerate(cursor.tokens):
        following = cursor.tokens[i + 1].text if i + 1 < len(cursor.tokens) else ""
        before = cursor.tokens[i - 1].text if i else ""
        if token.kind == "sign" and token.text in _OPENERS:
            brackets.append(token.text)
        elif token.kind == "sign" and brackets and token.text == _OPENERS[brackets[-1]]:
            brackets.pop()
        elif token.text == "for":
            found.update(dict.fromkeys(_targets(cursor.tokens, i), "variable"))
        elif token.kind != "name":
            continue
        elif brackets == ["("] and before in ("(", ",", ";"):
            found.setdefault(token.text, "parameter")
        elif brackets and brackets[-1] == "{" and following in ("=", "+=", ","):
            found.setdefault(token.text, "variable")
    return found


def _targets(tokens: tuple[Token, ...], at: int) -> list[str]:
    """The names that a ``for`` binds."""
    names: list[str] = []
    for token in tokens[at + 1 : at + 1 + _TARGETS]:
        if token.text == "in":
            return names
        if token.kind == "name":
            names.append(token.text)
    return []
