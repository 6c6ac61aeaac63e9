"""Random graphs of the classical families, directed from lower to higher nodes: RandWire's wirings.

Xie et al., Exploring Randomly Wired Neural Networks for Image Recognition (2019), section 3. A graph is a
function of its parameters and its seed for good: only `random.Random.random` is drawn from, whose sequence
Python guarantees. It must be connected, else it is drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Adjacency = npt.NDArray[np.bool_]
"""``[i, j]``: whether there is an edge from node i to node j; only where i < j."""

_Draw = Callable[[random.Random, int, Sequence[Any]], set[tuple[int, int]]]

_NODES = 1024
"""Most nodes of a graph."""

_ATTEMPTS = 1000
"""How often a graph that is not connected is drawn again."""


def _below(rng: random.Random, bound: int) -> int:
    """A whole number from 0 to below a bound."""
    return int(rng.random() * bound)


def _erdos_renyi(rng: random.Random, nodes: int, parameters: Sequence[Any]) -> set[tuple[int, int]]:
    """Every pair with probability p, independently."""
    (p,) = parameters
    return {(i, j) for i in range(nodes) for j in range(i + 1, nodes) if rng.random() < p}


def _barabasi_albert(rng: random.Random, nodes: int, parameters: Sequence[Any]) -> set[tuple[int, int]]:
    """From m nodes without edges on, each new node is tied to m others, in proportion to their degrees."""
    (m,) = parameters
    edges = {(i, m) for i in range(m)}
    ends = [*range(m), *[m] * m]  # every node as often as it has edges
    for node in range(m + 1, nodes):
        others: set[int] = set()
        while len(others) < m:
            others.add(ends[_below(rng, len(ends))])
        edges |= {(other, node) for other in others}
        ends += [*sorted(others), *[node] * m]
    return edges


def _watts_strogatz(rng: random.Random, nodes: int, parameters: Sequence[Any]) -> set[tuple[int, int]]:
    """A ring of which every node is tied to its k nearest; each edge is rewired with probability p."""
    k, p = parameters
    edges = {frozenset((v, (v + step) % nodes)) for step in range(1, k // 2 + 1) for v in range(nodes)}
    degree = [k] * nodes
    for step in range(1, k // 2 + 1):
        for v in range(nodes):
            if rng.random() >= p or degree[v] >= nodes - 1:
                continue
            old, new = (v + step) % nodes, v
            while new == v or frozenset((v, new)) in edges:
                new = _below(rng, nodes)
            edges.remove(frozenset((v, old)))
            edges.add(frozenset((v, new)))
            degree[old] -= 1
            degree[new] += 1
    return {(min(e), max(e)) for e in edges}


GENERATORS: dict[str, _Draw] = {
    "erdos_renyi": _erdos_renyi,
    "barabasi_albert": _barabasi_albert,
    "watts_strogatz": _watts_strogatz,
}
"""The families: from a generator of random numbers, the number of nodes and the family's parameters."""


@lru_cache(maxsize=8192)
def adjacency(generator: str, nodes: int, parameters: tuple[Any, ...], seed: int) -> Adjacency:
    """The edges of a random graph.

    Args:
        generator: a key of `GENERATORS`.
        nodes: number of nodes.
        parameters: ``(p,)``, ``(m,)`` or ``(k, p)``.
        seed: of the random numbers.

    Raises:
        ValueError: when there is no such family, the graph is too large, or no connected one was found.
    """
    if generator not in GENERATORS or not 2 <= nodes <= _NODES:
        raise ValueError(f"no random graph '{generator}' of {nodes} nodes")
    rng = random.Random(seed)
    for _ in range(_ATTEMPTS):
        edges = GENERATORS[generator](rng, nodes, parameters)
        if _connected(nodes, edges):
            matrix = np.zeros((nodes, nodes), dtype=np.bool_)
            for i, j in edges:
                matrix[i, j] = True
            matrix.setflags(write=False)
            return matrix
    raise ValueError(f"no connected graph of {nodes} nodes in {_ATTEMPTS} draws")


def _connected(nodes: int, edges: set[tuple[int, int]]) -> bool:
    neighbours: list[list[int]] = [[] for _ in range(nodes)]
    for i, j in edges:
        neighbours[i].append(j)
        neighbours[j].append(i)
    reached, waiting = {0}, [0]
    while waiting:
        for node in neighbours[waiting.pop()]:
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return len(reached) == nodes
