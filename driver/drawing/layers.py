"""First half of a layered layout: nodes into layers, and an order in each layer with few crossings.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981),
with the balancing step of Gansner et al., "A technique for drawing directed graphs" (1993). Nodes are
numbers. An edge over several layers becomes a chain through one dummy node in every layer between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[int, int]

_SWEEPS = 24
"""Most sweeps over the layers; they end when four in a row improve nothing."""
_TRANSPOSED = 400
"""Most nodes of a graph, dummies counted, in which neighbours are swapped after each sweep."""


@dataclass(frozen=True, slots=True)
class Layered:
    """A graph in layers.

    Attributes:
        nodes: how many nodes there are; the numbers from there on are dummies.
        layers: the nodes of each layer, dummies included, in order.
        before: for each node its neighbours in the layer before, by node number.
        after: for each node its neighbours in the layer after, by node number.
        chains: for each edge the nodes from its source to its target, one a layer.
    """

    nodes: int
    layers: list[list[int]]
    before: list[list[int]]
    after: list[list[int]]
    chains: list[list[int]]


def layered(extents: Sequence[float], edges: Sequence[Edge]) -> Layered:
    """Put a graph without cycles into layers and order each layer.

    Args:
        extents: size of each node along its layer; layers that are equally good get equally full.
        edges: pairs of positions in `extents`, each from a source to its target; none twice.

    Raises:
        ValueError: when the edges form a cycle.
    """
    ranks = _ranks(extents, edges)
    graph = _with_dummies(ranks, edges)
    _order(graph)
    return graph


def _ranks(extents: Sequence[float], edges: Sequence[Edge]) -> list[int]:
    """The layer of each node."""
    before, after = _neighbours(len(extents), edges)
    order = _topological(before, after)
    ranks = [0] * len(extents)
    for node in order:
        ranks[node] = max((ranks[b] + 1 for b in before[node]), default=0)
    # What has more readers than operands stands close to its readers: that shortens more edges than it
    # lengthens.
    for node in reversed(order):
        if len(after[node]) > len(before[node]):
            ranks[node] = min(ranks[a] for a in after[node]) - 1
    _balance(extents, order, before, after, ranks)
    return ranks


def _balance(
    extents: Sequence[float],
    order: list[int],
    before: list[list[int]],
    after: list[list[int]],
    ranks: list[int],
) -> None:
    """Move nodes with as many operands as readers into emptier layers, which lengthens no edge."""
    fill = [0.0] * (max(ranks, default=0) + 1)
    for node, rank in enumerate(ranks):
        fill[rank] += extents[node]
    for node in reversed(order):
        if not before[node] or len(before[node]) != len(after[node]):
            continue
        first, last = max(ranks[b] for b in before[node]) + 1, min(ranks[a] for a in after[node])
        fill[ranks[node]] -= extents[node]
        ranks[node] = min(range(first, last), key=lambda rank: (fill[rank], -rank))
        fill[ranks[node]] += extents[node]


def _topological(before: list[list[int]], after: list[list[int]]) -> list[int]:
    waiting = [len(b) for b in before]
    order = [node for node, count in enumerate(waiting) if count == 0]
    for node in order:
        for reader in after[node]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                order.append(reader)
    if len(order) < len(before):
        raise ValueError("a graph with a cycle has no layers")
    return order


def _neighbours(n: int, edges: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(n)]
    after: list[list[int]] = [[] for _ in range(n)]
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    return before, after


def _with_dummies(ranks: list[int], edges: Sequence[Edge]) -> Layered:
    layers: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for node, rank in enumerate(ranks):
        layers[rank].append(node)
    chains: list[list[int]] = []
    total = len(ranks)
    for source, target in edges:
        between = range(ranks[source] + 1, ranks[target])
        dummies = range(total, total + len(between))
        for rank, dummy in zip(between, dummies, strict=True):
            layers[rank].append(dummy)
        total += len(between)
        chains.append([source, *dummies, target])
    before, after = _neighbours(total, [step for chain in chains for step in pairwise(chain)])
    return Layered(len(ranks), layers, before, after, chains)


def _order(graph: Layered) -> None:
    """Order the layers, forwards and backwards in turn; the order with the fewest crossings is kept."""
    total = len(graph.before)
    place = [0.0] * total
    for layer in graph.layers:
        _number(layer, place)
    best, kept, idle = crossings(graph), [list(layer) for layer in graph.layers], 0
    for sweep in range(_SWEEPS):
        if best == 0 or idle == 4:
            break
        forwards = sweep % 2 == 0
        for layer in graph.layers if forwards else reversed(graph.layers):
            _sort(layer, graph.before if forwards else graph.after, place)
        if total <= _TRANSPOSED:
            _transpose(graph, place)
        found = crossings(graph)
        idle = idle + 1
        if found < best:
            best, kept, idle = found, [list(layer) for layer in graph.layers], 0
    graph.layers[:] = kept


def _number(layer: list[int], place: list[float]) -> None:
    for position, node in enumerate(layer):
        place[node] = position


def _sort(layer: list[int], neighbours: list[list[int]], place: list[float]) -> None:
    """Sort a layer by the mean place of each node's neighbours; nodes without any keep theirs."""
    keys = {node: _mean([place[n] for n in neighbours[node]], place[node]) for node in layer}
    layer.sort(key=keys.__getitem__)
    _number(layer, place)


def _mean(places: list[float], without: float) -> float:
    return sum(places) / len(places) if places else without


def _transpose(graph: Layered, place: list[float]) -> None:
    """Swap neighbours in a layer while that removes crossings."""
    improved = True
    while improved:
        improved = False
        for layer in graph.layers:
            for i in range(len(layer) - 1):
                one, other = layer[i], layer[i + 1]
                if _swap_gain(graph, place, one, other) > 0:
                    layer[i], layer[i + 1] = other, one
                    place[one], place[other] = place[other], place[one]
                    improved = True


def _swap_gain(graph: Layered, place: list[float], one: int, other: int) -> int:
    gain = 0
    for neighbours in (graph.before, graph.after):
        for a in neighbours[one]:
            for b in neighbours[other]:
                gain += (place[a] > place[b]) - (place[a] < place[b])
    return gain


def crossings(graph: Layered) -> int:
    """How many pairs of edges cross between neighbouring layers."""
    return sum(_crossings(graph, layer, following) for layer, following in pairwise(graph.layers))


def _crossings(graph: Layered, layer: list[int], following: list[int]) -> int:
    """Crossings between two layers: inversions of the ends when edges are sorted by their beginnings."""
    place = {node: position for position, node in enumerate(following)}
    tree = [0] * (len(following) + 1)
    count = seen = 0
    for node in layer:
        ends = sorted(place[a] for a in graph.after[node])
        for end in ends:
            count += seen - _prefix(tree, end + 1)
        for end in ends:
            seen += 1
            _increment(tree, end + 1)
    return count


def _prefix(tree: list[int], position: int) -> int:
    total = 0
    while position > 0:
        total += tree[position]
        position -= position & -position
    return total


def _increment(tree: list[int], position: int) -> None:
    while position < len(tree):
        tree[position] += 1
        position += position & -position
