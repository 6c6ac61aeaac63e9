"""Colour refinement of a flat graph: tells apart nodes that compute the same with different weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import blake2b
from itertools import pairwise

from .flat_graph import DIGEST, FlatGraph, digest

Reading = tuple[int, bytes]
"""One use of a node: the chain that reads it (-1 when no twin does) and what else is known about that use."""


class Colors:
    """The refined colours of a flat graph.

    Twins are live nodes with one colour: equal operations on equal inputs with different weights. A chain of
    twins that are read once, each by the next, is refined as one; its last node stands for it.

    Attributes:
        graph: the graph.
        live: nodes that the outputs need, ascending.
        groups: live nodes that share a weight path, where several do.
        tops: for each twin the last node of its chain.
        bottoms: for the last node of each chain the first one.
        refined: for the last node of each chain its colour after refinement.
    """

    def __init__(self, graph: FlatGraph) -> None:
        self.graph = graph
        self.live = graph.live()
        self.groups = _groups(graph, self.live)
        self.tops: dict[int, int] = {}
        self.bottoms: dict[int, int] = {}
        self.refined: dict[int, bytes] = {}
        twins = _twins(graph, self.live)
        if twins:
            self._refine(twins)

    def of(self, node: int) -> bytes:
        """The colour of a node: of a twin inside a chain that of the chain and its own."""
        top = self.tops.get(node)
        if top is None:
            return self.graph.colors[node]
        return self.refined[top] if top == node else self.refined[top] + self.graph.colors[node]

    def summary(self) -> bytes:
        """A digest of everything that the colours tell about outputs, twins and shared weights."""
        parts = [len(self.graph.outputs).to_bytes(4, "big")]
        parts += [self.of(node) for node in self.graph.outputs]
        # after the outputs, so that a network without twins and sharing needs nothing more
        parts += sorted(self.refined.values())
        parts += sorted(map(self.shared, self.groups))
        parts += sorted(self.tangles())
        return digest(b"".join(parts))

    def shared(self, group: list[int]) -> bytes:
        """A digest of who shares one path."""
        return digest(b"shared" + b"".join(sorted(map(self.of, group))))

    def tangles(self) -> list[bytes]:
        """A digest of each connected part of the chains that refinement left with equal colours.

        It tells two pairs of equal branches apart from the same branches crossed over.
        """
        counts = Counter(self.refined.values())
        parts = {top: top for top, color in self.refined.items() if counts[color] > 1}
        if not parts:
            return []

        def root(top: int) -> int:
            while parts[top] != top:
                parts[top] = top = parts[parts[top]]
            return top

        operands, bottoms, tops = self.graph.operands, self.bottoms, self.tops
        neighbours = [(top, other) for top in parts for other in operands[bottoms[top]]]
        for group in self.groups:
            neighbours += pairwise(tops[node] for node in group if tops.get(node) in parts)
        for top, other in neighbours:
            if other in parts:
                parts[root(top)] = root(other)
        colors: dict[int, list[bytes]] = defaultdict(list)
        for top in parts:
            colors[root(top)].append(self.refined[top])
        return [digest(b"tangle" + b"".join(sorted(part))) for part in colors.values()]

    def _refine(self, twins: list[int]) -> None:
        uses = self._uses(set(twins))
        self._chain(twins, uses)
        colors = self.graph.colors
        self.refined = {top: colors[top] for top in self.bottoms}
        readings = {top: [self._reading(*use) for use in uses[top]] for top in self.bottoms}
        classes = len(set(self.refined.values()))
        while True:
            self._round(readings)
            found = len(set(self.refined.values()))
            if found in (classes, len(self.refined)):
                return
            classes = found

    def _chain(self, twins: list[int], uses: dict[int, list[Reading]]) -> None:
        operands, tops, bottoms = self.graph.operands, self.tops, self.bottoms
        for node in reversed(twins):
            user = uses[node][0][0] if len(uses[node]) == 1 else -1
            inside = user in tops and len(operands[user]) == 1
            tops[node] = top = tops[user] if inside else node
            bottoms[top] = node

    def _uses(self, twins: set[int]) -> dict[int, list[Reading]]:
        """Who reads each twin and as which operand; outputs of the network read as user -1."""
        graph = self.graph
        uses: dict[int, list[Reading]] = defaultdict(list)
        for position, node in enumerate(graph.outputs):
            if node in twins:
                uses[node].append((-1, b"output" + position.to_bytes(4, "big")))
        for node in self.live:
            operands = graph.operands[node]
            if twins.isdisjoint(operands):
                continue
            ordered = not graph.commutative[node]
            for position, operand in enumerate(operands):
                if operand in twins:
                    uses[operand].append((node, position.to_bytes(4, "big") if ordered else b"any"))
        return uses

    def _reading(self, user: int, slot: bytes) -> Reading:
        """A use in terms of chains: a user that is no twin has its colour once and for all."""
        if user < 0:
            return -1, slot
        top = self.tops.get(user, -1)
        return top, slot if top >= 0 else self.graph.colors[user] + slot

    def _round(self, readings: dict[int, list[Reading]]) -> None:
        """Mix in who reads each chain, outputs first, then what it reads, inputs first."""
        graph, refined, of = self.graph, self.refined, self.of
        sharing = self._sharing()
        order = sorted(readings)
        for top in reversed(order):
            read = sorted([refined[user] + what if user >= 0 else what for user, what in readings[top]])
            mixed = refined[top] + sharing.get(top, b"") + b"".join(read)
            refined[top] = blake2b(mixed, digest_size=DIGEST).digest()
        for top in order:
            bottom = self.bottoms[top]
            below = [of(operand) for operand in graph.operands[bottom]]
            if graph.commutative[bottom]:
                below.sort()
            refined[top] = blake2b(refined[top] + b"".join(below), digest_size=DIGEST).digest()

    def _sharing(self) -> dict[int, bytes]:
        """For each chain a digest of who else has the weights of its operations."""
        found: dict[int, list[bytes]] = defaultdict(list)
        for group in self.groups:
            color = self.shared(group)
            for node in group:
                if node in self.tops:
                    # the node's first colour says where in the chain it stands
                    found[self.tops[node]].append(self.graph.colors[node] + color)
        return {top: digest(b"".join(sorted(parts))) for top, parts in found.items()}


def _twins(graph: FlatGraph, live: list[int]) -> list[int]:
    """Live nodes that have their colour in common with another one, ascending."""
    colors = graph.colors
    first: dict[bytes, int] = {}
    twins: set[int] = set()
    for node in live:
        other = first.setdefault(colors[node], node)
        if other != node:
            twins.add(other)
            twins.add(node)
    return sorted(twins)


def _groups(graph: FlatGraph, live: list[int]) -> list[list[int]]:
    """Live nodes by weight path, where several share one."""
    paths = graph.paths
    owned = [node for node in live if node in paths]
    if len({paths[node] for node in owned}) == len(owned):
        return []
    by_path: dict[str, list[int]] = defaultdict(list)
    for node in owned:
        by_path[paths[node]].append(node)
    return [nodes for nodes in by_path.values() if len(nodes) > 1]
