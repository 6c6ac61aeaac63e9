"""Points, boxes and the curves that edges are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class Size(NamedTuple):
    """Width and height of a node, in pixels."""

    width: float
    height: float


class Point(NamedTuple):
    """A point of the picture, in pixels from its upper left corner."""

    x: float
    y: float


class Box(NamedTuple):
    """A node: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Curve(NamedTuple):
    """A cubic Bézier curve: where it begins, its two control points, and where it ends."""

    start: Point
    leave: Point
    arrive: Point
    end: Point

    def at(self, t: float) -> Point:
        """The point at a parameter between 0 and 1."""
        s = 1 - t
        weights = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
        return Point(*(sum(w * p[axis] for w, p in zip(weights, self, strict=True)) for axis in (0, 1)))


_BEND = 0.5
"""How far, of the way, a curve between layers goes on in its direction before it turns."""
_CORNER = 0.45
"""The same for a rounded corner, where 0.45 is nearly a circle."""


def line(start: Point, end: Point) -> Curve:
    """A straight line."""
    return Curve(start, _between(start, end, 1 / 3), _between(start, end, 2 / 3), end)


def swing(start: Point, end: Point) -> Curve:
    """A curve that begins and ends to the right."""
    reach = _BEND * (end.x - start.x)
    return Curve(start, Point(start.x + reach, start.y), Point(end.x - reach, end.y), end)


def rounded(points: Sequence[Point], radius: float) -> Iterator[Curve]:
    """A line along points, with round corners."""
    here = points[0]
    for corner, following in pairwise(points[1:]):
        before, after = (_towards(corner, other, radius) for other in (here, following))
        yield line(here, before)
        yield Curve(before, _between(corner, before, _CORNER), _between(corner, after, _CORNER), after)
        here = after
    yield line(here, points[-1])


def _towards(corner: Point, other: Point, radius: float) -> Point:
    length = math.dist(corner, other)
    return corner if length == 0 else _between(corner, other, min(radius, length / 2) / length)


def _between(start: Point, end: Point, t: float) -> Point:
    return Point(start.x + t * (end.x - start.x), start.y + t * (end.y - start.y))
