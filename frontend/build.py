"""Turns lark's parse tree into the syntax tree, bottom up and without recursion."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lark import Token, Tree

from drawloom.ir import Diagnostic, DiagnosticError, Label, Source, Span

from . import limits
from .syntax import (
    Append,
    Argument,
    Arm,
    Assign,
    Binary,
    Call,
    ChooseArms,
    ChooseFrom,
    Comprehension,
    Count,
    Definition,
    For,
    If,
    Import,
    Index,
    ListDisplay,
    Literal,
    Member,
    Name,
    RangeDisplay,
    Require,
    Return,
    Slice,
    StaticParameter,
    Targets,
    TensorParameter,
    TupleDisplay,
    TypeSyntax,
    Unary,
)

_SUFFIXES = {"K": 10**3, "M": 10**6, "G": 10**9, "us": 10**3, "ms": 10**6}
"""What a suffix multiplies by; times are in nanoseconds."""


def build(tree: Tree[Token], source: Source, base: int) -> tuple[Any, ...]:
    """The items of a parsed text: imports, requirements and definitions in order.

    Args:
        tree: lark's tree of a piece of the source.
        source: the source.
        base: where the piece begins in it.

    Raises:
        DiagnosticError: when it is nested too deeply or has a number out of range.
    """
    built: dict[int, Any] = {}
    depths: dict[int, int] = {}
    builder = _Builder(source, base)
    for node in tree.iter_subtrees():
        children = [built[id(c)] if isinstance(c, Tree) else c for c in node.children]
        depth = 1 + max((depths[id(c)] for c in node.children if isinstance(c, Tree)), default=0)
        span = builder.span(node)
        if depth > limits.SYNTAX_DEPTH:
            raise builder.error(
                "E0006", "this is nested too deeply", span, f"more than {limits.SYNTAX_DEPTH} levels"
            )
        depths[id(node)] = depth
        built[id(node)] = _RULES[node.data](builder, span, children)
    items: tuple[Any, ...] = built[id(tree)]
    return items


class _Builder:
    """Makes syntax nodes; one method for each rule of the grammar that is not a mere regrouping."""

    def __init__(self, source: Source, base: int) -> None:
        self.source = source
        self.base = base

    def span(self, node: Tree[Token] | Token) -> Span:
        """The span of a tree or token."""
        if isinstance(node, Token):
            assert node.start_pos is not None
            assert node.end_pos is not None
            return Span(self.source, self.base + node.start_pos, self.base + node.end_pos)
        if node.meta.empty:
            return Span(self.source, self.base, self.base)
        return Span(self.source, self.base + node.meta.start_pos, self.base + node.meta.end_pos)

    def error(self, code: str, message: str, span: Span, label: str) -> DiagnosticError:
        """An error to raise."""
        return DiagnosticError([Diagnostic(code, message, Label(span, label))])

    def name(self, span: Span, children: list[Any]) -> Name:
        return Name(span, str(children[0]))

    def number(self, span: Span, children: list[Any]) -> Literal:
        return self.number_of(children[0])

    def number_of(self, token: Token) -> Literal:
        """A number token as a literal; integral values of suffixed numbers are integers."""
        span = self.span(token)
        text = str(token)
        if len(text) > limits.NUMBER_DIGITS:
            raise self.error(
                "E0007", "this number is too long", span, f"more than {limits.NUMBER_DIGITS} characters"
            )
        suffix = next((s for s in _SUFFIXES if text.endswith(s)), "")
        digits = text.removesuffix(suffix)
        exact = Decimal(digits) * _SUFFIXES.get(suffix, 1)
        if exact > limits.NUMBER:
            raise self.error("E0007", "this number is too large", span, f"larger than {limits.NUMBER}")
        if digits.isdigit() or (suffix and exact == exact.to_integral_value()):
            return Literal(span, int(exact))
        return Literal(span, float(exact))

    def text(self, span: Span, children: list[Any]) -> Literal:
        return Literal(span, str(children[0])[1:-1])

    def targets(self, span: Span, children: list[Any]) -> Targets:
        first, second = children
        position, item = (None, first) if second is None else (first, second)
        if isinstance(position, tuple):
            raise self.error("E0001", "the position of a loop is one name", span, "expected `position, item`")
        return Targets(span, position, item if isinstance(item, tuple) else (item,), isinstance(item, tuple))

    def definition(self, span: Span, children: list[Any]) -> Definition:
        kind, name, tensors, statics, body = children
        statements = body if isinstance(body, tuple) else (Return(body.span, body),)
        return Definition(span, kind, name, tensors or (), statics or (), statements)

    def call(self, span: Span, children: list[Any]) -> Call:
        callee, before, after, label = children
        return Call(span, callee, before or (), after or (), after is not None, label)

    def pipe(self, span: Span, children: list[Any]) -> Call:
        value, call = children
        piped = Argument(value.span, None, value)
        if call.semicolon:
            return Call(call.span, call.callee, (piped, *call.tensors), call.statics, True, call.label)
        return Call(call.span, call.callee, (piped,), call.tensors, True, call.label)

    def count(self, span: Span, children: list[Any]) -> Count:
        texts = [str(c) for c in children]
        if texts[0] == "any":
            return Count(span, None, None)
        if texts[0] == "(":
            return Count(span, children[1], children[1])
        low = self.number_of(children[0])
        if len(children) == 1:
            return Count(span, low, low)
        high = self.number_of(children[2])
        if texts[1] == ".." and isinstance(high.value, int):
            high = Literal(high.span, high.value - 1)
        return Count(span, low, high)

    def binary(self, span: Span, children: list[Any]) -> Binary:
        left, operator, right = children
        return Binary(span, str(operator), left, right)

    def type(self, span: Span, children: list[Any]) -> TypeSyntax:
        name, *dimensions, star = children
        return TypeSyntax(span, name, tuple(d for d in dimensions if d is not None), star is not None)


def _some(children: list[Any]) -> tuple[Any, ...]:
    return tuple(c for c in children if c is not None)


_Rule = Callable[[_Builder, Span, list[Any]], Any]

_RULES: dict[str, _Rule] = {
    "start": lambda b, s, c: tuple(c),
    "import_": lambda b, s, c: Import(s, str(c[0])[1:-1], c[1]),
    "require": lambda b, s, c: Require(s, c[0], None if c[1] is None else str(c[1])[1:-1]),
    "definition": _Builder.definition,
    "kind": lambda b, s, c: str(c[0]),
    "tensor_params": lambda b, s, c: _some(c),
    "tensor_param": lambda b, s, c: TensorParameter(s, c[0], c[1]),
    "type": _Builder.type,
    "static_params": lambda b, s, c: _some(c),
    "static_param": lambda b, s, c: StaticParameter(s, c[0], c[1]),
    "body": lambda b, s, c: tuple(c),
    "assign": lambda b, s, c: Assign(s, tuple(c[:-1]), c[-1]),
    "append": lambda b, s, c: Append(s, c[0], c[1]),
    "for_": lambda b, s, c: For(s, c[0], c[1], c[2]),
    "return_": lambda b, s, c: Return(s, c[0]),
    "targets": _Builder.targets,
    "tuple_target": lambda b, s, c: _some(c),
    "pipe": _Builder.pipe,
    "callee": _Builder.call,
    "imported": lambda b, s, c: Member(s, *c),
    "choose_from": lambda b, s, c: ChooseFrom(s, *c),
    "choose_arms": lambda b, s, c: ChooseArms(s, c[0], c[1], tuple(c[2:])),
    "count": _Builder.count,
    "arm": lambda b, s, c: Arm(s, *c),
    "or_": lambda b, s, c: Binary(s, "or", *c),
    "and_": lambda b, s, c: Binary(s, "and", *c),
    "not_": lambda b, s, c: Unary(s, "not", c[0]),
    "comparison": _Builder.binary,
    "range": lambda b, s, c: RangeDisplay(s, c[0], c[1], inclusive=False),
    "range_inclusive": lambda b, s, c: RangeDisplay(s, c[0], c[1], inclusive=True),
    "sum": _Builder.binary,
    "product": _Builder.binary,
    "negative": lambda b, s, c: Unary(s, "-", c[1]),
    "call": _Builder.call,
    "called_member": lambda b, s, c: Member(s, *c),
    "index": lambda b, s, c: Index(s, *c),
    "slice_from": lambda b, s, c: Slice(s, c[0], c[1], None),
    "slice_to": lambda b, s, c: Slice(s, c[0], None, c[1]),
    "member": lambda b, s, c: Member(s, *c),
    "variable": lambda b, s, c: c[0],
    "number": _Builder.number,
    "text": _Builder.text,
    "true": lambda b, s, c: Literal(s, True),
    "false": lambda b, s, c: Literal(s, False),
    "list": lambda b, s, c: ListDisplay(s, _some(c)),
    "comprehension": lambda b, s, c: Comprehension(s, *c),
    "tuple": lambda b, s, c: TupleDisplay(s, _some(c)),
    "if_": lambda b, s, c: If(s, *c),
    "args": lambda b, s, c: tuple(
        a if isinstance(a, Argument) else Argument(a.span, None, a) for a in c if a is not None
    ),
    "statics": lambda b, s, c: c[0] or (),
    "keyword_arg": lambda b, s, c: Argument(s, *c),
    "name": _Builder.name,
}
"""How each rule of the grammar becomes a node, from the builder, its span and its built children."""
