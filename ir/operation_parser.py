"""Reads the inside of a function: inputs, static arguments, operations and the return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .agreement import types_agree
from .builder import make_operation
from .definition import InferenceError, OpDefinition, require_now
from .diagnostic import Diagnostic, DiagnosticError, Label, UserError, suggest
from .expression_parser import ExpressionParser
from .graph import Function, Operation, Value
from .kinds import ATTRIBUTE_KINDS, BOOLEAN, INTEGER, NAMES, fits, kind_of
from .lexer import Cursor, Token, fail
from .ops import OPS
from .source import Span
from .types import TensorType

_MAX_LISTS = 8


class OperationParser:
    """Reads one function at a cursor, collecting its inputs and operations.

    Attributes:
        inputs: the function's inputs so far.
        operations: its operations so far.
    """

    def __init__(
        self,
        cursor: Cursor,
        expressions: ExpressionParser,
        functions: Mapping[str, Function],
        read_type: Callable[[], TensorType],
    ) -> None:
        self.cursor = cursor
        self.expressions = expressions
        self.functions = functions
        self.read_type = read_type
        self.inputs: list[Value] = []
        self.operations: list[Operation] = []
        # names to values; None stands for the result of an operation that was in error
        self.values: dict[str, Value | None] = {}

    # heads

    def input(self) -> None:
        """``%x: f32[3, 32, 32]``."""
        token = self.new_name()
        self.cursor.expect(":")
        value = Value(self.read_type(), len(self.inputs), _hint(token))
        self.inputs.append(value)
        self.values[token.text] = value

    def new_name(self) -> Token:
        """A value's name that is not taken yet."""
        token = self.cursor.expect_kind("value")
        if token.text in self.values:
            fail("E0204", f"'%{token.text}' is defined twice", self.cursor.span(token))
        return token

    def arguments(self) -> dict[str, Any]:
        """``{key=value, ...}`` of a function."""
        return {key: value for key, (value, _, _) in self.braces().items()}

    def braces(self) -> dict[str, tuple[Any, Span, Span]]:
        """``{key=value, ...}``: keys to value, the key's place and the value's place."""
        cursor = self.cursor
        result: dict[str, tuple[Any, Span, Span]] = {}
        cursor.expect("{")
        while True:
            key = cursor.advance() if cursor.token.kind == "string" else cursor.expect_kind("word")
            if key.text in result:
                fail("E0204", f"'{key.text}' is given twice", cursor.span(key))
            cursor.expect("=")
            start = cursor.token
            value = self.argument()
            result[key.text] = value, cursor.span(key), cursor.since(start)
            if not cursor.accept(","):
                break
        cursor.expect("}")
        return result

    def argument(self, depth: int = 0) -> Any:
        """A scalar, ``none``, or a list of arguments in brackets (a tuple)."""
        cursor = self.cursor
        if cursor.accept_word("none"):
            return None
        if not cursor.at_sign("["):
            return self.expressions.scalar()
        opening = cursor.expect("[")
        if depth == _MAX_LISTS:
            fail("E0209", f"lists are nested more than {_MAX_LISTS} deep", cursor.span(opening))
        items: list[Any] = []
        while not cursor.at_sign("]"):
            items.append(self.argument(depth + 1))
            if not cursor.accept(","):
                break
        cursor.expect("]")
        return tuple(items)

    # bodies

    def operation(self) -> None:
        """``%a, %b = name ... : types``, appended to the operations."""
        cursor = self.cursor
        start = cursor.token
        names = [self.new_name()]
        while cursor.accept(","):
            names.append(self.new_name())
        # until the operation is known to be right its results are known only to exist
        self.values.update(dict.fromkeys((n.text for n in names), None))
        if len({n.text for n in names}) < len(names):
            fail("E0204", "two results have the same name", cursor.since(start))
        cursor.expect("=")
        word = cursor.expect_kind("word")
        made = _FORMS.get(word.text, OperationParser.general)(self, word)
        types = self.result_types()
        if made is None:
            return
        self.finish(made, start, names, types)

    def finish(
        self, op: Operation, start: Token, names: Sequence[Token], types: Sequence[tuple[TensorType, Span]]
    ) -> None:
        """Compare results with what is written, name them and append the operation."""
        if len(op.results) != len(names):
            count = f"'{op.name}' has {len(op.results)} results, {len(names)} are named"
            fail("E0205", count, self.cursor.span(names[0]).to(self.cursor.span(names[-1])))
        if len(types) != len(names):
            fail("E0206", f"{len(names)} results and {len(types)} types", types[0][1].to(types[-1][1]))
        for value, name, (written, span) in zip(op.results, names, types, strict=True):
            if not types_agree(value.type, written):
                fail("E0206", f"the type of '%{name.text}' is {value.type}", span, f"not {written}")
            value.type = written
            value.name = _hint(name)
        op.span = self.cursor.since(start)
        self.operations.append(op)
        self.values.update(zip((n.text for n in names), op.results, strict=True))

    def skip(self) -> None:
        """Go on to the next operation, the return or the end of the function."""
        while (token := self.cursor.token).kind != "end":
            if token.first and (token.kind == "value" or token.text in ("return", "}")):
                return
            self.cursor.advance()

    def outputs(self) -> tuple[Value, ...] | None:
        """``return %a, %b``; None when one of them comes from an operation in error."""
        self.cursor.expect_word("return")
        values = [self.operand()[0]]
        while self.cursor.accept(","):
            values.append(self.operand()[0])
        known = [v for v in values if v is not None]
        return tuple(known) if len(known) == len(values) else None

    def stand_ins(self, types: Sequence[TensorType]) -> tuple[Value, ...]:
        """Values of the promised types, for a function whose body is in error."""
        return tuple(Value(t, i) for i, t in enumerate(types))

    def result_types(self) -> list[tuple[TensorType, Span]]:
        """``: type, type`` with places."""
        cursor = self.cursor
        cursor.expect(":")
        types: list[tuple[TensorType, Span]] = []
        while True:
            start = cursor.token
            types.append((self.read_type(), cursor.since(start)))
            if not cursor.accept(","):
                return types

    def operand(self) -> tuple[Value | None, Span]:
        """``%x`` and its place."""
        token = self.cursor.expect_kind("value")
        span = self.cursor.span(token)
        if token.text not in self.values:
            near = suggest(token.text, self.values)
            fail(
                "E0203",
                f"'%{token.text}' is not defined above",
                span,
                help=f"did you mean '%{near}'?" if near else None,
            )
        return self.values[token.text], span

    # operations

    def general(self, word: Token) -> Operation | None:
        """Any operation without a form of its own: ``name %a, %b if condition {attributes}``."""
        if word.text not in OPS:
            near = suggest(word.text, OPS.names())
            help = f"did you mean '{near}'?" if near else None
            fail("E0203", f"unknown operation '{word.text}'", self.cursor.span(word), help=help)
        definition = OPS[word.text]
        operands, spans, presence = self.operands(definition)
        given = self.braces() if self.cursor.at_sign("{") else {}
        check_attributes(definition, given)
        if any(v is None for v in operands):
            return None
        attributes = {key: value for key, (value, _, _) in given.items()}
        places = {key: span for key, (_, _, span) in given.items()}
        return self.make(definition, operands, attributes, presence, word, spans, places)

    def operands(self, definition: OpDefinition) -> tuple[list[Any], list[Span], list[Any]]:
        """``%a, %b if condition``: values, their places and presences (empty when no ``if`` occurs)."""
        cursor = self.cursor
        values: list[Any] = []
        spans: list[Span] = []
        presence: list[Any] = []
        while cursor.token.kind == "value":
            value, span = self.operand()
            condition: Any = True
            if cursor.at_word("if"):
                if not definition.variadic:
                    fail(
                        "E0205",
                        f"operands of '{definition.name}' are always present",
                        cursor.span(cursor.token),
                    )
                cursor.advance()
                condition = self.expressions.scalar(BOOLEAN)
            values.append(value)
            spans.append(span)
            presence.append(condition)
            if not cursor.accept(","):
                break
        return values, spans, presence if any(p is not True for p in presence) else []

    def call(self, word: Token) -> Operation | None:
        """``call @f(%a, %b) {param="..."}``."""
        cursor = self.cursor
        token = cursor.expect_kind("symbol")
        callee = self.functions.get(token.text)
        if callee is None:
            near = suggest(token.text, self.functions)
            help = f"did you mean '@{near}'?" if near else "a function stands before its callers"
            fail("E0203", f"unknown function '@{token.text}'", cursor.span(token), help=help)
        cursor.expect("(")
        operands, spans, _ = self.operands(OPS["choice"]) if not cursor.at_sign(")") else ([], [], [])
        cursor.expect(")")
        given = self.braces() if cursor.at_sign("{") else {}
        check_attributes(OPS["call"], given)
        if len(operands) != len(callee.inputs):
            message = f"'@{token.text}' takes {len(callee.inputs)} tensors, got {len(operands)}"
            fail("E0205", message, cursor.span(token))
        for value, span, wanted in zip(operands, spans, callee.inputs, strict=True):
            if value is not None and not types_agree(value.type, wanted.type):
                fail("E0205", f"'@{token.text}' takes {wanted.type} here", span, f"is {value.type}")
        if any(v is None for v in operands):
            return None
        attributes = {"callee": token.text, "param": given["param"][0] if "param" in given else ""}
        return Operation(OPS["call"], tuple(operands), attributes, [v.type for v in callee.outputs])

    def choice(self, word: Token) -> Operation | None:
        """``choice %a, %b by selector``."""
        operands, spans, presence = self.operands(OPS["choice"])
        self.cursor.expect_word("by")
        start = self.cursor.token
        selector = self.expressions.scalar(INTEGER)
        if presence:
            fail("E0205", "alternatives of a choice are always present", self.cursor.span(word))
        if any(v is None for v in operands):
            return None
        places = {"selector": self.cursor.since(start)}
        return self.make(OPS["choice"], operands, {"selector": selector}, [], word, spans, places)

    def make(
        self,
        definition: OpDefinition,
        operands: Sequence[Value],
        attributes: Mapping[str, Any],
        presence: Sequence[Any],
        word: Token,
        spans: Sequence[Span],
        places: Mapping[str, Span],
    ) -> Operation:
        """The operation, with a diagnostic under the operand or attribute that does not fit."""
        where = self.cursor.span(word)
        if definition.variadic and not operands:
            fail("E0205", f"'{definition.name}' needs an operand", where)
        try:
            return make_operation(definition, operands, attributes, presence=presence, require=require_now)
        except InferenceError as error:
            if error.operand is not None and error.operand < len(spans):
                where = spans[error.operand]
            where = places.get(error.attribute or "", where)
            raise DiagnosticError([Diagnostic("E0205", str(error), Label(where))]) from None
        except UserError as error:
            raise DiagnosticError([Diagnostic("E0205", str(error), Label(where))]) from None
        except (ArithmeticError, TypeError, ValueError) as error:
            # dimensions that only hostile text has: overflow, division by a stride of zero
            message = f"the types of '{definition.name}' cannot be computed: {error}"
            raise DiagnosticError([Diagnostic("E0205", message, Label(where))]) from None


def check_attributes(definition: OpDefinition, given: Mapping[str, tuple[Any, Span, Span]]) -> None:
    """Check that attributes exist and that expressions among them are of the right kind.

    Raises:
        DiagnosticError: under the attribute that is wrong.
    """
    known = {a.name: a for a in definition.attributes if a.name != "callee"}
    for name, (value, key, place) in given.items():
        if name not in known:
            near = suggest(name, known)
            help = f"did you mean '{near}'?" if near else f"attributes: {', '.join(known) or 'none'}"
            fail("E0203", f"'{definition.name}' has no attribute '{name}'", key, help=help)
        kind = ATTRIBUTE_KINDS[known[name].kind]
        for item in value if isinstance(value, tuple) else (value,):
            if not fits(item, kind):
                fail("E0205", f"'{name}' is {NAMES[kind]}, got {NAMES[kind_of(item)]}", place)


def _hint(token: Token) -> str:
    return "" if token.text.isdecimal() else token.text


_FORMS: dict[str, Callable[[OperationParser, Token], Operation | None]] = {
    "call": OperationParser.call,
    "choice": OperationParser.choice,
}
"""Operations with a form of their own."""
