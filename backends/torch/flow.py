"""The statements of a merged forward method, and the names of its variables.

Where functions disagree on what a statement reads, the value gets a variable of its own that each function
sets; where nothing speaks against it, that is the variable that the value is in anyway.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from drawloom.ir import Value

from .alignment import Overlay, Row
from .naming import IMPORTED, fresh

Variable: TypeAlias = "tuple[int, int]"
"""A value of the merged method: the row that makes it (-1: input, -2: merged value), and its position."""


@dataclass(slots=True)
class Statement:
    """A statement of the merged method.

    Attributes:
        functions: those that have it, by number.
        operands: what it reads.
        results: what it makes.
        row: where it comes from; None when it copies its operand.
    """

    functions: frozenset[int]
    operands: list[Variable]
    results: list[Variable]
    row: Row | None = None


@dataclass
class Flow:
    """What a merged method does.

    Attributes:
        overlay: the functions.
        inputs: the parameters of the method.
        statements: in order.
    """

    overlay: Overlay
    inputs: list[Variable] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find out what each statement reads."""
        first = self.overlay.sketches[0].function
        self.inputs = [(-1, k) for k in range(len(first.inputs))]
        self._class: dict[Variable, Variable] = {}
        self._merged: list[dict[int, Variable]] = []
        self._read_rows()
        self._insert_copies()
        self._coalesce()

    @property
    def everyone(self) -> frozenset[int]:
        """The numbers of all functions."""
        return frozenset(range(len(self.overlay.sketches)))

    def _read_rows(self) -> None:
        sources: dict[tuple[int, Value], Variable] = {}
        for number, sketch in enumerate(self.overlay.sketches):
            sources |= {(number, v): (-1, k) for k, v in enumerate(sketch.function.inputs)}
        for position, row in enumerate(self.overlay.rows):
            some = next(iter(row.lines.values()))
            operands = [
                self._operand({i: sources[i, line.operands[k]] for i, line in row.lines.items()})
                for k in range(len(some.operands))
            ]
            results: list[Variable] = [(position, k) for k in range(len(some.results))]
            self.statements.append(Statement(frozenset(row.lines), operands, results, row))
            sources |= {
                (i, v): (position, k) for i, line in row.lines.items() for k, v in enumerate(line.results)
            }

    def _operand(self, by_function: dict[int, Variable]) -> Variable:
        """The variable that holds one value or another."""
        if len(set(by_function.values())) == 1:
            return next(iter(by_function.values()))
        for number, known in enumerate(self._merged):
            if by_function.items() <= known.items():
                return -2, number
        self._merged.append(by_function)
        return -2, len(self._merged) - 1

    def _insert_copies(self) -> None:
        """Set merged values as soon as all that they may hold is there."""
        for number, by_function in reversed([*enumerate(self._merged)]):
            place = 1 + max(self._made_at(v) for v in by_function.values())
            for source in sorted(set(by_function.values())):
                functions = frozenset(i for i, v in by_function.items() if v == source)
                self.statements.insert(place, Statement(functions, [source], [(-2, number)]))

    def _made_at(self, variable: Variable) -> int:
        return next((k for k, s in enumerate(self.statements) if variable in s.results), -1)

    def _coalesce(self) -> None:
        """Let a copy and what it copies be one variable where that is possible."""
        for statement in [s for s in self.statements if s.row is None]:
            a, b = self.variable(statement.operands[0]), self.variable(statement.results[0])
            if not self._interfere(self._members(a), self._members(b)):
                self._class = {v: a if c == b else c for v, c in self._class.items()} | {b: a}

    def variable(self, value: Variable) -> Variable:
        """The variable that a value is in."""
        return self._class.get(value, value)

    def _members(self, variable: Variable) -> list[Variable]:
        return [variable, *(v for v, c in self._class.items() if c == variable and v != variable)]

    @cached_property
    def _spans(self) -> dict[tuple[int, Variable], tuple[float, float]]:
        """From where to where each function needs each value."""
        begins: dict[tuple[int, Variable], float] = {(i, v): -1 for i in self.everyone for v in self.inputs}
        ends: dict[tuple[int, Variable], float] = {}
        for position, statement in enumerate(self.statements):
            for i in statement.functions:
                ends |= {(i, v): position for v in statement.operands}
                begins |= {(i, v): position for v in statement.results}
        return {key: (begin, ends.get(key, begin + 0.5)) for key, begin in begins.items()}

    def _interfere(self, left: Iterable[Variable], right: Iterable[Variable]) -> bool:
        """Whether some function needs values of both at one time."""
        others = list(right)
        for i in self.everyone:
            for a, b in ((self._spans.get((i, v)), self._spans.get((i, w))) for v in left for w in others):
                if a and b and a[0] < b[1] and b[0] < a[1]:
                    return True
        return False

    def read_once(self, value: Variable) -> bool:
        """Whether a variable holds one value only, and one statement reads it."""
        alone = self.variable(value) == value and len(self._members(value)) == 1
        return alone and sum(s.operands.count(value) for s in self.statements) == 1

    def _settled(self, statement: Statement) -> bool:
        return self.variable(statement.operands[0]) == self.variable(statement.results[0])

    def written(self) -> Iterator[Statement]:
        """The statements without copies of a variable to itself."""
        return (s for s in self.statements if s.row is not None or not self._settled(s))

    @cached_property
    def names(self) -> dict[Variable, str]:
        """The names of the variables."""
        names: dict[Variable, str] = {}
        held: dict[str, list[list[Variable]]] = {}
        for variable, hint in self._hints(names):
            members = self._members(variable)
            taken = [n for n, users in held.items() if any(self._interfere(u, members) for u in users)]
            name = fresh("h" if hint in taken and hint[-1].isdigit() else hint, taken)
            names[variable] = name
            held.setdefault(name, []).append(members)
        return names

    def _hints(self, names: dict[Variable, str]) -> Iterator[tuple[Variable, str]]:
        """Every variable once, with the name it would like."""
        seen: set[Variable] = set()
        first = self.overlay.sketches[0].function
        for value, variable in zip(first.inputs, self.inputs, strict=True):
            seen.add(self.variable(variable))
            yield self.variable(variable), _hint(value) or "x"
        for statement in self.statements:
            lines = [*statement.row.lines.values()] if statement.row else []
            operand = next((names[self.variable(v)] for v in statement.operands[:1]), "x")
            for k, result in enumerate(statement.results):
                variable = self.variable(result)
                if variable in seen:
                    continue
                seen.add(variable)
                own = next((h for line in lines if (h := _hint(line.results[k]))), None)
                yield variable, own or operand


def _hint(value: Value) -> str | None:
    """The name of a value in the source text, without the number that makes it unique."""
    name = re.sub(r"(_?\d+)+$", "", value.name) if value.producer is not None else value.name
    good = name.isidentifier() and not keyword.iskeyword(name) and name not in (*IMPORTED, "self")
    return name if good else None
