"""Rewrite rules: what one is, the table of those that exist, and applying them to an operation.

A rule looks at one operation whose operands are already simple, and gives the value or the operation that
takes its place. It must keep what a network computes, in training too, and the types of results.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drawloom.ir import Operation, UserError, unknown

from .pattern import Condition, Pattern, Replace, Template, builder, matcher, statement
from .rebuild import Specialised

LIMIT = 1000
"""Rewritings of one operation after which rules are taken to undo each other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule is defined: a file and a line, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        near = os.path.relpath(self.file)
        return f"{self.file if near.startswith(os.pardir) else near}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rewrite rule; `rule` and `function_rule` make them.

    Attributes:
        name: kebab-case, unique in a registry.
        roots: the operations it is tried on.
        firsts: what must have made the first operand, so that the rule need not be tried elsewhere; None
            when that does not matter.
        statement: ``before --> after``, in one line.
        place: where it is defined.
        apply: what takes the place of an operation, or None where the rule does not fit.
    """

    name: str
    roots: tuple[str, ...]
    firsts: tuple[str, ...] | None
    statement: str
    place: Place
    apply: Callable[[Operation], Specialised | None]


def rule(
    name: str,
    matched: Pattern,
    template: Template | Replace,
    *,
    where: Iterable[Condition] = (),
    then: str = "",
) -> Rule:
    """A rule whose pattern is data.

    Args:
        name: kebab-case.
        matched: the pattern.
        template: what takes the place of what it matches, or a function that makes it.
        where: conditions that patterns cannot express.
        then: the right side of the statement, for a template that is a function.

    Example:
        >>> from drawloom.passes.pattern import Var, again, pattern
        >>> x = Var("x")
        >>> rule("relu6-of-relu", pattern("relu6", pattern("relu", x)), again(x)).statement
        'relu6(relu(x)) --> relu6(x)'
    """
    conditions = tuple(where)
    match, tests = matcher(matched), tuple(c.test for c in conditions)
    if callable(template):
        replacement, said = template, f"{matched} --> {then}"
    else:
        replacement, said = builder(template), statement(matched, template, conditions)

    def apply(op: Operation) -> Specialised | None:
        found = match(op)
        if found is None:
            return None
        for test in tests:
            if not test(op, found):
                return None
        return replacement(op, found)

    caller = sys._getframe(1)
    place = Place(caller.f_code.co_filename, caller.f_lineno)
    return Rule(name, matched.names, matched.firsts, said, place, apply)


def function_rule(
    name: str, roots: str | Iterable[str], said: str
) -> Callable[[Callable[[Operation], Specialised | None]], Rule]:
    """A decorator: makes a rule of a function, where no pattern says what it matches.

    Args:
        name: kebab-case.
        roots: the operations it is tried on.
        said: its statement, ``before --> after``.
    """
    known = (roots,) if isinstance(roots, str) else tuple(roots)

    def made(apply: Callable[[Operation], Specialised | None]) -> Rule:
        code = apply.__code__
        return Rule(name, known, None, said, Place(code.co_filename, code.co_firstlineno), apply)

    return made


Watch = Callable[[Rule, Operation, Specialised], None]
"""Is told of every rewriting: the rule, and the operation before and what it became."""


class _Candidates:
    """The rules for one operation, by what made its first operand: most need not be tried."""

    __slots__ = ("by_first", "others")

    def __init__(self) -> None:
        self.by_first: dict[str, tuple[Rule, ...]] = {}
        self.others: tuple[Rule, ...] = ()

    def add(self, rule: Rule) -> None:
        for first in self.by_first if rule.firsts is None else rule.firsts:
            self.by_first[first] = (*self.by_first.get(first, self.others), rule)
        if rule.firsts is None:
            self.others = (*self.others, rule)

    def of(self, op: Operation) -> tuple[Rule, ...]:
        operands = op.operands
        if operands:
            producer = operands[0].producer
            if producer is not None:
                return self.by_first.get(producer.definition.name, self.others)
        return self.others


class RuleRegistry:
    """Rules by name, in the order in which they are tried.

    Third parties register rules for their operations, or for all, before the first module is simplified:
    resolved functions are remembered.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Start with some rules."""
        self._rules: dict[str, Rule] = {}
        self._candidates: dict[str, _Candidates] = {}
        for each in rules:
            self.register(each)

    def register(self, rule: Rule) -> None:
        """Add a rule, to be tried after those that are there.

        Raises:
            UserError: when another rule has the name.
        """
        known = self._rules.get(rule.name)
        if known is rule:
            return
        if known is not None:
            raise UserError(f"rule '{rule.name}' is registered twice", f"at {known.place} and {rule.place}")
        self._rules[rule.name] = rule
        for root in rule.roots:
            self._candidates.setdefault(root, _Candidates()).add(rule)

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __getitem__(self, name: str) -> Rule:
        """The rule of a name.

        Raises:
            UserError: when there is none.
        """
        if name not in self._rules:
            raise unknown("rule", name, self._rules)
        return self._rules[name]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._rules)

    def simplified(self, op: Operation, watch: Watch | None = None) -> Specialised:
        """Apply rules until none fits: the operation itself, another one, or the value in its place.

        Raises:
            RuntimeError: when rules undo each other.
        """
        current, steps = op, 0
        while True:
            candidates = self._candidates.get(current.definition.name)
            if candidates is None:
                return current
            for each in candidates.of(current):
                found = each.apply(current)
                if found is not None:
                    break
            else:
                return current
            if watch is not None:
                watch(each, current, found)
            if not isinstance(found, Operation):
                return found
            current, steps = found, steps + 1
            if steps > LIMIT:
                raise RuntimeError(f"rules rewrite '{op.name}' without end; the last one is {each.name}")
