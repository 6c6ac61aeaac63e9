"""From a graph with node sizes to positions and curves; knows nothing of what is drawn.

Layers are columns from left to right (or rows from top to bottom); a layout that is too wide is continued
below, row under row. Within a layer an edge runs straight, so that it keeps clear of the nodes; only between
two layers does it bend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from .alignment import places
from .curves import Box, Curve, Point, Size, line, rounded, swing
from .layers import Edge, Layered, layered


class Direction(StrEnum):
    """Where edges lead."""

    RIGHT = "right"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is; all of it inside ``[0, width] x [0, height]``.

    Attributes:
        width: of the whole.
        height: of the whole.
        boxes: one a node.
        routes: one an edge, each a sequence of curves from the border of its source to that of its target.
    """

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Curve]]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances in pixels.

    Attributes:
        layer: between two layers, at least.
        steep: what is added to that for each pixel that an edge climbs between them.
        steepest: most that is added so.
        node: between two nodes of a layer.
        edge: between an edge and its neighbours in a layer.
        lane: between edges that lead from a row to the next.
        margin: around the whole.
    """

    layer: float = 26
    steep: float = 0.16
    steepest: float = 60
    node: float = 16
    edge: float = 9
    lane: float = 9
    margin: float = 6


_PORTS = 0.6
"""Part of a node's side on which edges may begin and end."""
_LATE = 0.5
"""Part of a row that has to be full before it may end."""
_CUTS = 3
"""Most edges that lead from one row to the next; a row becomes as long as that takes."""
_STRETCH = 1.2
"""How much too long a last row may be, so that no single node stands alone below it."""


def lay_out(
    sizes: Sequence[Size],
    edges: Sequence[Edge],
    direction: Direction = Direction.RIGHT,
    *,
    wrap: float | None = None,
    spacing: Spacing | None = None,
) -> Layout:
    """Lay a graph out.

    Args:
        sizes: width and height of each node.
        edges: pairs of positions in `sizes`, each from a source to its target; none twice.
        direction: where edges lead.
        wrap: width from which on a layout to the right is continued in a further row; None for one row.
        spacing: distances.

    Raises:
        ValueError: when the edges form a cycle.
    """
    if not sizes:
        return Layout(0, 0, [], [])
    down = direction is Direction.DOWN
    turned = [Size(s.height, s.width) for s in sizes] if down else list(sizes)
    found = _Columns(turned, edges, spacing or Spacing()).layout(None if down else wrap)
    return _turned(found) if down else found


def _turned(layout: Layout) -> Layout:
    """The layout mirrored at its diagonal."""
    boxes = [Box(b.y, b.x, b.height, b.width) for b in layout.boxes]
    routes = [[Curve(*(Point(p.y, p.x) for p in curve)) for curve in route] for route in layout.routes]
    return Layout(layout.height, layout.width, boxes, routes)


class _Columns:
    """A layout to the right in one endless row: places of nodes, left and right borders of layers."""

    def __init__(self, sizes: list[Size], edges: Sequence[Edge], spacing: Spacing) -> None:
        self.sizes = sizes
        self.spacing = spacing
        self.graph = layered([s.height for s in sizes], edges)
        self.y = places(self.graph, self._distance)
        self.left: list[float] = []
        self.right: list[float] = []
        for position in range(len(self.graph.layers)):
            self._add_column(position)
        self.column = [0] * len(self.y)
        for position, layer in enumerate(self.graph.layers):
            for node in layer:
                self.column[node] = position
        self.starts, self.ends = _ports(self.graph, self.y, sizes)

    def height(self, node: int) -> float:
        """Extent of a node along its layer; a dummy has none."""
        return self.sizes[node].height if node < self.graph.nodes else 0.0

    def _distance(self, one: int, other: int) -> float:
        real = max(one, other) < self.graph.nodes
        gap = self.spacing.node if real else self.spacing.edge
        return (self.height(one) + self.height(other)) / 2 + gap

    def _add_column(self, position: int) -> None:
        graph, y = self.graph, self.y
        layer = graph.layers[position]
        climb = max((abs(y[b] - y[n]) for n in layer for b in graph.before[n]), default=0.0)
        gap = self.spacing.layer + min(self.spacing.steepest, self.spacing.steep * climb)
        width = max((self.sizes[n].width for n in layer if n < graph.nodes), default=0.0)
        self.left.append(self.right[-1] + gap if position else 0.0)
        self.right.append(self.left[-1] + width)

    def cut(self, column: int) -> int:
        """How many edges lead from a layer to the next."""
        return sum(len(self.graph.after[n]) for n in self.graph.layers[column])

    def layout(self, wrap: float | None) -> Layout:
        """The layout in rows of at most a width, where that is possible."""
        return _Rows(self, list(_rows(self, wrap))).layout()


def _rows(columns: _Columns, wrap: float | None) -> Iterator[range]:
    """The layers of each row; a row ends where few edges are cut."""
    count, start = len(columns.left), 0
    while start < count:
        end = count
        if wrap is not None:
            limit = columns.left[start] + wrap
            end = next((i for i in range(start, count) if columns.right[i] > limit), count)
        if end < count and wrap is not None and columns.right[-1] - columns.left[start] > _STRETCH * wrap:
            end = _row_end(columns, start, end)
        else:
            end = count
        yield range(start, end)
        start = end


def _row_end(columns: _Columns, start: int, end: int) -> int:
    """Where a row ends: before `end`, where few edges are cut, or later when too many are everywhere."""
    late = range(start + int(_LATE * (end - start)), end)
    best = min(late, key=lambda i: (columns.cut(i), -i), default=start)
    if columns.cut(best) > _CUTS:
        following = range(best, len(columns.left) - 1)
        best = next((i for i in following if columns.cut(i) <= _CUTS), len(columns.left) - 1)
    return best + 1


def _ports(graph: Layered, y: list[float], sizes: Sequence[Size]) -> tuple[list[float], list[float]]:
    """For each edge where, along the layer, it leaves its source and where it reaches its target."""
    starts, ends = [0.0] * len(graph.chains), [0.0] * len(graph.chains)
    leaving: list[list[int]] = [[] for _ in sizes]
    arriving: list[list[int]] = [[] for _ in sizes]
    for number, chain in enumerate(graph.chains):
        leaving[chain[0]].append(number)
        arriving[chain[-1]].append(number)
    for node, size in enumerate(sizes):
        _spread(leaving[node], lambda n: y[graph.chains[n][1]], y[node], size.height, starts)
        _spread(arriving[node], lambda n: y[graph.chains[n][-2]], y[node], size.height, ends)
    return starts, ends


def _spread(
    numbers: list[int], key: Callable[[int], float], centre: float, height: float, ports: list[float]
) -> None:
    """Give the edges at one side of a node ports in the order of where they lead."""
    step = _PORTS * height / max(1, len(numbers))
    for position, number in enumerate(sorted(numbers, key=key)):
        ports[number] = centre + step * (position - (len(numbers) - 1) / 2)


class _Rows:
    """Columns in rows, one under the other, with gutters between for the edges from row to row."""

    def __init__(self, columns: _Columns, rows: list[range]) -> None:
        self.columns = columns
        self.rows = rows
        self.row = [number for number, row in enumerate(rows) for _ in row]
        spacing = columns.spacing
        cuts = [columns.cut(row[-1]) for row in rows[:-1]]
        self.side = max(cuts) * spacing.lane + spacing.layer / 2 if cuts else 0.0
        self.shifts: list[Point] = []
        self.gutters: list[float] = []
        top = spacing.margin
        for row, cut in zip(rows, [*cuts, 0], strict=True):
            low, high = self._extent(row)
            self.shifts.append(Point(spacing.margin + self.side - columns.left[row[0]], top - low))
            self.gutters.append(top + high - low + spacing.node)
            top = self.gutters[-1] + cut * spacing.lane + spacing.node
        self.bottom = self.gutters[-1] - spacing.node if rows else top
        widths = [columns.right[row[-1]] - columns.left[row[0]] for row in rows]
        self.end = spacing.margin + self.side + max(widths, default=0.0)
        self.lanes = [0] * len(rows)

    def _extent(self, row: range) -> tuple[float, float]:
        columns = self.columns
        nodes = [n for i in row for n in columns.graph.layers[i]]
        low = min(columns.y[n] - columns.height(n) / 2 for n in nodes)
        return low, max(columns.y[n] + columns.height(n) / 2 for n in nodes)

    def layout(self) -> Layout:
        """The finished layout."""
        graph, margin = self.columns.graph, self.columns.spacing.margin
        boxes = [self._box(node) for node in range(graph.nodes)]
        routes = [list(self._route(number, boxes)) for number in range(len(graph.chains))]
        return Layout(self.end + self.side + margin, self.bottom + margin, boxes, routes)

    def _box(self, node: int) -> Box:
        columns = self.columns
        size, column = columns.sizes[node], columns.column[node]
        x = (columns.left[column] + columns.right[column] - size.width) / 2
        shift = self.shifts[self.row[column]]
        return Box(x + shift.x, columns.y[node] - size.height / 2 + shift.y, *size)

    def _at(self, column: int, right: bool, y: float) -> Point:
        """A point on a border of a layer."""
        borders = self.columns.right if right else self.columns.left
        shift = self.shifts[self.row[column]]
        return Point(borders[column] + shift.x, y + shift.y)

    def _route(self, number: int, boxes: list[Box]) -> Iterator[Curve]:
        columns = self.columns
        chain = columns.graph.chains[number]
        source, target = boxes[chain[0]], boxes[chain[-1]]
        heights = [columns.starts[number], *(columns.y[n] for n in chain[1:-1]), columns.ends[number]]
        here = self._at(columns.column[chain[0]], True, heights[0])
        yield line(Point(source.x + source.width, here.y), here)
        for (node, following), y in zip(pairwise(chain), heights[1:], strict=True):
            arrived = self._at(columns.column[following], False, y)
            yield from self._step(self.row[columns.column[node]], here, arrived, columns.column[following])
            if following == chain[-1]:
                yield line(arrived, Point(target.x, arrived.y))
            else:
                here = self._at(columns.column[following], True, y)
                yield line(arrived, here)

    def _step(self, row: int, here: Point, there: Point, column: int) -> Iterator[Curve]:
        """From a layer to the next: directly, or around the ends of two rows."""
        if self.row[column] == row:
            yield swing(here, there)
            return
        spacing = self.columns.spacing
        lane = self.lanes[row] * spacing.lane
        self.lanes[row] += 1
        right, gutter = self.end + spacing.layer / 2 + lane, self.gutters[row] + lane
        left = spacing.margin + lane
        corners = [Point(right, here.y), Point(right, gutter), Point(left, gutter), Point(left, there.y)]
        yield from rounded([here, *corners, there], spacing.lane)
