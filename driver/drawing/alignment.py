"""Second half of a layered layout: a place for each node along its layer, so that long edges run straight.

After Brandes and Köpf, "Fast and simple horizontal coordinate assignment" (2001). Four layouts, each aligned
with neighbours before or after and packed to one or the other side, are averaged. Packing walks the graph of
blocks, as the errata of the paper (2020) recommend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from .layers import Layered

Distance = Callable[[int, int], float]
"""How far apart the centres of two neighbours of a layer have to be at least."""

Segment = tuple[int, int]


def places(graph: Layered, distance: Distance) -> list[float]:
    """Centres of all nodes along their layers; neighbours keep their order and at least their distance."""
    if not graph.layers:
        return []
    conflicts = _conflicts(graph)
    candidates = [
        _packed(graph, distance, conflicts, forwards, mirrored)
        for forwards in (True, False)
        for mirrored in (False, True)
    ]
    _line_up(candidates)
    return [sum(sorted(places)[1:3]) / 2 for places in zip(*candidates, strict=True)]


def _line_up(candidates: list[list[float]]) -> None:
    """Shift layouts so that those packed to one side share that side with the narrowest of all."""
    narrowest = min(candidates, key=lambda places: max(places) - min(places))
    low, high = min(narrowest), max(narrowest)
    for position, places in enumerate(candidates):
        shift = low - min(places) if position % 2 == 0 else high - max(places)
        candidates[position] = [place + shift for place in places]


def _conflicts(graph: Layered) -> set[Segment]:
    """Segments that cross a piece of a long edge, and give way to it."""
    found: set[Segment] = set()
    for layer, following in pairwise(graph.layers):
        place = {node: position for position, node in enumerate(layer)}
        last = start = 0
        for position, node in enumerate(following):
            inner = _inner(graph, node)
            if inner is None and position < len(following) - 1:
                continue
            bound = len(layer) if inner is None else place[inner]
            for other in following[start : position + 1]:
                found.update(
                    (b, other)
                    for b in graph.before[other]
                    if not last <= place[b] <= bound and _inner(graph, other) is None
                )
            start, last = position + 1, bound
    return found


def _inner(graph: Layered, node: int) -> int | None:
    """The dummy before a dummy."""
    if node < graph.nodes:
        return None
    (before,) = graph.before[node]
    return before if before >= graph.nodes else None


def _packed(
    graph: Layered, distance: Distance, conflicts: set[Segment], forwards: bool, mirrored: bool
) -> list[float]:
    """One of the four layouts."""
    layers = graph.layers if forwards else graph.layers[::-1]
    layers = [layer[::-1] for layer in layers] if mirrored else layers
    neighbours = graph.before if forwards else graph.after
    roots = _align(layers, neighbours, conflicts, forwards)
    packed = _pack(layers, roots, distance)
    return [-packed[root] if mirrored else packed[root] for root in roots]


def _align(
    layers: list[list[int]], neighbours: list[list[int]], conflicts: set[Segment], forwards: bool
) -> list[int]:
    """Blocks of nodes that get one place: for each node the first of its block."""
    place = [0] * len(neighbours)
    for layer in layers:
        for position, node in enumerate(layer):
            place[node] = position
    roots = list(range(len(neighbours)))
    for layer in layers[1:]:
        last = -1
        for node in layer:
            for median in _medians(neighbours[node], place):
                segment = (median, node) if forwards else (node, median)
                if place[median] > last and segment not in conflicts:
                    roots[node], last = roots[median], place[median]
                    break
    return roots


def _medians(neighbours: list[int], place: list[int]) -> Iterator[int]:
    ordered = sorted(neighbours, key=place.__getitem__)
    if ordered:
        low, high = (len(ordered) - 1) // 2, len(ordered) // 2
        yield ordered[low]
        if high != low:
            yield ordered[high]


def _pack(layers: list[list[int]], roots: list[int], distance: Distance) -> dict[int, float]:
    """Places of blocks: each as far to the front as those before it allow, then back to what follows it."""
    gaps: dict[int, dict[int, float]] = {root: {} for root in roots}
    for layer in layers:
        for one, other in pairwise(layer):
            gap = gaps[roots[one]]
            gap[roots[other]] = max(gap.get(roots[other], 0.0), distance(one, other))
    order = _block_order(gaps)
    places = dict.fromkeys(order, 0.0)
    for block in order:
        for other, gap_to in gaps[block].items():
            places[other] = max(places[other], places[block] + gap_to)
    for block in reversed(order):
        if gaps[block]:
            places[block] = min(places[other] - gap_to for other, gap_to in gaps[block].items())
    return places


def _block_order(gaps: dict[int, dict[int, float]]) -> list[int]:
    waiting = dict.fromkeys(gaps, 0)
    for following in gaps.values():
        for other in following:
            waiting[other] += 1
    order = [block for block, count in waiting.items() if count == 0]
    for block in order:
        for other in gaps[block]:
            waiting[other] -= 1
            if waiting[other] == 0:
                order.append(other)
    return order
