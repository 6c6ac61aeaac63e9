"""Comparing points by several costs at once: domination, fronts, crowding. Smaller is better everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Costs: TypeAlias = "Sequence[Sequence[float]] | NDArray[np.float64]"
"""One row a point, one column an objective; smaller is better."""


def non_dominated(costs: Costs) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    A point dominates another when it is nowhere worse and somewhere better, so equal points do not dominate
    each other. A point with a NaN is dominated by nothing and dominates nothing, hence is left out.

    Args:
        costs: [points, objectives].

    Returns:
        Mask [points].
    """
    points = as_points(costs)
    sound = ~np.isnan(points).any(axis=1)
    nowhere_worse = (points[:, None, :] <= points[None, :, :]).all(axis=2)
    somewhere_better = (points[:, None, :] < points[None, :, :]).any(axis=2)
    dominated = (nowhere_worse & somewhere_better).any(axis=0)
    return np.asarray(sound & ~dominated)


def front_ranks(costs: Costs) -> NDArray[np.int64]:
    """The number of the front that each point is on: 0 is the Pareto front, 1 the front without it, etc.

    Non-dominated sorting of NSGA-II (Deb et al., 2002, section III-A). Points with a NaN come last, on a
    front of their own.

    Args:
        costs: [points, objectives].

    Returns:
        Ranks [points].
    """
    points = as_points(costs)
    ranks = np.full(len(points), -1, dtype=np.int64)
    rank = 0
    while (left := np.flatnonzero(ranks < 0)).size:
        front = non_dominated(points[left])
        ranks[left[front] if front.any() else left] = rank
        rank += 1
    return ranks


def crowding_distance(costs: Costs) -> NDArray[np.float64]:
    """How far from its neighbours each point of a front lies; the ends of every objective are infinitely far.

    NSGA-II (Deb et al., 2002, section III-B): the sum over objectives of the distance between the two
    neighbours, divided by the range of the objective. An objective in which all points agree says nothing.

    Args:
        costs: [points, objectives], the points of one front.

    Returns:
        Distances [points], larger is lonelier.
    """
    points = as_points(costs)
    distance = np.zeros(len(points))
    for column in points.T:
        extent = float(column.max() - column.min()) if len(column) else 0.0
        if not extent > 0.0:
            continue
        order = np.argsort(column, kind="stable")
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / extent
    return distance


def as_points(costs: Costs) -> NDArray[np.float64]:
    """Costs as a float array [points, objectives], also when there is no point.

    Raises:
        ValueError: when they are not a table.
    """
    points = np.asarray(costs, dtype=np.float64)
    if points.size == 0:
        return points.reshape(0, points.shape[1] if points.ndim == 2 else 1)
    if points.ndim != 2:
        raise ValueError(f"costs are a table of points and objectives, got shape {points.shape}")
    return points
