import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from drawloom.strategies import crowding_distance, front_ranks, non_dominated

tables = st.integers(1, 3).flatmap(
    lambda columns: st.lists(st.tuples(*[st.integers(0, 4)] * columns), min_size=1, max_size=12)
)


def dominates(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@given(tables)
def test_non_dominated_is_its_definition(points: list[tuple[int, ...]]) -> None:
    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert non_dominated(points).tolist() == expected


@given(tables)
def test_ranks_peel_fronts(points: list[tuple[int, ...]]) -> None:
    ranks = front_ranks(points).tolist()
    for point, rank in zip(points, ranks, strict=True):
        better = [r for other, r in zip(points, ranks, strict=True) if dominates(other, point)]
        assert rank == (max(better) + 1 if better else 0)


def test_not_a_number_is_on_no_front() -> None:
    points = [(1.0, math.nan), (2.0, 2.0), (math.nan, math.nan), (3.0, 3.0)]
    assert non_dominated(points).tolist() == [False, True, False, False]
    assert front_ranks(points).tolist() == [2, 0, 2, 1]


def test_nothing() -> None:
    assert non_dominated([]).tolist() == []
    assert front_ranks(np.zeros((0, 2))).tolist() == []
    assert crowding_distance([]).tolist() == []


def test_crowding_of_a_known_front() -> None:
    distance = crowding_distance([(0.0, 10.0), (1.0, 6.0), (4.0, 5.0), (10.0, 0.0)])
    assert distance.tolist() == [math.inf, 0.4 + 0.5, 0.9 + 0.6, math.inf]


def test_crowding_without_extent() -> None:
    assert crowding_distance([(1.0, 0.0), (1.0, 2.0), (1.0, 4.0)]).tolist() == [math.inf, 1.0, math.inf]
    assert crowding_distance([(1.0, 1.0), (1.0, 1.0)]).tolist() == [0.0, 0.0]
