"""How each rule of the grammar is laid out: a table from the rule to a function of its laid-out children."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lark import Token, Tree

from .comments import Gap
from .document import HARD, LINE, NOTHING, SOFT, SPACE, WIDTH, Document, Line, Text, concat, group, indent
from .piece import (
    BRACKETED,
    Member,
    Piece,
    before,
    bracketed,
    closing,
    filled,
    hugs,
    item,
    spaced,
    tight,
)


def layout(tree: Tree[Token], gaps: Mapping[int, Gap]) -> Piece:
    """The layout of a whole text.

    Args:
        tree: its parse tree, with every token.
        gaps: what stands before each token, by the token's offset.
    """
    done: dict[int, Piece] = {}
    for node in tree.iter_subtrees():
        children = [
            done[id(c)] if isinstance(c, Tree) else _token(c, gaps) for c in node.children if c is not None
        ]
        done[id(node)] = _RULES[node.data](node.data, children)
    return done[id(tree)]


def _token(token: Token, gaps: Mapping[int, Gap]) -> Piece:
    assert token.start_pos is not None
    return Piece(str(token), Text(str(token)), gaps[token.start_pos])


def _piece(rule: str, children: Sequence[Piece], doc: Document) -> Piece:
    return Piece(rule, doc, children[0].gap if children else Gap())


def _file(rule: str, children: list[Piece]) -> Piece:
    """Definitions with an empty line between them; short ones stay together where they are written so."""
    parts: list[Document] = []
    for at, child in enumerate(children):
        apart = at > 0 and not _together(children[at - 1], child)
        gap = child.gap if child.gap.has_blank or not apart else child.gap.with_blank()
        shown = Piece(child.rule, child.doc, gap)
        parts += [item(shown, HARD, first=at == 0), child.doc]
    return Piece(rule, concat(*parts))


def _together(*pieces: Piece) -> bool:
    """Whether two parts of a file may stand without an empty line between them: both of a kind and short."""
    short = all(p.doc.flat is not None and p.doc.flat <= WIDTH for p in pieces)
    return short and pieces[0].rule == pieces[1].rule


def _definition(rule: str, children: list[Piece]) -> Piece:
    """``kind name(x; a) { ... }``, or ``kind name(x; a) = value`` with the value below where it is long."""
    kind, name, opening, *parameters, last = children
    at = next(i for i, p in enumerate(parameters) if p.rule == ")")
    start = concat(kind.doc, before(name, SPACE), name.doc)
    header = _call_like(start, opening, parameters[:at], parameters[at])
    rest = [*parameters[at + 1 :], last]
    if rest[0].rule != "=":
        return _piece(rule, children, concat(header, before(last, SPACE), last.doc))
    equals = concat(header, before(rest[0], SPACE), rest[0].doc)
    return _piece("equation", children, concat(equals, _right_side(last)))


def _right_side(value: Piece) -> Document:
    if value.rule in BRACKETED or value.rule == "if_":
        return concat(before(value, SPACE), value.doc)
    content = value.doc if value.open is NOTHING else group(value.open)
    return group(indent(item(value, LINE, first=True), content))


def _call(rule: str, children: list[Piece]) -> Piece:
    """``name(x; a, k=b) as label``; the callee of a pipe may be a mere name."""
    opening = next((i for i, p in enumerate(children) if p.rule == "("), None)
    if opening is None:
        return _piece(rule, children, spaced(children))
    end = next(i for i, p in enumerate(children) if p.rule == ")")
    arguments = children[opening + 1 : end]
    call = _call_like(children[0].doc, children[opening], arguments, children[end])
    label = [part for p in children[end + 1 :] for part in (before(p, SPACE), p.doc)]
    return _piece(rule, children, concat(call, *label))


def _call_like(start: Document, opening: Piece, groups: Sequence[Piece], close: Piece) -> Document:
    """Parameters or arguments in parentheses, the tensors before the ``;`` if there is one."""
    head = concat(start, before(opening, NOTHING), opening.doc)
    tensors = groups[0].items if groups and groups[0].rule in ("args", "tensor_params") else ()
    statics = groups[-1].items if groups and groups[-1].rule in ("statics", "static_params") else ()
    semicolon = any(p.rule in ("statics", ";") for p in groups)
    if semicolon and not tensors:
        head = concat(head, Text(";"))
    members = [Member(p, ",") for p in tensors]
    if semicolon and tensors:
        members[-1] = Member(tensors[-1], ";")
    members += [Member(p, ",") for p in statics]
    if len(members) == 1 and members[0].mark == "," and hugs(members[0].piece) and not close.gap.comments:
        return concat(head, Text(" " if semicolon else ""), members[0].piece.doc, close.doc)
    return bracketed(head, members, close, LINE if semicolon and not tensors else SOFT)


def _items(rule: str, children: list[Piece]) -> Piece:
    """Arguments or parameters; the brackets around them lay them out."""
    members: list[Piece] = []
    for child in children:
        if child.rule not in (",", ";"):
            members += child.items if child.rule == "args" else [child]
    gap = members[0].gap if members else Gap()
    return Piece(rule, NOTHING, gap, tuple(members))


def _list(rule: str, children: list[Piece]) -> Piece:
    """A list or tuple: numbers and names fill lines, anything longer has a line of its own."""
    opening, *inner, close = children
    members = [p for p in inner if p.rule != ","]
    if len(members) > 1 and all(p.rule in _SHORT for p in members):
        return _piece(rule, children, filled(opening.doc, members, close))
    if rule == "list" and len(members) == 1 and hugs(members[0]) and not close.gap.comments:
        return _piece(rule, children, concat(opening.doc, members[0].doc, close.doc))
    if rule == "tuple" and len(members) == 1:
        return _piece(rule, children, _single(opening, members[0], close))
    return _piece(rule, children, bracketed(opening.doc, [Member(p, ",") for p in members], close, SOFT))


_SHORT = frozenset({"number", "text", "true", "false", "variable", "name"})
"""Members of which a list has several on a line."""


def _single(opening: Piece, member: Piece, close: Piece) -> Document:
    """A tuple of one, whose comma is not decoration."""
    inner = indent(item(member, SOFT, first=True), member.doc, Text(","))
    return group(opening.doc, inner, closing(close, SOFT))


def _parentheses(rule: str, children: list[Piece]) -> Piece:
    opening, inner, close = children
    if hugs(inner) and not close.gap.comments:
        return _piece(rule, children, concat(opening.doc, inner.doc, close.doc))
    content = inner.doc if inner.open is NOTHING else inner.open
    within = indent(item(inner, SOFT, first=True), content)
    return _piece(rule, children, group(opening.doc, within, closing(close, SOFT)))


def _comprehension(rule: str, children: list[Piece]) -> Piece:
    """``[value for targets in source if condition]``, each part on its line where it is long."""
    opening, value, word, *rest, close = children
    parts = [item(value, SOFT, first=True), value.doc]
    for part in (word, *rest):
        clause = part.rule in ("for", "if")
        parts += [item(part, LINE, first=True) if clause else before(part, SPACE), part.doc]
    return _piece(rule, children, group(opening.doc, indent(*parts), closing(close, SOFT)))


def _chain(rule: str, children: list[Piece]) -> Piece:
    """Operators of one precedence: on one line, or each at the beginning of its own."""
    left, operator, right = children
    longer = left.rule == rule
    step = concat(before(operator, LINE), operator.doc, before(right, SPACE), right.doc)
    head, tail = (left.head, concat(left.tail, step)) if longer else (left.doc, step)
    if right.rule in BRACKETED and not longer:
        # The bracket is broken rather than the line before it.
        glued = concat(head, before(operator, SPACE), operator.doc, before(right, SPACE), right.doc)
        return Piece(rule, glued, left.gap, open=glued, head=head, tail=tail)
    return Piece(rule, group(head, indent(tail)), left.gap, open=concat(head, tail), head=head, tail=tail)


def _body(rule: str, children: list[Piece]) -> Piece:
    """Statements in braces, one a line."""
    opening, *statements, close = children
    if not statements:
        return _piece(rule, children, concat(opening.doc, closing(close, NOTHING, first=True)))
    parts: list[Document] = []
    for at, statement in enumerate(statements):
        parts += [item(statement, HARD, first=at == 0), statement.doc]
    return _piece(rule, children, concat(opening.doc, indent(*parts), closing(close, HARD)))


def _assign(rule: str, children: list[Piece]) -> Piece:
    """``a, b = value``."""
    *targets, equals, value = children
    left = concat(_separated(targets), before(equals, SPACE), equals.doc)
    return _piece(rule, children, concat(left, before(value, SPACE), value.doc))


def _targets(rule: str, children: list[Piece]) -> Piece:
    return _piece(rule, children, _separated(children))


def _separated(children: Sequence[Piece]) -> Document:
    """``a, b``."""
    parts: list[Document] = [children[0].doc]
    for comma, child in zip(children[1::2], children[2::2], strict=True):
        parts += [comma.doc, before(child, SPACE), child.doc]
    return concat(*parts)


def _require(rule: str, children: list[Piece]) -> Piece:
    """``require condition, "message"``."""
    word, condition, *message = children
    start = concat(word.doc, before(condition, SPACE), condition.doc)
    if not message:
        return _piece(rule, children, start)
    text = message[1]
    end = indent(Text(","), item(text, LINE, first=True), text.doc)
    return _piece(rule, children, group(start, end))


def _annotated(rule: str, children: list[Piece]) -> Piece:
    """``x: f32[3, 8, 8]``."""
    if len(children) == 1:
        return _piece(rule, children, children[0].doc)
    name, colon, type_ = children
    start = concat(name.doc, before(colon, NOTHING), colon.doc)
    return _piece(rule, children, concat(start, before(type_, SPACE), type_.doc))


def _type(rule: str, children: list[Piece]) -> Piece:
    """``f32[3, 224, 224]*``."""
    name, opening, *inner = children
    end = next(i for i, p in enumerate(inner) if p.rule == "]")
    head = concat(name.doc, before(opening, NOTHING), opening.doc)
    members = [Member(p, ",") for p in inner[:end] if p.rule != ","]
    star = [part for p in inner[end + 1 :] for part in (before(p, NOTHING), p.doc)]
    return _piece(rule, children, concat(bracketed(head, members, inner[end], SOFT), *star))


def _index(rule: str, children: list[Piece]) -> Piece:
    """``xs[i]``, ``xs[a..]`` and ``xs[..b]``."""
    base, opening, *inner, close = children
    head = concat(base.doc, before(opening, NOTHING), opening.doc)
    within = indent(item(inner[0], SOFT, first=True), tight(inner))
    return _piece(rule, children, group(head, within, closing(close, SOFT)))


def _keyword(rule: str, children: list[Piece]) -> Piece:
    """``k=value``."""
    made = _piece(rule, children, tight(children))
    return Piece(rule, made.doc, made.gap, tuple(children))


def _choose(rule: str, children: list[Piece]) -> Piece:
    """``choose name { a: x  b: y }``: the arms on one line, or each on its own."""
    at = next(i for i, p in enumerate(children) if p.rule == "{")
    opening, *arms, close = children[at:]
    head = concat(spaced(children[:at]), before(opening, SPACE), opening.doc)
    parts: list[Document] = []
    for number, arm in enumerate(arms):
        parts += [item(arm, _BETWEEN_ARMS if number else LINE, first=number == 0), arm.doc]
    return _piece(rule, children, group(head, indent(*parts), closing(close, LINE)))


_BETWEEN_ARMS = Line("  ")


def _arm(rule: str, children: list[Piece]) -> Piece:
    """``name: value when condition``; a comma behind it is left out."""
    name, colon, value, *condition = [p for p in children if p.rule != ","]
    start = concat(name.doc, before(colon, NOTHING), colon.doc, before(value, SPACE), value.doc)
    if not condition:
        return _piece(rule, children, start)
    when, test = condition
    end = indent(item(when, LINE, first=True), when.doc, before(test, SPACE), test.doc)
    return _piece(rule, children, group(start, end))


def _if(rule: str, children: list[Piece]) -> Piece:
    """``if a { x } else if b { y } else { z }``: on one line, or every value on its own."""
    word, condition, *then, otherwise, last = children
    head = concat(word.doc, before(condition, SPACE), condition.doc, before(then[0], SPACE))
    rest = last.open if last.rule == "if_" else last.doc
    end = concat(before(otherwise, SPACE), otherwise.doc, before(last, SPACE), rest)
    whole = concat(head, _braces(then), end)
    return Piece(rule, group(whole), word.gap, open=whole)


def _otherwise(rule: str, children: list[Piece]) -> Piece:
    return _piece(rule, children, _braces(children))


def _braces(children: Sequence[Piece]) -> Document:
    opening, value, close = children
    return concat(opening.doc, indent(item(value, LINE, first=True), value.doc), closing(close, LINE))


def _same(rule: str, children: list[Piece]) -> Piece:
    (child,) = children
    return Piece(rule, child.doc, child.gap)


def _spaced(rule: str, children: list[Piece]) -> Piece:
    return _piece(rule, children, spaced(children))


def _tight(rule: str, children: list[Piece]) -> Piece:
    return _piece(rule, children, tight(children))


def _negative(rule: str, children: list[Piece]) -> Piece:
    """``-a``; a negative number is a number."""
    return _piece("number" if children[1].rule == "number" else rule, children, tight(children))


_Rule = Callable[[str, list[Piece]], Piece]

_RULES: dict[str, _Rule] = {
    "start": _file,
    "import_": _spaced,
    "require": _require,
    "definition": _definition,
    "kind": _same,
    "tensor_params": _items,
    "tensor_param": _annotated,
    "type": _type,
    "static_params": _items,
    "static_param": _keyword,
    "body": _body,
    "assign": _assign,
    "append": _spaced,
    "for_": _spaced,
    "return_": _spaced,
    "targets": _targets,
    "tuple_target": _list,
    "pipe": _chain,
    "callee": _call,
    "imported": _tight,
    "call": _call,
    "called_member": _tight,
    "choose_from": _spaced,
    "choose_arms": _choose,
    "count": _tight,
    "arm": _arm,
    "or_": _chain,
    "and_": _chain,
    "not_": _spaced,
    "comparison": _chain,
    "range": _tight,
    "range_inclusive": _tight,
    "sum": _chain,
    "product": _chain,
    "negative": _negative,
    "index": _index,
    "slice_from": _index,
    "slice_to": _index,
    "member": _tight,
    "atom": _parentheses,
    "variable": _same,
    "number": _same,
    "text": _same,
    "true": _same,
    "false": _same,
    "list": _list,
    "comprehension": _comprehension,
    "tuple": _list,
    "if_": _if,
    "otherwise": _otherwise,
    "args": _items,
    "statics": _items,
    "keyword_arg": _keyword,
    "name": _same,
}
"""The layout of each rule, from its name and its laid-out children."""
