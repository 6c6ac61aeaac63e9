"""What rewrote what: a record of every rewriting, in the words of the function's text before the pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drawloom.ir import Function, Operation, Value, print_operation
from drawloom.ir.printer import value_names

from .rebuild import Specialised
from .rewrite import Rule


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One rewriting.

    Attributes:
        rule: what rewrote.
        function: in which function.
        before: the operation, as text.
        after: the operation that took its place, or the name of a value.
    """

    rule: Rule
    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return (
            f"{self.rule.name} ({self.rule.place}) in @{self.function}\n  - {self.before}\n  + {self.after}"
        )


class Trace:
    """Follows one function through its rewriting and reports it."""

    def __init__(self, function: Function, report: Callable[[Rewrite], None]) -> None:
        """Start with the function as it is before the pass."""
        self._function = function.name
        self._report = report
        self._names = value_names(function)
        self._kept: list[Value] = []

    def copied(self, old: Operation, new: Operation) -> None:
        """An operation has been copied: its results keep their names."""
        for before, after in zip(old.results, new.results, strict=True):
            name = self._names.get(id(before))
            if name is not None and after is not before:
                self._names[id(after)] = name
                # ids are names only while the values live
                self._kept.append(after)

    def rewritten(self, rule: Rule, before: Operation, after: Specialised) -> None:
        """A rule has been applied; a `Watch`."""
        if isinstance(after, Operation):
            self.copied(before, after)
        self._report(Rewrite(rule, self._function, self._text(before), self._text(after)))

    def _text(self, what: Specialised) -> str:
        if isinstance(what, Operation):
            return print_operation(what, self._names)
        return f"%{self._names.get(id(what), what.name or what.index)}"
