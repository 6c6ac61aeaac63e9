"""Conditions stay small: what holds for all alternatives of a choice is seen to hold."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawloom.ir import Decision, Expr, index_of
from drawloom.ir.expression import all_of, any_of, equal
from drawloom.passes.conditions import Conditions

DECISIONS = [Decision(f"d{i}", tuple(range(3))) for i in range(4)]


def literal(decision: int, value: int):
    return equal(index_of(DECISIONS[decision]), value)


def truth(scalar, values: tuple[int, ...]) -> bool:
    if not isinstance(scalar, Expr):
        return bool(scalar)
    return bool(scalar.at(dict(zip(DECISIONS, values, strict=True))))


literals = st.builds(literal, st.integers(0, 3), st.integers(0, 2))
conjunctions = st.lists(literals, min_size=1, max_size=4).map(lambda parts: all_of(*parts))


@settings(max_examples=200)
@given(st.lists(conjunctions | st.booleans(), max_size=7))
def test_any_means_or(conditions):
    found = Conditions().any(conditions)
    for values in itertools.product(range(3), repeat=4):
        assert truth(found, values) == any(truth(c, values) for c in conditions)


@given(conjunctions, conjunctions)
def test_both_means_and(a, b):
    found = Conditions().both(a, b)
    for values in itertools.product(range(3), repeat=4):
        assert truth(found, values) == (truth(a, values) and truth(b, values))


def test_all_alternatives_of_many_choices_fold_to_true():
    # together far beyond the size of any table
    decisions = [Decision(f"op{i}", tuple("abcdefgh")) for i in range(9)]
    outer = all_of(*[equal(index_of(d), 0) for d in decisions])
    last = Decision("last", tuple("abcdefgh"))
    arms = [all_of(outer, equal(index_of(last), i)) for i in range(8)]
    conditions = Conditions()
    assert conditions.any(arms) is outer
    assert conditions.both(arms[0], outer) is conditions.both(outer, arms[0])
    assert conditions.any([*arms, *[equal(index_of(last), i) for i in range(8)]]) is True


@pytest.mark.parametrize("unused", [0, 1, 2])
def test_decisions_that_do_not_matter_are_not_mentioned(unused):
    decision = index_of(DECISIONS[0])
    scalar = any_of(*[all_of(literal(1, 1), equal(decision, i)) for i in range(3)])
    tight = Conditions().tight(scalar)
    assert tight is literal(1, 1)
