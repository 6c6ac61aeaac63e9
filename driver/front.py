"""Fronts of finished trials: who is on them, in which order, and how much they dominate (hypervolume).

The comparisons themselves are in `drawloom.strategies.pareto`, for strategies need them too. Smaller is
better everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drawloom.strategies.pareto import Costs, as_points, crowding_distance, front_ranks, non_dominated

__all__ = ["Costs", "crowding_distance", "front_ranks", "hypervolume", "non_dominated", "pareto_front"]


def pareto_front(costs: Costs) -> list[int]:
    """The positions of the non-dominated points, by the first objective from best to worst.

    Of points with equal costs all are on the front.

    Args:
        costs: [points, objectives].
    """
    points = as_points(costs)
    front = np.flatnonzero(non_dominated(points))
    keys = tuple(points[front].T[::-1])
    return [int(i) for i in front[np.lexsort(keys)]]


def hypervolume(costs: Costs, reference: Sequence[float]) -> float:
    """The volume that the points dominate, bounded by a reference point (Zitzler and Thiele, 1998); exact.

    One objective gives a length, two an area, and so on. Points that are not better than the reference in
    every objective add nothing. Three and more objectives are cut into slabs along the last one, which takes
    exponential time in their number and is meant for fronts of tens of points.

    Args:
        costs: [points, objectives].
        reference: worst cost of each objective that counts.

    Raises:
        ValueError: when the reference has another number of objectives than the points.
    """
    points = as_points(costs)
    corner = np.asarray(reference, dtype=np.float64)
    if len(points) and points.shape[1] != len(corner):
        raise ValueError(f"points have {points.shape[1]} objectives, the reference has {len(corner)}")
    inside = points[(points < corner).all(axis=1)] if len(points) else points
    return _volume(inside, corner) if len(inside) else 0.0


def _volume(points: NDArray[np.float64], corner: NDArray[np.float64]) -> float:
    """Hypervolume of at least one point, all better than the corner."""
    if len(corner) == 1:
        return float(corner[0] - points.min())
    if len(corner) == 2:
        return _area(points, corner)
    order = np.argsort(points[:, -1], kind="stable")
    depth = np.append(points[order, -1], corner[-1])
    slabs = np.diff(depth)
    return float(
        sum(
            slab * _volume(points[order[: i + 1], :-1], corner[:-1])
            for i, slab in enumerate(slabs)
            if slab > 0.0
        )
    )


def _area(points: NDArray[np.float64], corner: NDArray[np.float64]) -> float:
    order = np.lexsort((points[:, 1], points[:, 0]))
    left, height = points[order, 0], np.minimum.accumulate(points[order, 1])
    widths = np.diff(np.append(left, corner[0]))
    return float((widths * (corner[1] - height)).sum())
