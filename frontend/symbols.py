"""Which names of a text stand for the same thing: what binds each name, and where it is used.

This looks at the syntax alone, so it also serves definitions that nothing calls or that do not elaborate.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from drawloom.ir import Span

from .imports import Unit
from .syntax import (
    Append,
    Assign,
    Call,
    ChooseArms,
    ChooseFrom,
    Comprehension,
    Definition,
    File,
    For,
    Import,
    Member,
    Name,
    Node,
    Targets,
)


@dataclass(frozen=True, slots=True)
class Binding:
    """A place where a name gets a value.

    Attributes:
        span: the name.
        since: offset from which on the name has that value: in `x = f(x)` the second `x` has the one before.
    """

    span: Span
    since: int


@dataclass(slots=True, eq=False)
class Symbol:
    """Something that has a name in a text.

    Attributes:
        name: the name.
        kind: of a definition ``op``, ``block``, ``cell`` or ``network``; else ``tensor``, ``parameter``,
            ``variable``, ``decision`` or ``import``.
        node: what declares it: a definition, parameter, choice, import or the first statement that binds it.
        owner: the definition it belongs to, None for what a file defines.
        bindings: the places where it gets a value, in the order of the text.
        uses: the places where it is read.
    """

    name: str
    kind: str
    node: Node
    owner: Definition | None = None
    bindings: list[Binding] = field(default_factory=list)
    uses: list[Span] = field(default_factory=list)

    @property
    def places(self) -> list[Span]:
        """All places where the name stands, in the order of the text for those of one file."""
        spans = {*(b.span for b in self.bindings), *self.uses}
        return sorted(spans, key=lambda s: (s.source.name, s.start))

    def binding_of(self, place: Span) -> Span:
        """The binding that gives the name its value at a place, by the order of the text."""
        if any(b.span == place for b in self.bindings):
            return place
        before = [b.span for b in self.bindings if b.span.source is place.source and b.since <= place.start]
        return before[-1] if before else self.bindings[0].span


Scope = Mapping[str, Symbol]
"""Symbols by name."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that nothing in sight binds.

    Attributes:
        name: the name.
        owner: the definition where it stands, None outside of definitions.
        scope: the names that the definition has bound before.
    """

    name: Name
    owner: Definition | None
    scope: tuple[str, ...]


class Symbols:
    """The symbols of one file, with what its imports bring.

    Attributes:
        file: the file.
        own: what the file defines, by name.
        globals: what it sees: its definitions, those of the files that it imports, and names of such files.
        imported: the symbols of each imported file.
        members: the definitions of each file that is imported under a name.
        parameters: those of each definition, imported ones included.
        locals: all names bound in each definition outside of loops.
        unknown: the names that stand for nothing of these, and are predefined or wrong.
    """

    def __init__(self, file: File, imported: Iterable[tuple[Import, Symbols]] = ()) -> None:
        """Resolve all names of a file; the imported files come first."""
        self.file = file
        self.own: dict[str, Symbol] = {}
        self.globals: dict[str, Symbol] = {}
        self.imported = dict(imported)
        self.members: dict[str, Scope] = {}
        self.parameters: dict[Definition, dict[str, Symbol]] = {}
        self.unknown: list[Unknown] = []
        self._places: list[tuple[int, int, Symbol]] = []
        for item, other in self.imported.items():
            self._import(item, other)
        for definition in file.definitions:
            symbol = Symbol(definition.name.name, definition.kind, definition)
            self.own.setdefault(symbol.name, symbol)
            self._bind(self.own[symbol.name], definition.name.span)
        self.globals.update(self.own)
        for definition in file.definitions:
            self.parameters[definition] = self._parameters(definition)
        self.locals: dict[Definition, Scope] = {}
        for definition in file.definitions:
            self.locals[definition] = _Resolver(self, definition).resolve()
        for requirement in file.requires:
            _Resolver(self, None).visit(requirement, {})
        self._places.sort(key=lambda place: place[:2])

    def _import(self, item: Import, other: Symbols) -> None:
        self.parameters.update(other.parameters)
        if item.alias is None:
            self.globals.update(other.own)
            return
        symbol = Symbol(item.alias.name, "import", item)
        self._bind(symbol, item.alias.span)
        self.globals[symbol.name] = symbol
        self.members[symbol.name] = other.own

    def _parameters(self, definition: Definition) -> dict[str, Symbol]:
        found: dict[str, Symbol] = {}
        for kind, declared in (("tensor", definition.tensors), ("parameter", definition.statics)):
            for parameter in declared:
                symbol = Symbol(parameter.name.name, kind, parameter, definition)
                self._bind(found.setdefault(symbol.name, symbol), parameter.name.span)
        return found

    def at(self, offset: int) -> tuple[Symbol, Span] | None:
        """The symbol whose name stands at an offset of the file (its end included), with the place."""
        after = bisect.bisect_right(self._places, offset, key=lambda place: place[0])
        for start, end, symbol in reversed(self._places[max(0, after - 2) : after]):
            if start <= offset <= end:
                return symbol, Span(self.file.source, start, end)
        return None

    def symbols_in(self, span: Span) -> list[tuple[Span, Symbol]]:
        """The names in a part of the file, with what they stand for, in the order of the text."""
        inside = [place for place in self._places if span.start <= place[0] and place[1] <= span.end]
        return [(Span(self.file.source, start, end), symbol) for start, end, symbol in inside]

    def _bind(self, symbol: Symbol, span: Span, since: int = 0) -> None:
        symbol.bindings.append(Binding(span, since))
        self._places.append((span.start, span.end, symbol))

    def _use(self, symbol: Symbol, span: Span) -> None:
        symbol.uses.append(span)
        self._places.append((span.start, span.end, symbol))


def symbols_of(units: Iterable[Unit]) -> dict[str, Symbols]:
    """The symbols of files by the names of their sources; imported files come first."""
    found: dict[str, Symbols] = {}
    for unit in units:
        found[unit.name] = Symbols(unit.file, [(item, found[other.name]) for item, other in unit.imports])
    return found


class _Resolver:
    """Resolves the names of one definition; loops and comprehensions have names of their own."""

    def __init__(self, symbols: Symbols, owner: Definition | None) -> None:
        self.symbols = symbols
        self.owner = owner

    def resolve(self) -> Scope:
        """Resolve all names; gives those that the definition itself binds."""
        assert self.owner is not None
        scope = dict(self.symbols.parameters[self.owner])
        for static in self.owner.statics:
            if static.default is not None:
                self.visit(static.default, scope)
        for tensor in self.owner.tensors:
            if tensor.type is not None:
                self.visit(tensor.type, scope)
        for statement in self.owner.body:
            self.visit(statement, scope)
        return scope

    def visit(self, node: Node, scope: dict[str, Symbol]) -> None:
        """Resolve the names below a node."""
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, scope)
            return
        for child in _children(node):
            self.visit(child, scope)

    def _declare(self, scope: dict[str, Symbol], name: Name, kind: str, node: Node) -> None:
        """A new symbol, or one more binding of a name that the scope itself has."""
        symbol = scope.get(name.name)
        if symbol is None:
            symbol = scope[name.name] = Symbol(name.name, kind, node, self.owner)
        self.symbols._bind(
            symbol, name.span, name.span.start if isinstance(node, (For, Comprehension)) else node.span.end
        )

    def name(self, node: Name, scope: dict[str, Symbol]) -> None:
        symbol = scope.get(node.name) or self.symbols.globals.get(node.name)
        if symbol is None:
            self.symbols.unknown.append(Unknown(node, self.owner, tuple(scope)))
        else:
            self.symbols._use(symbol, node.span)

    def assign(self, node: Assign, scope: dict[str, Symbol]) -> None:
        self.visit(node.value, scope)
        for target in node.targets:
            self._declare(scope, target, "variable", node)

    def append(self, node: Append, scope: dict[str, Symbol]) -> None:
        self.visit(node.value, scope)
        self._declare(scope, node.target, "variable", node)

    def loop(self, node: For, scope: dict[str, Symbol]) -> None:
        self.visit(node.source, scope)
        with_targets = self._with_targets(node.targets, node, scope)
        inner = {t.name for t in _targets(node.targets)}
        for statement in node.body:
            self.visit(statement, with_targets)
        scope.update({name: symbol for name, symbol in with_targets.items() if name not in inner})

    def comprehension(self, node: Comprehension, scope: dict[str, Symbol]) -> None:
        self.visit(node.source, scope)
        inner = self._with_targets(node.targets, node, scope)
        if node.condition is not None:
            self.visit(node.condition, inner)
        self.visit(node.body, inner)

    def _with_targets(self, targets: Targets, node: Node, scope: dict[str, Symbol]) -> dict[str, Symbol]:
        inner = dict(scope)
        for target in _targets(targets):
            inner.pop(target.name, None)
            self._declare(inner, target, "variable", node)
        return inner

    def call(self, node: Call, scope: dict[str, Symbol]) -> None:
        self.visit(node.callee, scope)
        callee = self._called(node.callee, scope)
        for argument in (*node.tensors, *node.statics):
            if argument.keyword is not None and callee is not None:
                self._use_parameter(callee, argument.keyword)
            self.visit(argument.value, scope)

    def _called(self, callee: Node, scope: dict[str, Symbol]) -> Definition | None:
        symbol = None
        if isinstance(callee, Name) and callee.name not in scope:
            symbol = self.symbols.globals.get(callee.name)
        elif isinstance(callee, Member):
            symbol = self._member_of(callee)
        return symbol.node if symbol is not None and isinstance(symbol.node, Definition) else None

    def _use_parameter(self, callee: Definition, keyword: Name) -> None:
        symbol = self.symbols.parameters.get(callee, {}).get(keyword.name)
        if symbol is not None:
            self.symbols._use(symbol, keyword.span)

    def _member_of(self, node: Member) -> Symbol | None:
        if not isinstance(node.base, Name):
            return None
        return self.symbols.members.get(node.base.name, {}).get(node.member.name)

    def member(self, node: Member, scope: dict[str, Symbol]) -> None:
        self.visit(node.base, scope)
        symbol = self._member_of(node)
        if symbol is not None:
            self.symbols._use(symbol, node.member.span)

    def choice(self, node: ChooseFrom | ChooseArms, scope: dict[str, Symbol]) -> None:
        self.symbols._bind(Symbol(node.name.name, "decision", node, self.owner), node.name.span)
        for child in _children(node):
            self.visit(child, scope)


_NAMING = frozenset({"name", "keyword", "label", "dtype"})
"""Fields of nodes with a name that is not looked up."""


def _children(node: Node) -> Iterator[Node]:
    for part in fields(node):
        value = getattr(node, part.name)
        if part.name not in _NAMING:
            yield from (v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Node))


def _targets(targets: Targets) -> tuple[Name, ...]:
    return targets.items if targets.position is None else (targets.position, *targets.items)


_HANDLERS: dict[type[Node], Callable[[_Resolver, Any, dict[str, Symbol]], None]] = {
    Name: _Resolver.name,
    Assign: _Resolver.assign,
    Append: _Resolver.append,
    For: _Resolver.loop,
    Comprehension: _Resolver.comprehension,
    Call: _Resolver.call,
    Member: _Resolver.member,
    ChooseFrom: _Resolver.choice,
    ChooseArms: _Resolver.choice,
}
"""How the nodes are resolved that are more than their children."""
