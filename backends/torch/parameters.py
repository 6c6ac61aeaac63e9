"""The constructor parameters of a class that stands for several functions, and what follows from them.

What differs between the functions, a *vector* of values, is written as an expression over parameters: their
static arguments, the channels of their inputs, and, where nothing fits, a parameter of its own.
"""

from __future__ import annotations

import ast
import keyword
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

from drawloom.ir import Function

from .naming import IMPORTED, fresh

Vector: TypeAlias = Mapping[int, Any]
"""A value for some of the functions, by their number."""


SMALL = 8
"""Numbers above it hardly coincide with a parameter by chance."""


class Unnatural(Exception):
    """No expression over the parameters gives a vector."""


class Parameters:
    """The parameters of one class.

    Attributes:
        used: the values of those that expressions mention, by name, for every function.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        """Know what the functions are called with."""
        self.count = len(functions)
        self.used: dict[str, list[Any]] = {}
        self._given = {n: v for n, v in _given(functions).items() if len(set(map(repr, v))) > 1}

    def expression(self, vector: Vector, hint: str, strict: bool = False) -> ast.expr:
        """What gives a vector.

        Args:
            vector: values of some functions.
            hint: the name of a new parameter.
            strict: whether a new parameter must not be made.

        Raises:
            Unnatural: when `strict` and no expression is found.
        """
        values = [*vector.values()]
        constant = all(_same(v, values[0]) for v in values)
        if constant and not (len(values) < self.count and type(values[0]) is int and values[0] > SMALL):
            return _literal(values[0])
        for text, candidate in self._candidates():
            if all(_same(candidate.get(i), v) for i, v in vector.items()):
                return self._mention(text)
        if constant:
            return _literal(values[0])
        if strict:
            raise Unnatural
        return ast.Name(self._own(vector, hint))

    def condition(self, functions: frozenset[int], hint: str) -> ast.expr:
        """What holds for these functions and for no others."""
        wanted = [i in functions for i in range(self.count)]
        # shapes are what a shortcut depends on, so conditions on two parameters come first for it
        atoms = sorted(self._atoms(), key=lambda atom: hint == "residual" and not _of_two(atom[0]))
        for text, holds in atoms:
            if holds == wanted:
                return self._mention(text)
        own = {*self.used} - {*self._given}
        pairs = combinations([a for a in atoms if own.isdisjoint(a[0].split())], 2)
        for (left, a), (right, b) in pairs:
            if [x and y for x, y in zip(a, b, strict=True)] == wanted:
                return self._mention(f"{left} and {right}")
        return ast.Name(self._own(dict(enumerate(wanted)), hint))

    def sort(self) -> None:
        """Bring the parameters into the order of what the functions are called with, others last."""
        order = [*self._given]
        rank = {name: order.index(name) if name in order else len(order) for name in self.used}
        self.used = {name: self.used[name] for name in sorted(self.used, key=rank.__getitem__)}

    def named(self, values: Sequence[Any]) -> str | None:
        """The parameter that has these values, if there is one."""
        return next((n for n, known in self.used.items() if list(values) == known), None)

    def _own(self, vector: Vector, hint: str) -> str:
        """The name of a parameter that is there for this vector."""
        for name, known in self.used.items():
            if name not in self._given and all(_same(known[i], v) for i, v in vector.items()):
                return name
        name = fresh(hint, {*self._given, *self.used, *IMPORTED})
        common = Counter(map(repr, vector.values())).most_common(1)[0][0]
        default = next(v for v in vector.values() if repr(v) == common)
        self.used[name] = [vector.get(i, default) for i in range(self.count)]
        return name

    def _mention(self, text: str) -> ast.expr:
        expression = ast.parse(text, mode="eval").body
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id in self._given:
                self.used.setdefault(node.id, self._given[node.id])
        return expression

    def _known(self) -> dict[str, list[Any]]:
        return {**self._given, **self.used}

    def _candidates(self) -> Iterator[tuple[str, dict[int, Any]]]:
        """Expressions with their values, the simplest first."""
        known = self._known()
        yield from ((name, dict(enumerate(values))) for name, values in known.items())
        whole = {n: v for n, v in known.items() if all(type(x) is int and x > 0 for x in v)}
        for (a, left), (b, right) in combinations(whole.items(), 2):
            pairs = list(zip(left, right, strict=True))
            yield f"{b} * {a}", {i: x * y for i, (x, y) in enumerate(pairs)}
        for factor in (2, 3, 4, 6, 8):
            for name, values in whole.items():
                yield f"{name} // {factor}", {i: v // factor for i, v in enumerate(values)}
                yield f"{factor} * {name}", {i: factor * v for i, v in enumerate(values)}
        for name, values in whole.items():
            yield f"{name} - 1", {i: v - 1 for i, v in enumerate(values)}

    def _atoms(self) -> Iterator[tuple[str, list[bool]]]:
        """Simple conditions with where they hold."""
        known = dict(sorted(self._known().items(), key=lambda item: len(set(map(repr, item[1])))))
        given = {name: values for name, values in known.items() if name in self._given}
        for name, values in known.items():
            if all(isinstance(v, bool) for v in values):
                yield name, values
                yield f"not {name}", [not v for v in values]
                continue
            for literal in dict.fromkeys(map(repr, values)):
                yield f"{name} != {literal}", [repr(v) != literal for v in values]
                yield f"{name} == {literal}", [repr(v) == literal for v in values]
        for (a, left), (b, right) in combinations(given.items(), 2):
            equal = [_same(x, y) for x, y in zip(left, right, strict=True)]
            yield f"{a} == {b}", equal
            yield f"{a} != {b}", [not e for e in equal]


def _given(functions: Sequence[Function]) -> dict[str, list[Any]]:
    """What functions are called with: the channels of their inputs and their scalar static arguments."""
    found: dict[str, list[Any]] = {}
    first = functions[0]
    outs = [f.outputs[0].type.shape[:1] for f in functions]
    for position, value in enumerate(first.inputs):
        shapes = [f.inputs[position].type.shape for f in functions]
        if not all(shapes):
            continue
        same = [s[:1] for s in shapes] == outs
        name = ("channels" if same else "in_channels") if len(first.inputs) == 1 else f"{value.name}_channels"
        if name.isidentifier():
            found[name] = [s[0] for s in shapes]
    for name in first.arguments:
        values = [f.arguments.get(name) for f in functions]
        if _parameter(name, found) and all(isinstance(v, (bool, int, float, str)) for v in values):
            found[name] = values
    return found


def _of_two(condition: str) -> bool:
    """Whether a condition compares two parameters."""
    return all(part.isidentifier() for part in condition.split(" == "))


def _parameter(name: str, taken: Iterable[str]) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and name not in (*IMPORTED, "self", *taken)


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _literal(value: Any) -> ast.expr:
    return ast.parse(repr(value), mode="eval").body
