"""Layouts of random graphs: nothing overlaps, everything leads forwards, all of it is inside."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawloom.drawing.curves import Box, Point, Size
from drawloom.drawing.layers import crossings, layered
from drawloom.drawing.layout import Direction, Layout, lay_out

Graph = tuple[list[Size], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to 24 nodes; each edge leads from an earlier to a later one."""
    side = st.integers(4, 120)
    sizes = [Size(*s) for s in draw(st.lists(st.tuples(side, side), min_size=1, max_size=24))]
    pairs = list(combinations(range(len(sizes)), 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=60)) if pairs else []
    return sizes, edges


WRAPS = st.sampled_from([None, 200.0, 500.0])
DIRECTIONS = st.sampled_from(list(Direction))


def overlap(one: Box, other: Box, slack: float = 0.0) -> bool:
    return (
        one.x + slack < other.x + other.width
        and other.x + slack < one.x + one.width
        and one.y + slack < other.y + other.height
        and other.y + slack < one.y + one.height
    )


def points(layout: Layout, edge: int) -> list[Point]:
    return [curve.at(i / 8) for curve in layout.routes[edge] for i in range(9)]


@given(graphs(), DIRECTIONS, WRAPS)
@settings(max_examples=150)
def test_nodes_keep_their_size_and_apart(graph: Graph, direction: Direction, wrap: float | None) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, direction, wrap=wrap)
    assert [(b.width, b.height) for b in layout.boxes] == [tuple(s) for s in sizes]
    assert not any(overlap(a, b) for a, b in combinations(layout.boxes, 2))


@given(graphs(), DIRECTIONS)
@settings(max_examples=100)
def test_edges_lead_forwards(graph: Graph, direction: Direction) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, direction)
    axis = 0 if direction is Direction.RIGHT else 1
    for number, (source, target) in enumerate(edges):
        assert layout.boxes[source][axis] + layout.boxes[source][axis + 2] < layout.boxes[target][axis]
        along = [point[axis] for point in points(layout, number)]
        assert all(a <= b + 1e-6 for a, b in pairwise(along))


@given(graphs(), DIRECTIONS, WRAPS)
@settings(max_examples=150)
def test_edges_join_borders_without_gaps(graph: Graph, direction: Direction, wrap: float | None) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, direction, wrap=wrap)
    for route, (source, target) in zip(layout.routes, edges, strict=True):
        for curve, following in pairwise(route):
            assert curve.end == pytest.approx(following.start)
        start, end = layout.boxes[source], layout.boxes[target]
        if direction is Direction.RIGHT:
            assert route[0].start.x == pytest.approx(start.x + start.width)
            assert start.y <= route[0].start.y <= start.y + start.height
            assert route[-1].end.x == pytest.approx(end.x)
            assert end.y <= route[-1].end.y <= end.y + end.height
        else:
            assert route[0].start.y == pytest.approx(start.y + start.height)
            assert route[-1].end.y == pytest.approx(end.y)


@given(graphs(), DIRECTIONS, WRAPS)
@settings(max_examples=150)
def test_edges_bend_around_nodes(graph: Graph, direction: Direction, wrap: float | None) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, direction, wrap=wrap)
    for number in range(len(edges)):
        for point in points(layout, number):
            spot = Box(point.x, point.y, 0, 0)
            assert not any(overlap(box, spot, 1e-6) for box in layout.boxes)


@given(graphs(), DIRECTIONS, WRAPS)
@settings(max_examples=100)
def test_everything_is_inside(graph: Graph, direction: Direction, wrap: float | None) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges, direction, wrap=wrap)
    corners = [Point(b.x, b.y) for b in layout.boxes]
    corners += [Point(b.x + b.width, b.y + b.height) for b in layout.boxes]
    controls = [p for route in layout.routes for curve in route for p in curve]
    for point in corners + controls:
        assert -1e-6 <= point.x <= layout.width + 1e-6
        assert -1e-6 <= point.y <= layout.height + 1e-6


@given(graphs(), WRAPS)
@settings(max_examples=30)
def test_the_same_graph_is_laid_out_alike(graph: Graph, wrap: float | None) -> None:
    assert lay_out(*graph, wrap=wrap) == lay_out(*graph, wrap=wrap)


@given(graphs())
@settings(max_examples=60)
def test_crossings_are_counted(graph: Graph) -> None:
    found = layered([s.height for s in graph[0]], graph[1])
    place = {node: i for layer in found.layers for i, node in enumerate(layer)}
    steps = [
        [(n, a) for n in layer for a in found.after[n]] for layer in found.layers
    ]  # every edge piece, by the layer where it begins
    pairs = (pair for pieces in steps for pair in combinations(pieces, 2))
    expected = sum((place[a] - place[c]) * (place[b] - place[d]) < 0 for (a, b), (c, d) in pairs)
    assert crossings(found) == expected


def test_crossings_that_can_be_avoided_are() -> None:
    # Two paths, given so that they cross, and a ladder turned around.
    assert crossings(layered([10] * 4, [(0, 3), (1, 2)])) == 0
    edges = [(0, 9), (1, 8), (2, 7), (3, 6), (4, 5), (0, 8), (1, 7), (2, 6), (3, 5)]
    assert crossings(layered([10] * 10, edges)) == 0
    # A path that means alone do not untangle: neighbours must be swapped as well.
    assert crossings(layered([10] * 7, [(0, 5), (1, 4), (2, 5), (2, 6), (3, 4), (3, 5)])) == 0


def test_a_long_edge_runs_straight() -> None:
    sizes = [Size(40, 20)] * 5
    layout = lay_out(sizes, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)])
    inner = layout.routes[4][2:-2]
    assert len({round(p.y, 6) for curve in inner for p in curve}) == 1


def test_what_leads_nowhere_else_stands_close_to_its_reader() -> None:
    # A constant that only the last of a chain reads.
    sizes = [Size(40, 20)] * 5
    layout = lay_out(sizes, [(0, 1), (1, 2), (2, 3), (4, 3)])
    assert layout.boxes[4].x == layout.boxes[2].x


def test_a_long_chain_is_continued_below() -> None:
    chain = [(i, i + 1) for i in range(29)]
    layout = lay_out([Size(90, 30)] * 30, chain, wrap=600)
    assert layout.width < 750
    rows = sorted({box.y for box in layout.boxes})
    assert len(rows) == 6
    one = lay_out([Size(90, 30)] * 30, chain)
    assert len({box.y for box in one.boxes}) == 1


def test_rows_end_where_few_edges_are_cut() -> None:
    # Four strands of eight nodes meet in one: the only narrow place is there.
    strands = [[1 + 8 * s + i for i in range(8)] for s in range(4)]
    edges = [(0, s[0]) for s in strands] + [step for s in strands for step in pairwise(s)]
    edges += [(s[-1], 33) for s in strands] + [(i, i + 1) for i in range(33, 44)]
    layout = lay_out([Size(60, 20)] * 45, edges, wrap=500)
    first_row = layout.boxes[33].y + layout.boxes[33].height
    assert all(layout.boxes[n].y < first_row + 100 for s in strands for n in s)
    assert layout.boxes[44].y > max(layout.boxes[n].y for s in strands for n in s)


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        lay_out([Size(10, 10)] * 2, [(0, 1), (1, 0)])


def test_nothing_is_laid_out_too() -> None:
    assert lay_out([], []) == Layout(0, 0, [], [])
