"""Selections by position: what they are simplified to, and when a decision stands for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawloom.ir import Decision, Expr, index_of, substitute, value_of
from drawloom.ir.expression import select

D = Decision("d", ("a", "b", "c", "e"))


@given(
    st.lists(st.integers(0, 2), min_size=4, max_size=4), st.lists(st.integers(5, 9), min_size=3, max_size=3)
)
def test_a_selection_from_a_selection_is_one(inner, outer):
    made = select(select(index_of(D), inner), outer)
    values = [outer[i] for i in inner]
    if isinstance(made, Expr):
        assert made.table.tolist() == values
        # unless the inner one is the same for all values, there is no selection of a selection
        assert not isinstance(made.args[0], Expr) or made.args[0].operator == "index"
    else:
        assert set(values) == {made}


def test_selecting_each_position_is_the_position():
    assert select(index_of(D), range(4)) is index_of(D)
    assert select(index_of(D), [1, 0, 2, 3]) is not index_of(D)
    assert str(select(index_of(D), range(5))) == "select(index(@d), [0, 1, 2, 3, 4])"


@pytest.mark.parametrize("kept", [("b", "e"), ("e", "a", "c"), ("z", "b")])
def test_a_decision_in_place_of_another_keeps_the_positions_of_its_values(kept):
    narrow = Decision("d", kept)
    index = substitute(index_of(D), {D: value_of(narrow)})
    # a value that the other does not have is in no position; the first stands for it
    assert index.table.tolist() == [D.domain.index(v) if v in D.domain else 0 for v in kept]
    assert (
        str(substitute(index_of(D), {D: value_of(Decision("d", ("b", "e")))})) == "select(index(@d), [1, 3])"
    )
