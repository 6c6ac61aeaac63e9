"""Reads the textual IR that `drawloom.ir.printer` writes, checking names, types and rules on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .agreement import types_agree
from .collector import collector_paused
from .decision import Choice, Decision
from .diagnostic import Diagnostic, DiagnosticError, Label, suggest
from .expression_parser import ExpressionParser
from .graph import Constraint, Function, Module, Value
from .kinds import BOOLEAN, INTEGER
from .lexer import Cursor, Token, fail
from .operation_parser import OperationParser
from .printer import SUBSET_LIMIT, subset_domain, subset_size
from .source import Source, Span
from .types import DType, TensorType
from .verifier import problems

KINDS = ("op", "block", "cell", "network")
"""What a function can be an instance of."""

MAX_ERRORS = 50
"""Errors after which reading stops."""

_Item = TypeVar("_Item")


def parse_module(source: Source | str, *, check: bool = True) -> Module:
    """Read a module.

    Types written in the text are compared with what the operations compute. Operations know their place in
    the text.

    Args:
        source: the text; a plain string is called ``<ir>`` in messages.
        check: whether the rules of `drawloom.ir.verify` are applied too.

    Raises:
        DiagnosticError: with every error found, on any text that is not a valid module.
    """
    source = Source("<ir>", source) if isinstance(source, str) else source
    with collector_paused():
        module = _ModuleParser(source).module()
    found = problems(module) if check else []
    if found:
        raise DiagnosticError(
            [
                Diagnostic("E0210", p.message, Label(p.span or Span(source, 0, 0)), notes=(f"in {p.place}",))
                for p in found
            ]
        )
    return module


class _ModuleParser:
    def __init__(self, source: Source) -> None:
        self.cursor = Cursor(source)
        self.decisions: dict[str, Decision] = {}
        self.functions: dict[str, Function] = {}
        self.expressions = ExpressionParser(self.cursor, self.decisions)
        self.errors: list[Diagnostic] = []
        # by their text, with the number of their tokens
        self.static_types: dict[str, tuple[TensorType, int]] = {}

    def module(self) -> Module:
        """The whole text; raises everything collected."""
        cursor = self.cursor
        cursor.expect_word("module")
        name = cursor.expect_kind("symbol").text
        opening = cursor.expect("{")
        constraints: list[Constraint] = []
        while not cursor.at_sign("}") and cursor.token.kind != "end":
            if self.errors and not self.functions and cursor.token.text in KINDS:
                # without the decisions that were in error every function would be
                break
            self.guarded(lambda: self.member(constraints), self._skip_member)
        if not self.errors:
            cursor.expect("}")
            if cursor.token.kind != "end":
                cursor.unexpected("the end of the text")
            if not self.functions:
                fail("E0202", "a module has at least one function", cursor.since(opening))
        if self.errors:
            raise DiagnosticError(self.errors)
        return Module(name, self.functions, self.decisions, tuple(constraints))

    def guarded(self, read: Callable[[], None], skip: Callable[[], None]) -> None:
        """Read something; on an error keep the error and skip to where reading can go on."""
        before = self.cursor.at
        try:
            read()
        except DiagnosticError as error:
            self.errors += error.diagnostics
            if len(self.errors) >= MAX_ERRORS:
                raise DiagnosticError(self.errors) from None
            if self.cursor.at == before:
                self.cursor.advance()
            skip()

    def member(self, constraints: list[Constraint]) -> None:
        """A decision, a constraint or a function."""
        token = self.cursor.token
        if token.text == "decision" and token.kind == "word":
            self.decision()
        elif token.text in ("require", "check") and token.kind == "word":
            constraints.append(self.constraint())
        elif token.text in KINDS and token.kind == "word":
            self.function()
        else:
            self.cursor.unexpected("'decision', 'require', 'check', 'op', 'block', 'cell', 'network' or '}'")

    def _skip_member(self) -> None:
        starts = {"decision", "require", "check", *KINDS}
        while (token := self.cursor.token).kind != "end":
            if token.first and token.kind == "word" and token.text in starts:
                return
            self.cursor.advance()

    # decisions and constraints

    def decision(self) -> None:
        """``decision @name : one_of [...] [labels [...]]`` or ``decision @name : subset ... of ...``."""
        cursor = self.cursor
        start = cursor.expect_word("decision")
        token = cursor.expect_kind("symbol")
        if token.text in self.decisions:
            fail("E0204", f"decision '@{token.text}' is declared twice", cursor.span(token))
        cursor.expect(":")
        form = cursor.token
        if cursor.accept_word("one_of"):
            domain, labels = self.one_of()
        elif cursor.accept_word("subset"):
            domain, labels = self.subset(form)
        else:
            cursor.unexpected("'one_of' or 'subset'")
        if len(domain) < 2:
            fail("E0207", "a decision has at least two values", cursor.since(form))
        self.decisions[token.text] = Decision(token.text, domain, labels, cursor.since(start))

    def one_of(self) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
        """A list of literals, and labels if any."""
        opening = self.cursor.token
        domain: list[Choice] = self.listed(self.literal)
        if len({(type(v), v) for v in domain}) < len(domain):
            fail("E0207", "a value occurs twice in the domain", self.cursor.since(opening))
        labels = tuple(self.listed(self.label)) if self.cursor.accept_word("labels") else ()
        return tuple(domain), labels

    def literal(self) -> Any:
        """A value of a domain."""
        start = self.cursor.token
        value = self.expressions.scalar()
        if not isinstance(value, (int, float, str, tuple)):
            fail("E0207", "a domain lists literals", self.cursor.since(start))
        return value

    def label(self) -> str:
        """A text."""
        return self.cursor.expect_kind("string").text

    def subset(self, form: Token) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
        """``2 of 4``, ``1..=2 of ["a", "b"]``."""
        cursor = self.cursor
        low = high = self.integer()
        if cursor.accept("..="):
            high = self.integer()
        cursor.expect_word("of")
        labels = tuple(self.listed(self.label)) if cursor.at_sign("[") else ()
        n = len(labels) if labels else self.integer()
        if not 0 <= low <= high <= n:
            fail("E0207", f"cannot choose {low} to {high} of {n}", cursor.since(form))
        if n > SUBSET_LIMIT or subset_size(low, high, n) > SUBSET_LIMIT:
            fail("E0207", f"a decision has at most {SUBSET_LIMIT} values", cursor.since(form))
        return subset_domain(low, high, n), labels

    def integer(self) -> int:
        """A plain integer."""
        start = self.cursor.token
        value = self.expressions.atom()
        if type(value) is not int:
            fail("E0202", "expected an integer", self.cursor.since(start))
        return value

    def constraint(self) -> Constraint:
        """``require condition, "message"`` or ``check condition, "message"``."""
        cursor = self.cursor
        start = cursor.advance()
        condition = self.expressions.scalar(BOOLEAN)
        cursor.expect(",")
        message = cursor.expect_kind("string").text
        return Constraint(condition, message, start.text == "require", cursor.since(start))

    def listed(self, item: Callable[[], _Item]) -> list[_Item]:
        """``[item, ...]``, possibly empty."""
        self.cursor.expect("[")
        items: list[_Item] = []
        if self.cursor.accept("]"):
            return items
        items.append(item())
        while self.cursor.accept(","):
            items.append(item())
        self.cursor.expect("]")
        return items

    # functions

    def function(self) -> None:
        """A function, entered into the table of functions."""
        cursor = self.cursor
        start = cursor.advance()
        token = cursor.expect_kind("symbol")
        if token.text in self.functions:
            fail("E0204", f"function '@{token.text}' is defined twice", cursor.span(token))
        definition = cursor.expect_kind("symbol").text if cursor.accept_word("of") else token.text
        body = OperationParser(cursor, self.expressions, self.functions, self.type)
        cursor.expect("(")
        if not cursor.accept(")"):
            body.input()
            while cursor.accept(","):
                body.input()
            cursor.expect(")")
        arguments = body.arguments() if cursor.at_sign("{") else {}
        arrow = cursor.expect("->")
        types = self.types()
        span = cursor.since(start)
        cursor.expect("{")
        before = len(self.errors)
        while not cursor.at_word("return") and not cursor.at_sign("}") and cursor.token.kind != "end":
            self.guarded(body.operation, body.skip)
        outputs = body.outputs()
        cursor.expect("}")
        if len(self.errors) > before:
            # the head is sound: calls of it can be checked
            outputs = None
        if outputs is not None:
            self.check_outputs(token, arrow, outputs, types)
        inputs, operations = tuple(body.inputs), tuple(body.operations)
        self.functions[token.text] = Function(
            token.text,
            start.text,
            inputs,
            operations,
            body.stand_ins(types) if outputs is None else outputs,
            arguments,
            definition,
            span,
        )

    def check_outputs(
        self, name: Token, arrow: Token, outputs: tuple[Value, ...], types: list[TensorType]
    ) -> None:
        """Compare what a function returns with what its head promises."""
        given = [v.type for v in outputs]
        if len(given) != len(types) or not all(map(types_agree, given, types)):
            message = f"'@{name.text}' returns {', '.join(map(str, given))}"
            fail("E0206", message, self.cursor.span(arrow), "says otherwise")

    def types(self) -> list[TensorType]:
        """One or more types, separated by commas."""
        types = [self.type()]
        while self.cursor.accept(","):
            types.append(self.type())
        return types

    def type(self) -> TensorType:
        """``f32[16, 32, 32]``."""
        cursor = self.cursor
        token, at = cursor.token, cursor.at
        written = cursor.source.text[token.start : cursor.source.text.find("]", token.start) + 1]
        if written in self.static_types:
            # the same text is as many tokens
            found, length = self.static_types[written]
            cursor.at += length
            return found
        found = self.new_type()
        if found.static:
            self.static_types[cursor.since(token).text] = found, cursor.at - at
        return found

    def new_type(self) -> TensorType:
        """A type that has not been read before."""
        cursor = self.cursor
        token = cursor.expect_kind("word")
        known = {d.value: d for d in DType}
        if token.text not in known:
            near = suggest(token.text, known)
            help = f"did you mean '{near}'?" if near else f"known: {', '.join(known)}"
            fail("E0203", f"unknown element type '{token.text}'", cursor.span(token), help=help)
        return TensorType(tuple(self.listed(lambda: self.expressions.scalar(INTEGER))), known[token.text])
