"""Colour refinement of a joined graph: tells apart chains that compute the same with different weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import blake2b
from itertools import pairwise

from .chains import ChainGraph
from .flat_graph import DIGEST, digest

Reading = tuple[int, bytes]
"""One use of a chain: the twin that reads it (-1 when none does) and what else is known about that use."""


class Colors:
    """The refined colours of a joined graph.

    Twins are chains with one colour: equal operations on equal inputs with different weights.

    Attributes:
        graph: the graph.
        refined: for each twin its colour after refinement.
    """

    def __init__(self, graph: ChainGraph) -> None:
        self.graph = graph
        self.refined: dict[int, bytes] = {}
        twins = _twins(graph.colors)
        if twins:
            self._refine(twins)

    def of(self, chain: int) -> bytes:
        """The colour of a chain."""
        return self.refined.get(chain) or self.graph.colors[chain]

    def summary(self) -> bytes:
        """A digest of everything that the colours tell about outputs, twins and shared weights."""
        parts = [len(self.graph.outputs).to_bytes(4, "big")]
        parts += [self.of(chain) for chain in self.graph.outputs]
        # after the outputs, so that a network without twins and sharing needs nothing more
        parts += sorted(self.refined.values())
        parts += sorted(map(self.shared, self.graph.groups))
        parts += sorted(self.tangles())
        return digest(b"".join(parts))

    def shared(self, group: list[int]) -> bytes:
        """A digest of who shares one path."""
        return digest(b"shared" + b"".join(sorted(map(self.of, group))))

    def tangles(self) -> list[bytes]:
        """A digest of each connected part of the twins that refinement left with equal colours.

        It tells two pairs of equal branches apart from the same branches crossed over.
        """
        counts = Counter(self.refined.values())
        parts = {twin: twin for twin, color in self.refined.items() if counts[color] > 1}
        if not parts:
            return []

        def root(twin: int) -> int:
            while parts[twin] != twin:
                parts[twin] = twin = parts[parts[twin]]
            return twin

        operands = self.graph.operands
        neighbours = [(twin, other) for twin in parts for other in operands[twin]]
        for group in self.graph.groups:
            neighbours += pairwise(chain for chain in group if chain in parts)
        for twin, other in neighbours:
            if other in parts:
                parts[root(twin)] = root(other)
        colors: dict[int, list[bytes]] = defaultdict(list)
        for twin in parts:
            colors[root(twin)].append(self.refined[twin])
        return [digest(b"tangle" + b"".join(sorted(part))) for part in colors.values()]

    def _refine(self, twins: list[int]) -> None:
        colors = self.graph.colors
        self.refined = {twin: colors[twin] for twin in twins}
        readings = self._readings()
        classes = len(set(self.refined.values()))
        while True:
            self._round(readings)
            found = len(set(self.refined.values()))
            if found in (classes, len(self.refined)):
                return
            classes = found

    def _readings(self) -> dict[int, list[Reading]]:
        """Who reads each twin and as which operand; who is no twin has its colour once and for all."""
        graph, refined = self.graph, self.refined
        readings: dict[int, list[Reading]] = {twin: [] for twin in refined}
        for position, chain in enumerate(graph.outputs):
            if chain in refined:
                readings[chain].append((-1, b"output" + position.to_bytes(4, "big")))
        for reader, operands in enumerate(graph.operands):
            if refined.keys().isdisjoint(operands):
                continue
            twin = reader if reader in refined else -1
            known = b"" if twin >= 0 else graph.colors[reader]
            ordered = not graph.commutative[reader]
            for position, operand in enumerate(operands):
                if operand in refined:
                    slot = position.to_bytes(4, "big") if ordered else b"any"
                    readings[operand].append((twin, known + slot))
        return readings

    def _round(self, readings: dict[int, list[Reading]]) -> None:
        """Mix in who reads each twin, outputs first, then what it reads, inputs first."""
        graph, refined, of = self.graph, self.refined, self.of
        sharing = self._sharing()
        order = sorted(readings)
        for twin in reversed(order):
            read = sorted(
                [refined[reader] + what if reader >= 0 else what for reader, what in readings[twin]]
            )
            mixed = refined[twin] + sharing.get(twin, b"") + b"".join(read)
            refined[twin] = blake2b(mixed, digest_size=DIGEST).digest()
        for twin in order:
            below = [of(operand) for operand in graph.operands[twin]]
            if graph.commutative[twin]:
                below.sort()
            refined[twin] = blake2b(refined[twin] + b"".join(below), digest_size=DIGEST).digest()

    def _sharing(self) -> dict[int, bytes]:
        """For each twin a digest of who else has its weights."""
        found: dict[int, bytes] = {}
        for group in self.graph.groups:
            color = self.shared(group)
            found.update((chain, color) for chain in group if chain in self.refined)
        return found


def _twins(colors: list[bytes]) -> list[int]:
    """Chains that have their colour in common with another one, ascending."""
    first: dict[bytes, int] = {}
    twins: set[int] = set()
    for chain, color in enumerate(colors):
        other = first.setdefault(color, chain)
        if other != chain:
            twins.add(other)
            twins.add(chain)
    return sorted(twins)
