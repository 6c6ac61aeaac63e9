"""A small interpreter of TextMate grammars: which scopes an editor gives to which text.

It knows what our grammars use: `match` with `captures`, `begin` and `end` with `patterns`, `patterns` alone,
and `include` of the repository. Patterns are those of Python, which mean the same for the syntax used here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Rule: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line with its innermost scope; the grammar's own where nothing matched."""

    text: str
    scope: str


class Grammar:
    """A grammar as read from JSON."""

    def __init__(self, data: Rule) -> None:
        self.data = data

    def tokens(self, text: str) -> Iterator[list[Token]]:
        """The tokens of each line."""
        open_rules = [self.data]
        for line in text.split("\n"):
            scopes: list[str] = [self.data["scopeName"]] * len(line)
            at = 0
            while (step := self._next(line, at, open_rules[-1])) is not None:
                rule, found = step
                _paint(scopes, open_rules[-1], at, found.start())
                _paint(scopes, rule, *found.span())
                for number, capture in rule.get("captures", {}).items():
                    _paint(scopes, capture, *found.span(int(number)))
                if rule is open_rules[-1]:
                    open_rules.pop()
                elif "begin" in rule:
                    open_rules.append(rule)
                else:
                    assert found.end() > found.start(), f"an empty match of {rule}"
                at = found.end()
            _paint(scopes, open_rules[-1], at, len(line))
            yield _runs(line, scopes)

    def _next(self, line: str, at: int, inside: Rule) -> tuple[Rule, re.Match[str]] | None:
        """The earliest match from a position, the first of those at the same place; the end comes first."""
        best: tuple[Rule, re.Match[str]] | None = None
        candidates = [(inside, inside["end"])] if "end" in inside else []
        candidates += [(r, r.get("match", r.get("begin"))) for r in self.leaves(inside.get("patterns", []))]
        for rule, pattern in candidates:
            found = re.compile(pattern).search(line, at)
            if found is not None and (best is None or found.start() < best[1].start()):
                best = rule, found
        return best

    def leaves(self, patterns: list[Rule]) -> Iterator[Rule]:
        """The rules that match something, with those included in their place."""
        for rule in patterns:
            if "include" in rule:
                yield from self.leaves([self.data["repository"][rule["include"].removeprefix("#")]])
            elif "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self.leaves(rule["patterns"])


def _paint(scopes: list[str], rule: Rule, start: int, end: int) -> None:
    """Give a piece of a line the scope of a rule, if it has one."""
    if "scopeName" not in rule and "name" in rule:
        scopes[start:end] = [rule["name"]] * (end - start)


def _runs(line: str, scopes: list[str]) -> list[Token]:
    made: list[Token] = []
    start = 0
    for end in range(1, len(line) + 1):
        if end == len(line) or scopes[end] != scopes[start]:
            made.append(Token(line[start:end], scopes[start]))
            start = end
    return made
