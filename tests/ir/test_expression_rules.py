"""Expressions are simplified as they are built, and keep the value that was written in every assignment."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from drawloom.ir import Decision, substitute, value_of
from drawloom.ir.expression import OPERATORS, apply

S, T = Decision("s", (0, 1, -2)), Decision("t", (0.5, -1.5, 0.0))
P, Q = Decision("p", (False, True)), Decision("q", (False, True))

Tree = Any
"""A decision, a literal, or an operator with its trees."""

NUMBERS: list[Tree] = [S, T, 0, 1, -1]
TRUTHS: list[Tree] = [P, Q, ("not", P), True, False]


def numbers() -> Iterator[Tree]:
    """Arithmetic on arithmetic."""
    inner = [(o, a, b) for o in "+-*" for a, b in product(NUMBERS, NUMBERS)]
    for first in inner:
        yield from ((o, first, b) for o in "+-*" for b in NUMBERS)
    yield from ((o, a, 1) for o in ("//", "%") for a in (*NUMBERS, *inner))
    yield from (
        ("where", ("==", a, b), *arms) for a, b in product(NUMBERS, NUMBERS) for arms in ((a, b), (b, a))
    )


def truths() -> Iterator[Tree]:
    """Logic on logic, on both sides and negated."""
    inner = [(o, a, b) for o in ("and", "or") for a, b in product(TRUTHS, TRUTHS)]
    inner += [("not", tree) for tree in inner]
    yield from ((o, a, b) for o in ("and", "or") for a, b in product(TRUTHS, inner))


def built(tree: Tree) -> Any:
    """The expression of a tree."""
    if isinstance(tree, Decision):
        return value_of(tree)
    return apply(tree[0], *map(built, tree[1:])) if isinstance(tree, tuple) else tree


def computed(tree: Tree, values: Mapping[Decision, Any]) -> Any:
    """The value of a tree, by Python's own arithmetic."""
    if isinstance(tree, Decision):
        return values[tree]
    if not isinstance(tree, tuple):
        return tree
    return OPERATORS[tree[0]].compute(*(computed(part, values) for part in tree[1:]))


@pytest.mark.parametrize(("trees", "decisions"), [(numbers, (S, T)), (truths, (P, Q))])
def test_simplifying_changes_no_value(trees: Any, decisions: tuple[Decision, ...]) -> None:
    for tree in trees():
        expression = built(tree)
        for chosen in product(*(d.domain for d in decisions)):
            values = dict(zip(decisions, chosen, strict=True))
            assert substitute(expression, values) == computed(tree, values), (tree, values)
