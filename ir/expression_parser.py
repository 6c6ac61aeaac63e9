"""Reads scalars: literals and expressions over decisions, by precedence climbing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .decision import Decision
from .diagnostic import suggest
from .expression import OPERATORS, apply, index_of, metric, value_of
from .kinds import NAMES, argument_kind, fits, kind_of
from .lexer import Cursor, Token, fail
from .source import Source, Span

MAX_DEPTH = 120
"""Deepest tree of an expression, counting each link of a chain such as ``a + b + c``."""

MAX_DIGITS = 18
"""Most digits of an integer: what fits the 64 bits of a table."""

_LITERALS = frozenset({"number", "string"})
_CLOSING = frozenset({",", "]", "}", ")"})
_CHAINS = frozenset({"and", "or"})
_COMPARISON = 4
_UNARY = 7
_NAMED_NUMBERS = {"true": True, "false": False, "inf": float("inf"), "nan": float("nan")}
_FUNCTIONS = {name for name, op in OPERATORS.items() if op.precedence == 0} | {"index", "metric"}


class ExpressionParser:
    """Reads scalars at a cursor.

    Attributes:
        decisions: those declared so far, by name.
    """

    def __init__(self, cursor: Cursor, decisions: Mapping[str, Decision]) -> None:
        self.cursor = cursor
        self.decisions = decisions
        self.depth = 0

    def scalar(self, kind: str | None = None) -> Any:
        """Read one scalar, of a kind if one is given (see `drawloom.ir.kinds`).

        Raises:
            DiagnosticError: when there is none, it cannot be computed, or it is of another kind.
        """
        start = self.cursor.token
        self.depth = 0
        # a literal by itself, which is by far the most common
        alone = start.kind in _LITERALS and self.cursor.ahead.text in _CLOSING
        result = self.atom() if alone else self.binary(1)
        if kind is not None and not fits(result, kind):
            message = f"expected {NAMES[kind]}, got {NAMES[kind_of(result)]}"
            fail("E0208", message, self.cursor.since(start))
        return result

    def decision(self) -> Decision:
        """Read a reference to a declared decision."""
        token = self.cursor.expect_kind("symbol")
        found = self.decisions.get(token.text)
        if found is None:
            near = suggest(token.text, self.decisions)
            help = f"did you mean '@{near}'?" if near else "declare it at the head of the module"
            fail("E0203", f"unknown decision '@{token.text}'", self.cursor.span(token), help=help)
        return found

    def binary(self, level: int) -> Any:
        """Read operators that bind at least as strongly as `level`."""
        start = self.cursor.token
        left = self.prefix()
        outer = self.depth
        while (operator := self._infix()) is not None and OPERATORS[operator].precedence >= level:
            precedence = OPERATORS[operator].precedence
            self.cursor.advance()
            self._deeper(start)
            operands = [left, self.binary(precedence + 1)]
            while operator in _CHAINS and self.cursor.accept_word(operator):
                operands.append(self.binary(precedence + 1))
            left = self.apply(operator, operands, start)
            if precedence == _COMPARISON:
                self._end_of_comparison()
        self.depth = outer
        return left

    def _end_of_comparison(self) -> None:
        operator = self._infix()
        if operator is not None and OPERATORS[operator].precedence == _COMPARISON:
            span = self.cursor.span(self.cursor.token)
            fail("E0202", "comparisons do not chain", span, help="write 'a < b and b < c'")

    def _infix(self) -> str | None:
        token = self.cursor.token
        if token.kind not in ("sign", "word") or token.text not in OPERATORS:
            return None
        return token.text if OPERATORS[token.text].precedence and token.text not in ("not", "neg") else None

    def prefix(self) -> Any:
        """Read a scalar with its prefix operators."""
        token = self.cursor.token
        name = {"-": "neg", "not": "not"}.get(token.text) if token.kind in ("sign", "word") else None
        if name is None:
            return self.atom()
        self.cursor.advance()
        outer = self.depth
        self._deeper(token)
        operand = self.binary(OPERATORS[name].precedence + (name == "not"))
        self.depth = outer
        return self.apply(name, [operand], token)

    def atom(self) -> Any:
        """Read a literal, a reference, a function application or something in parentheses."""
        cursor, token = self.cursor, self.cursor.token
        if token.kind == "number":
            return number(cursor.advance(), cursor.source)
        if token.kind == "string":
            return cursor.advance().text
        if token.kind == "symbol":
            return value_of(self.decision())
        if token.kind == "word" and token.text in _NAMED_NUMBERS:
            return _NAMED_NUMBERS[cursor.advance().text]
        if token.kind == "word" and token.text in _FUNCTIONS:
            return self.application()
        if cursor.at_sign("("):
            return self.parenthesised()
        cursor.unexpected("a number, a text, a decision or an expression")

    def application(self) -> Any:
        """Read ``f(a, b)``; the options of ``select`` stand in brackets."""
        cursor, token = self.cursor, self.cursor.advance()
        cursor.expect("(")
        outer = self.depth
        self._deeper(token)
        if token.text == "index":
            result: Any = index_of(self.decision())
        elif token.text == "metric":
            result = metric(cursor.expect_kind("word").text)
        elif token.text == "select":
            arguments = [self.binary(1)]
            cursor.expect(",")
            cursor.expect("[")
            arguments += self._listed()
            cursor.expect("]")
            result = self.apply("select", arguments, token)
        else:
            result = self.apply(token.text, self._listed(), token)
        cursor.expect(")")
        self.depth = outer
        return result

    def _listed(self) -> list[Any]:
        items = [self.binary(1)]
        while self.cursor.accept(","):
            items.append(self.binary(1))
        return items

    def parenthesised(self) -> Any:
        """Read ``(expression)`` or a selection: ``()``, ``(0,)``, ``(0, 2)``."""
        cursor = self.cursor
        opening = cursor.expect("(")
        if cursor.accept(")"):
            return ()
        outer = self.depth
        self._deeper(opening)
        first = self.binary(1)
        self.depth = outer
        if cursor.accept(")"):
            return first
        items = [first]
        while cursor.accept(",") and not cursor.at_sign(")"):
            items.append(self.binary(1))
        cursor.expect(")")
        if not all(type(i) is int for i in items):
            fail("E0208", "a selection lists positions, which are integers", cursor.since(opening))
        return tuple(items)

    def apply(self, operator: str, arguments: list[Any], start: Token) -> Any:
        """Apply an operator after checking the kinds of its arguments."""
        span = self.cursor.since(start)
        for position, argument in enumerate(arguments):
            kind = argument_kind(operator, position)
            if kind is not None and not fits(argument, kind):
                wanted, got = NAMES[kind], NAMES[kind_of(argument)]
                fail("E0208", f"'{operator}' needs {wanted}, got {got}", span)
        if operator == "select" and type(arguments[0]) is int and not 0 <= arguments[0] < len(arguments) - 1:
            fail("E0208", f"position {arguments[0]} of {len(arguments) - 1} options", span)
        try:
            return apply(operator, *arguments)
        except (ArithmeticError, TypeError, ValueError, IndexError) as error:
            fail("E0208", f"'{self._name(operator)}' cannot be computed here: {error}", span)

    @staticmethod
    def _name(operator: str) -> str:
        return "-" if operator == "neg" else operator

    def _deeper(self, token: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            fail("E0209", f"an expression more than {MAX_DEPTH} deep", self.cursor.span(token))


def number(token: Token, source: Source) -> int | float:
    """The value of a number token.

    Raises:
        DiagnosticError: when it has too many digits.
    """
    if not token.text.isdecimal():
        return float(token.text)
    if len(token.text) > MAX_DIGITS:
        span = Span(source, token.start, token.end)
        fail("E0209", f"an integer of {len(token.text)} digits; at most {MAX_DIGITS}", span)
    return int(token.text)
