"""Says what is wrong with a text that does not parse, in words a writer of architectures understands."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lark import Token, UnexpectedCharacters, UnexpectedInput
from lark.exceptions import UnexpectedToken

from drawloom.ir import Diagnostic, Label, Source, Span, suggest

from .habits import find
from .scan import Bracket, Scan, scan

_EXPRESSION = {"NAME", "NUMBER", "LPAR"}
_CONTINUATIONS = frozenset(
    [
        "COMPARE",
        "PLUS",
        "MINUS",
        "STAR",
        "SLASHES",
        "SLASH",
        "PERCENT",
        "DOT",
        "LSQB",
        "LPAR",
        "_OR",
        "_AND",
        "_AS",
        "__ANON_0",
        "__ANON_1",
        "__ANON_2",
        "__ANON_3",
        "_NOT",
        "NAME",
        "NUMBER",
        "STRING",
        "_TRUE",
        "_FALSE",
        "_IF",
        "_CHOOSE",
        "LBRACE",
        "OP",
        "BLOCK",
        "CELL",
        "NETWORK",
        "ANY",
        "IMPORT",
    ]
)
"""Terminals that an error message does not list: they continue or begin an expression, which is said in one
word."""

_WORDS = {
    "_IN": "'in'",
    "_FROM": "'from'",
    "_ELSE": "'else'",
    "_FOR": "'for'",
    "_WHEN": "'when'",
    "STRING": "a text in quotes",
    "COMMA": "','",
    "SEMICOLON": "';'",
    "COLON": "':'",
    "EQUAL": "'='",
    "LBRACE": "'{'",
    "RPAR": "')'",
    "RSQB": "']'",
    "RBRACE": "'}'",
}
"""How the terminals that are listed are called."""


_OPENERS = {"LPAR": "'('", "LSQB": "'['"}
"""Terminals that usually continue an expression and are listed where only they can stand."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """A parse that stopped.

    Attributes:
        source: the source.
        base: where the parsed piece begins in it.
        text: the piece.
        offset: where the offending token begins in the piece.
        token: its text, empty at the end of the piece.
        kind: its terminal, ``$END`` at the end, ``?`` for a character that begins no token.
        expected: terminals that could have stood there.
        before: what stands before it.
    """

    source: Source
    base: int
    text: str
    offset: int
    token: str
    kind: str
    expected: frozenset[str]
    before: Scan

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, self.base + start, self.base + end)

    @property
    def stop(self) -> int:
        """Where the parse stopped: at the token, or after the one before when it stands on a later line."""
        last = self.before.last_end
        unfinished = last and (self.kind == "$END" or "\n" in self.text[last : self.offset])
        return last if unfinished else self.offset

    @property
    def place(self) -> Span:
        """The guilty text: the token, or the end of the one before when the token stands on a later line."""
        if self.stop < self.offset or self.kind == "$END":
            return self.span(self.stop, self.stop)
        return self.span(self.offset, self.offset + max(1, len(self.token)))

    @property
    def previous(self) -> str:
        return self.text[self.before.last_start : self.before.last_end]


def explain(error: UnexpectedInput, source: Source, base: int, text: str) -> Diagnostic:
    """The diagnostic for a parse error in a piece of a source that begins at `base`."""
    problem = _problem(error, source, base, text)
    for rule in _RULES:
        found = rule(problem)
        if found is not None:
            return found
    return _general(problem)


def _problem(error: UnexpectedInput, source: Source, base: int, text: str) -> _Problem:
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        at_end = token.type == "$END"
        offset = len(text) if at_end or token.start_pos is None else token.start_pos
        expected: Iterable[str] = error.accepts or error.expected
        kind, shown = ("$END", "") if at_end else (token.type, str(token))
    else:
        assert isinstance(error, UnexpectedCharacters)
        offset, kind, shown, expected = (
            error.pos_in_stream or 0,
            "?",
            text[error.pos_in_stream or 0],
            error.allowed or (),
        )
    return _Problem(source, base, text, offset, shown, kind, frozenset(expected), scan(text, offset))


def _unreadable(problem: _Problem) -> Diagnostic | None:
    """A character that begins no token: an open quote, a malformed number, or an unknown sign."""
    if problem.kind != "?":
        return None
    place = problem.span(problem.offset, problem.offset + 1)
    if problem.token == '"':
        end = problem.text.find("\n", problem.offset)
        whole = problem.span(problem.offset, end if end >= 0 else len(problem.text))
        return Diagnostic(
            "E0008", "this text is never closed", Label(whole, "expected a closing '\"' on the same line")
        )
    if problem.token.isdigit():
        end = problem.offset
        while end < len(problem.text) and (problem.text[end].isalnum() or problem.text[end] in "._"):
            end += 1
        return Diagnostic(
            "E0007",
            "this is not a number",
            Label(problem.span(problem.offset, end)),
            notes=("numbers look like 3, 0.75, 1e-5, 5.3M; the suffixes are K, M, G, us, ms",),
        )
    sign = problem.text[problem.offset : problem.offset + 2]
    if sign not in _SIGNS:
        sign = problem.token
    place = problem.span(problem.offset, problem.offset + len(sign))
    shown = f"'{sign}'" if sign.isprintable() else unicodedata.name(sign, f"number {ord(sign)}").lower()
    return Diagnostic("E0005", f"unknown sign {shown}", Label(place), help=_SIGNS.get(sign))


_SIGNS = {
    "'": 'texts are written in double quotes: "text"',
    "“": 'texts are written in plain double quotes: "text"',
    "”": 'texts are written in plain double quotes: "text"',
    "!": "write 'not'",
    "&&": "write 'and'",
    "||": "write 'or'",
    "&": "write 'and'",
    "|": "a pipe is written '|>'",
    "^": "there is no power operator; multiply: `x * x`",
    "@": "decisions have no sign in front; they are made by 'choose'",
    "–": "write '-'",
    "−": "write '-'",
    "×": "write '*'",
    "≤": "write '<='",
    "≥": "write '>='",
    "≠": "write '!='",
    "\N{NO-BREAK SPACE}": "write a plain space",
}
"""Signs of other languages and of word processors, with what to write instead."""


def _habit(problem: _Problem) -> Diagnostic | None:
    """Something that is written so in another language."""
    found = find(problem.text, problem.stop, problem.expected) or find(
        problem.text, problem.offset, problem.expected
    )
    if found is None:
        return None
    return Diagnostic("E0001", found.message, Label(problem.span(found.start, found.end)), help=found.help)


def _no_else(problem: _Problem) -> Diagnostic | None:
    """An ``if`` that ends without ``else``, or is used as a statement."""
    repair = "'if' is an expression with a value for both cases: `h = if s == 1 { x } else { h }`"
    if problem.expected == {"_ELSE"}:
        place = problem.span(problem.before.last_start, problem.before.last_end)
        return Diagnostic(
            "E0003", "this 'if' has no 'else'", Label(place, "expected 'else {' after this"), help=repair
        )
    if problem.kind == "_IF" and "_RETURN" in problem.expected:
        place = problem.span(problem.offset, problem.offset + len(problem.token))
        if problem.stop == problem.offset and problem.previous not in ("{", "}"):
            return Diagnostic(
                "E0003",
                "the condition of an 'if' stands before its values",
                Label(place),
                help="write `if condition { a } else { b }` instead of `a if condition else b`",
            )
        return Diagnostic("E0003", "there is no 'if' statement", Label(place), help=repair)
    return None


def _stray_semicolon(problem: _Problem) -> Diagnostic | None:
    if problem.kind != "SEMICOLON" or "SEMICOLON" in problem.expected:
        return None
    place = problem.span(problem.offset, problem.offset + 1)
    if any(b.sign == "(" for b in problem.before.open[-1:]):
        return Diagnostic(
            "E0004", "a second ';' in one pair of parentheses", Label(place), notes=(_SEMICOLON,)
        )
    return Diagnostic(
        "E0004",
        "a ';' that separates nothing",
        Label(place, "remove it"),
        notes=(_SEMICOLON, "statements need no separator"),
    )


_SEMICOLON = "';' stands once in a call or definition, between its tensors and its static arguments"


def _unclosed(problem: _Problem) -> Diagnostic | None:
    """The text ends, or another kind of bracket closes, while a bracket is open."""
    opened = problem.before.open
    closes = problem.token in (")", "]", "}")
    if closes and not (opened and opened[-1].sign != "{") and all(problem.token != b.closer for b in opened):
        return Diagnostic(
            "E0002", f"this '{problem.token}' closes nothing", Label(problem.place, "remove it")
        )
    closes_other = closes and opened and problem.token != opened[-1].closer
    if not opened or not (problem.kind == "$END" or closes_other):
        return None
    bracket: Bracket = opened[-1]
    place = problem.span(bracket.offset, bracket.offset + 1)
    others = (
        ()
        if problem.kind == "$END"
        else (
            Label(
                problem.span(problem.offset, problem.offset + 1),
                f"this closes another bracket; expected '{bracket.closer}'",
            ),
        )
    )
    return Diagnostic(
        "E0002",
        f"this '{bracket.sign}' is never closed",
        Label(place, f"expected a '{bracket.closer}'"),
        others,
    )


def _chained(problem: _Problem) -> Diagnostic | None:
    if problem.kind != "COMPARE" or "COMPARE" in problem.expected:
        return None
    repair = "write `a < b and b < c`" if "_AND" in problem.expected else None
    return (
        None
        if repair is None
        else Diagnostic("E0001", "comparisons do not chain", Label(problem.place), help=repair)
    )


def _choose_inside(problem: _Problem) -> Diagnostic | None:
    before_from = problem.kind == "_FROM" and problem.expected == {"LBRACE"}
    if not before_from and (problem.kind != "_CHOOSE" or "_CHOOSE" in problem.expected):
        return None
    return Diagnostic(
        "E0001",
        "'choose ... from' cannot stand inside an operation",
        Label(problem.place),
        help="put it in parentheses: `2 * (choose k from [1, 2])`",
    )


_RULES: tuple[Callable[[_Problem], Diagnostic | None], ...] = (
    _unreadable,
    _habit,
    _no_else,
    _unclosed,
    _stray_semicolon,
    _chained,
    _choose_inside,
)
"""Special cases, tried in order before the general message."""


def _general(problem: _Problem) -> Diagnostic:
    wanted = _expected_words(problem.expected)
    place = problem.place
    what = "the end of the text" if problem.kind == "$END" else f"'{problem.token}'"
    if place.start == place.end:
        return Diagnostic(
            "E0001",
            f"unfinished: expected {wanted}",
            Label(place, f"expected {wanted} after '{problem.previous}'"),
        )
    near = (
        suggest(problem.token, ("op", "block", "cell", "network"))
        if wanted.startswith("a definition")
        else None
    )
    repair = f"did you mean '{near}'?" if near else None
    return Diagnostic("E0001", f"unexpected {what}", Label(place, f"expected {wanted}"), help=repair)


def _expected_words(expected: frozenset[str]) -> str:
    """What could stand somewhere, as a phrase."""
    words: list[str] = []
    if "_RETURN" in expected:
        words.append("a statement")
    elif expected >= _EXPRESSION:
        words.append("an expression")
    elif "NAME" in expected:
        words.append("a name")
    elif "NUMBER" in expected:
        words.append("a number")
    if "_RETURN" not in expected and {"OP", "BLOCK", "CELL"} <= expected and "NAME" not in expected:
        words.append("a definition (op, block, cell or network)")
    words += [
        word
        for terminal, word in _WORDS.items()
        if terminal in expected
        and not (terminal == "STRING" and "NAME" in expected)
        and not (terminal == "LBRACE" and "_RETURN" in expected)
    ]
    if not words:
        words = [_OPENERS[t] for t in expected if t in _OPENERS and len(expected) == 1]
    if not words:
        words = ["an operator"] if expected & _CONTINUATIONS else ["the end of the text"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
