"""What people write who come from other languages, with what to write instead.

Each habit is recognised by the text around the place where a parse stopped; the first that fits speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habit:
    """A mistake that a text shows, and its repair; the group ``mark`` of a pattern is the guilty text.

    Attributes:
        before: must match the line before the offending token.
        after: must match the text from the offending token on.
        message: what is wrong.
        help: what to write instead; ``<name>`` in message and help is that group of a pattern.
        expected: a terminal that must have been possible, or empty.
        impossible: a terminal that must not have been possible, or empty.
    """

    before: re.Pattern[str]
    after: re.Pattern[str]
    message: str
    help: str
    expected: str = ""
    impossible: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A habit in a text: what to say, and the guilty text."""

    message: str
    help: str
    start: int
    end: int


def _habit(
    before: str, after: str, message: str, help: str, *, expected: str = "", impossible: str = ""
) -> Habit:
    return Habit(re.compile(before), re.compile(after), message, help, expected, impossible)


_BODY = "a body is written in braces: `for i in 0..n { ... }`"
_DEFINE = "a definition begins with op, block, cell or network: `block <name>(x; k=3) { return relu(x) }`"
_ANY = ".*"

HABITS: tuple[Habit, ...] = (
    # comments
    _habit(r".*(?P<mark>//)\s*\w+(?:\s+\w+)*\s*", r"\w", "'//' divides", "a comment begins with '#'"),
    _habit(_ANY, r"(?P<mark>//|/\*)", "there are no '<mark>' comments", "a comment begins with '#'"),
    _habit(r"\s*", r'(?P<mark>"[^"\n]*")', "a text that stands alone", "a comment begins with '#'"),
    # comparisons and assignments
    _habit(
        r".*\b(?:if|when|require|and|or|not)\b[^={]*",
        r"(?P<mark>=)(?!=)",
        "'=' gives a name a value and cannot stand in a condition",
        "compare with '=='",
    ),
    _habit(
        r"(?:op|block|cell|network)\b[^;]*\(\s*[^;]*",
        r"(?P<mark>=)",
        "a parameter before the ';' is a tensor and has no default",
        "static parameters stand after ';': `f(x; out=3)`",
        expected="SEMICOLON",
    ),
    _habit(_ANY, r"(?P<mark>=>?)", "an arm is written with ':'", "`name: value`", expected="COLON"),
    _habit(
        r"(?:op|block|cell|network)\b.*=\s*\w+\s*",
        r"(?P<mark>=)",
        "statements stand in a body",
        "write braces instead of the first '=': `{ y = ...  return y }`",
    ),
    _habit(
        r"\s*(?P<name>\w+)\s*",
        r"(?P<mark>(?P<sign>[-*/%])=)",
        "there is no '<mark>'",
        "write `<name> = <name> <sign> ...`",
    ),
    _habit(r"\s*\w+\s*", r"(?P<mark>:=)", "there is no ':='", "a name gets its value with '='"),
    _habit(
        r"\s*\w+\s*",
        r"(?P<mark>:)[^\n]*=",
        "names in a body have no declared type",
        "write `name = value`; the type is inferred",
        expected="EQUAL",
    ),
    _habit(
        "",
        r"(?P<mark>\w+)\s*=",
        "values stand inside definitions",
        "make it a static parameter with a default: `network n(x: f32[3, 32, 32]; <mark>=...)`",
        expected="OP",
        impossible="_RETURN",
    ),
    # words of other languages
    _habit("", r"(?P<mark>def|fn|func|function|fun|class)\s+(?P<name>\w+)", "there is no '<mark>'", _DEFINE),
    _habit(r".*\b(?P<mark>let|var|const|auto|val)\s+", r"\w", "there is no '<mark>'", "write `name = value`"),
    _habit(
        _ANY,
        r"(?P<mark>let|var|const|auto|val)\b",
        "there is no '<mark>'",
        "make it a static parameter with a default: `network n(x: f32[3, 32, 32]; width=32)`",
        impossible="_RETURN",
    ),
    _habit(
        r"\s*(?P<mark>while)\b.*",
        "",
        "there is no 'while'",
        "a loop runs over a range or a list: `for i in 0..n { ... }`",
    ),
    _habit(_ANY, r"(?P<mark>elif|elseif)\b", "there is no '<mark>'", "write `else if`"),
    _habit(
        r".*(?P<mark>\blambda)\b.*",
        "",
        "there is no 'lambda'",
        "define an op, `op f(x) = relu(x)`, or leave the tensor out of a call, `conv(; 8, kernel=3)`",
    ),
    _habit(r"\s*(?P<mark>assert)\s+", "", "there is no 'assert'", 'write `require condition, "message"`'),
    _habit(r"\s*(?P<mark>pass)\s*", "", "there is no 'pass'", "leave it out; a body ends with its 'return'"),
    _habit(
        r"\s*(?P<mark>print)\s*",
        r"\(",
        "nothing is printed while a network is built",
        "see it with `drawloom show FILE`",
    ),
    _habit(
        "", r"(?P<mark>from)\s", "there is no 'from ... import'", '`import "other.loom"` shares definitions'
    ),
    _habit(
        r"\s*(?P<mark>import)\s+",
        r"\w",
        "an import names a file",
        '`import "other.loom"` shares its definitions; operations need no import',
    ),
    _habit(
        r"\s+(?P<mark>op|block|cell|network)\s+",
        r"\w+\s*\(",
        "definitions do not nest",
        "move it out of this body",
    ),
    _habit(r".*\b(?P<mark>[fFrRbB])", r'"', "texts have no prefix", "write the text alone"),
    # calls
    _habit(
        r"\s*(?P<mark>\w+)\s*",
        r"\(",
        "a call whose value is not used",
        "give its value a name: `x = <mark>(...)`",
        expected="EQUAL",
    ),
    _habit(
        r".*[(,;]\s*(?P<name>\w+)\s*",
        r"(?P<mark>:)",
        "an argument is named with '='",
        "write `<name>=...`",
        expected="EQUAL",
    ),
    _habit(
        _ANY, r"(?P<mark>->)[^\n]*[={]", "the type of a result is inferred", "leave out '->' and the type"
    ),
    _habit(r".*(?P<mark>[->])", r">", "there is no '<mark>>'", "a pipe is written '|>'"),
    _habit(
        r".*:\s*(?P<name>\w*)\s*",
        r"(?P<mark>[\[(])",
        "a type names its elements and then its dimensions",
        "write `f32[C, H, W]`, without the batch",
        impossible="_RETURN",
    ),
    # choices, lists and loops
    _habit(
        r".*\bchoose\s+.*",
        r"(?P<mark>in)\b",
        "the alternatives stand after 'from'",
        "`choose kernel from [3, 5]`",
        expected="_FROM",
    ),
    _habit(
        r".*\b(?P<mark>choose)\s*",
        r"[\[{]|from\b",
        "a decision needs a name",
        "write a word after 'choose': `choose kernel from [3, 5]`",
    ),
    _habit(
        r".*\[[^\]]*",
        r"(?P<mark>:)",
        "a part of a list is written with '..'",
        "`xs[a..b]`, `xs[a..]` or `xs[..b]`",
        expected="RSQB",
    ),
    _habit(r".*", r"(?P<mark>:)\s*(?:\n|$)", "there are no bodies by indentation", _BODY),
    _habit(
        r".*\)\s*(?P<mark>=)\s*",
        r"\{",
        "a body in braces takes no '='",
        "write `block f(x) { return x }` or `block f(x) = x`",
    ),
    _habit(
        r".*=\s*",
        r"(?P<mark>\{)",
        "braces do not make a value",
        "a list is `[a, b]`, a tuple `(a, b)`; there are no dictionaries",
    ),
    _habit(
        r".*=\s*",
        r"(?P<mark>return)\b",
        "after '=' stands the value alone",
        "leave out 'return'",
        impossible="_RETURN",
    ),
    _habit(
        r"\s*return\b.*", r"(?P<mark>,)", "a 'return' gives one value", "put them in a list: `return [a, b]`"
    ),
    _habit(
        r"\s*\w+\s*=.*", r"(?P<mark>,)", "a name gets one value", "write a tuple in parentheses: `(a, b)`"
    ),
    _habit(_ANY, r"(?P<mark>\.\.)", "a range has no step", "multiply: `[2 * i for i in 0..n]`"),
    _habit(r".*\.\.", r"(?P<mark>\.)", "a range has two dots", "`a..b` leaves b out, `a..=b` has it in"),
    # operators and numbers
    _habit(r".*(?P<mark>\*)", r"\*", "there is no power operator", "multiply: `x * x`"),
    _habit(
        _ANY,
        r"(?P<mark>(?:not\s+)?in)\b",
        "there is no '<mark>' operator",
        "compare with each: `k == 3 or k == 5`",
        impossible="_IN",
    ),
    _habit(
        r".*\b(?P<mark>is)\s+(?:not\s+)?",
        r"\w",
        "there is no 'is'",
        "compare with '==', or '!='",
        expected="EQUAL",
    ),
    _habit(_ANY, r"(?P<mark>\.\d+)", "a number begins with a digit", "write 0<mark>"),
)
"""Tried in order; the texts are matched within one line, except that a line may end behind the token."""


_REACH = 300
"""How many characters around the offending token are looked at."""


def find(text: str, offset: int, expected: Iterable[str]) -> Found | None:
    """The first habit that a text shows where its parse stopped.

    Args:
        text: the text.
        offset: where the offending token begins, or where the one before it ends.
        expected: terminals that could have stood there.
    """
    possible = frozenset(expected)
    begin = max(text.rfind("\n", 0, offset) + 1, offset - _REACH)
    window = text[begin : offset + _REACH]
    for habit in HABITS:
        if (habit.expected and habit.expected not in possible) or habit.impossible in possible:
            continue
        before = habit.before.fullmatch(window, 0, offset - begin)
        after = habit.after.match(window, offset - begin)
        if before is not None and after is not None:
            return _found(habit, before, after, begin)
    return None


def _found(habit: Habit, before: re.Match[str], after: re.Match[str], begin: int) -> Found:
    words = {**after.groupdict(), **before.groupdict()}
    marked = after if "mark" in after.groupdict() else before
    start, end = marked.span("mark")
    return Found(_filled(habit.message, words), _filled(habit.help, words), begin + start, begin + end)


def _filled(text: str, words: dict[str, str]) -> str:
    for group, word in words.items():
        text = text.replace(f"<{group}>", word)
    return text
