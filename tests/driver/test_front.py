import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawloom.front import hypervolume, pareto_front

SIDE = 5


def grids(objectives: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.lists(st.tuples(*[st.integers(0, SIDE + 1)] * objectives), max_size=8)


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), grids(n))))
def test_hypervolume_counts_dominated_unit_cells(case: tuple[int, list[tuple[int, ...]]]) -> None:
    objectives, points = case
    cells = np.stack(np.meshgrid(*[np.arange(SIDE)] * objectives, indexing="ij"), axis=-1).reshape(
        -1, objectives
    )
    covered = np.zeros(len(cells), dtype=bool)
    for point in points:
        covered |= (cells >= np.array(point)).all(axis=1)
    assert hypervolume(points, [SIDE] * objectives) == pytest.approx(covered.sum())


def test_hypervolume_of_a_known_front() -> None:
    assert hypervolume([(1.0, 4.0), (2.0, 2.0), (4.0, 1.0)], (5.0, 5.0)) == 1 * 1 + 2 * 3 + 1 * 4


def test_hypervolume_of_nothing_is_zero() -> None:
    assert hypervolume([], (1.0, 1.0)) == 0.0
    assert hypervolume([(2.0, 0.0)], (1.0, 1.0)) == 0.0


def test_hypervolume_wants_as_many_objectives() -> None:
    with pytest.raises(ValueError, match="the reference has 3"):
        hypervolume([(1.0, 2.0)], (3.0, 3.0, 3.0))


def test_front_is_ordered_by_the_first_objective() -> None:
    costs = [(3.0, 1.0), (1.0, 3.0), (2.0, 2.0), (2.0, 2.5), (1.0, 3.0), (float("nan"), 0.0)]
    assert pareto_front(costs) == [1, 4, 2, 0]
    assert pareto_front([]) == []
