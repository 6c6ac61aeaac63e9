"""What an editor wants to know about a text: everything wrong with it, what its names and expressions are.

It says as much as can be said: a mistake in one definition leaves what is known about the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drawloom.ir import Decision, Diagnostic, DiagnosticError, Function, Module, Source, UserError

from .builtins import builtins
from .elaboration import check_unused, deep_recursion, elaborate_network, nested_too_deeply, networks, prepare
from .frame import Elaboration
from .imports import Reader, Unit, read_units
from .primitives import primitives
from .symbols import Symbols, symbols_of
from .syntax import Node
from .values import key_of

_SEEN = 32
"""Most values that are kept of one expression."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value that an expression had.

    Attributes:
        value: the value, as in `drawloom.frontend.values`.
        functions: the functions of its network, where the callees of operations are found.
    """

    value: Any
    functions: Mapping[str, Function]


@dataclass(slots=True, eq=False)
class Inspection:
    """What was found out about a text.

    Attributes:
        source: the text.
        diagnostics: everything wrong with it and with what it imports, in the order of the texts.
        symbols: the names of the text and of each file that it imports, by the name of the source.
        predefined: primitive operations and built-in functions by name.
        values: the different values of the expressions of the text.
        decisions: the decisions of all its networks, by the place of their ``choose``.
        networks: the modules of its networks by name; for one that needs arguments, what says so.
    """

    source: Source
    diagnostics: tuple[Diagnostic, ...] = ()
    symbols: dict[str, Symbols] = field(default_factory=dict)
    predefined: Mapping[str, Any] = field(default_factory=dict)
    values: dict[Node, list[Seen]] = field(default_factory=dict)
    decisions: dict[tuple[int, int], list[Decision]] = field(default_factory=dict)
    networks: dict[str, Module | UserError] = field(default_factory=dict)

    @property
    def names(self) -> Symbols:
        """The names of the text itself."""
        return self.symbols[self.source.name]

    def values_at(self, start: int, end: int) -> list[Seen]:
        """The values of the expression that is exactly this part of the text."""
        found = (
            seen for node, seen in self.values.items() if (node.span.start, node.span.end) == (start, end)
        )
        return next(found, [])

    def expressions_around(self, offset: int) -> list[Node]:
        """The expressions around an offset of the text that have values, innermost first."""
        around = (node for node in self.values if node.span.start <= offset <= node.span.end)
        return sorted(around, key=lambda node: node.span.end - node.span.start)


def inspect(source: Source, read: Reader) -> Inspection:
    """Find out all that can be known about a text without asking for a network or arguments.

    A network whose parameters lack defaults is not elaborated; its names are checked. A file that only has
    definitions, to be imported, is good.

    Args:
        source: the text.
        read: reads imported files.
    """
    with deep_recursion():
        try:
            return _Inspector(source, read).inspect()
        except RecursionError:
            return Inspection(source, (nested_too_deeply(source),))


class _Inspector:
    def __init__(self, source: Source, read: Reader) -> None:
        self.read = read
        self.found = Inspection(source, predefined={**builtins(), **primitives()})
        self.diagnostics: dict[tuple[str, str, int], Diagnostic] = {}

    def inspect(self) -> Inspection:
        """Everything about the text."""
        source = self.found.source
        try:
            units, shared = prepare(source, self.read)
        except DiagnosticError as error:
            self._add(error)
            units, _ = read_units(source, self.read)
            self.found.symbols = symbols_of(units)
        else:
            self.found.symbols = symbols_of(units)
            self._elaborate(units, shared)
        ordered = sorted(
            self.diagnostics.values(), key=lambda d: (d.label.span.source.name, d.label.span.start)
        )
        self.found.diagnostics = tuple(ordered)
        return self.found

    def _add(self, error: DiagnosticError) -> None:
        for diagnostic in error.diagnostics:
            span = diagnostic.label.span
            self.diagnostics.setdefault((diagnostic.code, span.source.name, span.start), diagnostic)

    def _elaborate(self, units: list[Unit], prepared: Elaboration) -> None:
        """Elaborate every network by itself; decisions of two networks may have one name."""
        file = units[-1].file
        called = dict(prepared.instances)
        for definition in networks(file).values():
            shared = replace(
                prepared, decisions={}, functions={}, instances={}, stack=[], names={}, reported=set()
            )
            shared.diagnostics = list(prepared.diagnostics)
            shared.observe = self._observer(shared)
            try:
                module = elaborate_network(shared, file, definition, {})
                if module is not None:
                    self.found.networks[definition.name.name] = module
            except DiagnosticError as error:
                self._add(error)
            except UserError as error:  # a parameter without default: those who give it elaborate the network
                self.found.networks[definition.name.name] = error
            self._add_all(shared)
            called.update(shared.instances)
        prepared.instances = called
        check_unused(prepared, units)
        self._add_all(prepared)

    def _add_all(self, shared: Elaboration) -> None:
        try:
            shared.raise_errors()
        except DiagnosticError as error:
            self._add(error)
        for decision in shared.decisions.values():
            if decision.span is not None and decision.span.source is self.found.source:
                place = (decision.span.start, decision.span.end)
                self.found.decisions.setdefault(place, []).append(decision)

    def _observer(self, shared: Elaboration) -> Any:
        values, source = self.found.values, self.found.source
        keys: dict[Node, set[Any]] = {}

        def observe(node: Node, value: Any) -> None:
            if node.span.source is not source:
                return
            known = keys.setdefault(node, set())
            key = key_of(value)
            if len(known) < _SEEN and key not in known:
                known.add(key)
                values.setdefault(node, []).append(Seen(value, shared.functions))

        return observe
