"""Structural hash and equality: when are two modules the same architecture?

Two modules are structurally equal when one becomes the other by renaming values, functions and weight paths,
moving code across the borders of functions, reordering independent operations and the operands of ``add``,
``mul`` and ``sum``, merging equal operations without weights, and removing what nothing reads. Weights keep
identity: one convolution read twice is not two equal convolutions, and the pattern of sharing counts while
the names of paths do not. In a space the decisions count too, by name and domain, and the conditions of
constraints; a resolved network is its graph alone, so constraints that it still carries are ignored.

The hash goes over the flat graph (`drawloom.ir.flat_graph`). Every node has a colour, the digest of the
tree below it, which is blind to sharing. Where no two nodes have one colour, the colours of the outputs say
everything. Nodes with the same colour (twins: equal operations with different weights on equal inputs) are
told apart by how they are read: colours are refined along users and operands, as in colour refinement
(Weisfeiler and Leman, 1968), until that splits no more; the result goes into the hash, and so do the
connected parts that nodes still tied form. So equal modules have equal hashes, and different modules have
different ones but for a digest collision or many twins wired regularly (each of six convolutions multiplied
with three others, as in the graph K3,3 or as in a prism). `structurally_equal` searches for the renaming
itself and has no such exception.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import blake2b
from itertools import pairwise

from .flat_graph import DIGEST, FlatGraph, digest, flatten
from .graph import Module

VERSION = b"drawloom structure 1"
"""Part of every hash; changed with its meaning, so that old records are not taken for new ones."""


def structural_hash(module: Module) -> str:
    """The hash of a module's structure: 32 hexadecimal digits, the same in every process.

    Two assignments are the same architecture exactly when their resolved modules have the same hash.
    """
    graph = flatten(module)
    return _summary(graph, _Colors(graph)).hex()


def structurally_equal(a: Module, b: Module) -> bool:
    """Whether two modules have the same structure; exact, and slower than comparing hashes."""
    first, second = flatten(a), flatten(b)
    if first.header != second.header or len(first.outputs) != len(second.outputs):
        return False
    ours, theirs = _Colors(first), _Colors(second)
    if len(ours.live) != len(theirs.live) or _summary(first, ours) != _summary(second, theirs):
        return False
    return _Matching(ours, theirs).extend(
        [((x,), (y,)) for x, y in zip(first.outputs, second.outputs, strict=True)]
    )


def _summary(graph: FlatGraph, colors: _Colors) -> bytes:
    parts = [VERSION, digest(graph.header), len(graph.outputs).to_bytes(4, "big")]
    parts += [colors.of(node) for node in graph.outputs]
    # after the outputs, so that a network without twins and sharing needs nothing more
    parts += sorted(colors.refined.values())
    parts += sorted(colors.shared(group) for group in colors.groups)
    parts += sorted(colors.tangles())
    return blake2b(b"".join(parts), digest_size=DIGEST).digest()


class _Colors:
    """The refined colours of a flat graph.

    Attributes:
        live: nodes that the outputs need.
        refined: colours of the twins after refinement; all other nodes keep their first one.
        groups: nodes that share a weight path, where several do.
    """

    def __init__(self, graph: FlatGraph) -> None:
        self.graph = graph
        self.live = graph.live()
        self.refined: dict[int, bytes] = {}
        self.groups = _groups(graph, self.live)
        twins = _twins(graph, self.live)
        if twins:
            self._refine(twins)

    def of(self, node: int) -> bytes:
        """The colour of a node."""
        return self.refined.get(node) or self.graph.colors[node]

    def shared(self, group: list[int]) -> bytes:
        """A digest of who shares one path."""
        return digest(b"shared" + b"".join(sorted(map(self.of, group))))

    def tangles(self) -> list[bytes]:
        """A digest of each connected part of the nodes that refinement left with equal colours.

        It tells two pairs of equal branches apart from the same branches crossed over.
        """
        counts = Counter(self.refined.values())
        tied = [node for node, color in self.refined.items() if counts[color] > 1]
        if not tied:
            return []
        parts = {node: node for node in tied}

        def root(node: int) -> int:
            while parts[node] != node:
                parts[node] = node = parts[parts[node]]
            return node

        neighbours = [(node, other) for node in tied for other in self.graph.operands[node]]
        for group in self.groups:
            members = [node for node in group if node in parts]
            neighbours += pairwise(members)
        for node, other in neighbours:
            if other in parts:
                parts[root(node)] = root(other)
        colors: dict[int, list[bytes]] = defaultdict(list)
        for node in tied:
            colors[root(node)].append(self.refined[node])
        return [digest(b"tangle" + b"".join(sorted(part))) for part in colors.values()]

    def _refine(self, twins: list[int]) -> None:
        colors = self.graph.colors
        self.refined = {node: colors[node] for node in twins}
        users = self._users(set(twins))
        classes = len(set(self.refined.values()))
        while True:
            self._round(twins, users)
            found = len(set(self.refined.values()))
            if found in (classes, len(twins)):
                return
            classes = found

    def _round(self, twins: list[int], users: dict[int, list[tuple[int, bytes]]]) -> None:
        """Mix in who reads each twin, outputs first, then what it reads, inputs first."""
        graph, refined, of = self.graph, self.refined, self.of
        sharing = {node: color for group in self.groups for color in [self.shared(group)] for node in group}
        for node in reversed(twins):
            read = sorted([of(user) + slot if user >= 0 else slot for user, slot in users[node]])
            refined[node] = digest(refined[node] + sharing.get(node, b"") + b"".join(read))
        for node in twins:
            below = [of(operand) for operand in graph.operands[node]]
            if graph.commutative[node]:
                below.sort()
            refined[node] = digest(refined[node] + b"".join(below))

    def _users(self, twins: set[int]) -> dict[int, list[tuple[int, bytes]]]:
        """Who reads each twin and as which operand; outputs of the network read as user -1."""
        graph = self.graph
        users: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for position, node in enumerate(graph.outputs):
            if node in twins:
                users[node].append((-1, b"output" + position.to_bytes(4, "big")))
        for node in self.live:
            operands = graph.operands[node]
            if twins.isdisjoint(operands):
                continue
            ordered = not graph.commutative[node]
            for position, operand in enumerate(operands):
                if operand in twins:
                    users[operand].append((node, position.to_bytes(4, "big") if ordered else b"any"))
        return users


def _twins(graph: FlatGraph, live: list[int]) -> list[int]:
    """Live nodes that share their colour with another one, ascending."""
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


_Obligation = tuple[tuple[int, ...], tuple[int, ...]]
"""Nodes of one graph that have to become, in some order, those of the other."""


class _Matching:
    """A renaming of one graph's nodes and paths to another's, searched for where colours leave a choice."""

    def __init__(self, ours: _Colors, theirs: _Colors) -> None:
        self.ours = ours
        self.theirs = theirs
        self.nodes: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self.paths: dict[str, str] = {}
        self.paths_back: dict[str, str] = {}

    def extend(self, obligations: list[_Obligation]) -> bool:
        """Whether the renaming can be extended so that all obligations, and all below them, are met."""
        pending = list(obligations)
        while pending:
            ours, theirs = pending.pop()
            if not ours:
                continue
            a, rest = ours[0], ours[1:]
            candidates = self._candidates(a, theirs)
            if len(candidates) > 1:
                return any(
                    self._attempt([*pending, (rest, _without(theirs, b)), ((a,), (b,))]) for b in candidates
                )
            if not candidates or not self._alike(a, candidates[0]):
                return False
            (b,) = candidates
            pending.append((rest, _without(theirs, b)))
            if a not in self.nodes:
                self.nodes[a], self.back[b] = b, a
                pending += self._below(a, b)
        return True

    def _attempt(self, obligations: list[_Obligation]) -> bool:
        saved = [dict(table) for table in (self.nodes, self.back)]
        saved_paths = [dict(table) for table in (self.paths, self.paths_back)]
        if self.extend(obligations):
            return True
        self.nodes, self.back = saved
        self.paths, self.paths_back = saved_paths
        return False

    def _candidates(self, a: int, theirs: tuple[int, ...]) -> list[int]:
        """The nodes that `a` may be: the one it is already, or those of its colour that are nobody yet."""
        known = self.nodes.get(a)
        if known is not None:
            return [known] if known in theirs else []
        color = self.ours.of(a)
        return [b for b in dict.fromkeys(theirs) if b not in self.back and self.theirs.of(b) == color]

    def _below(self, a: int, b: int) -> list[_Obligation]:
        ours, theirs = self.ours.graph.operands[a], self.theirs.graph.operands[b]
        if self.ours.graph.commutative[a]:
            return [(ours, theirs)]
        return [((x,), (y,)) for x, y in zip(ours, theirs, strict=True)]

    def _alike(self, a: int, b: int) -> bool:
        ours, theirs = self.ours.graph, self.theirs.graph
        if ours.statics[a] != theirs.statics[b] or len(ours.operands[a]) != len(theirs.operands[b]):
            return False
        if self.ours.of(a) != self.theirs.of(b):
            return False
        path, other = ours.paths.get(a), theirs.paths.get(b)
        if path is None or other is None:
            return path is other
        return self.paths.setdefault(path, other) == other and self.paths_back.setdefault(other, path) == path


def _without(nodes: tuple[int, ...], node: int) -> tuple[int, ...]:
    position = nodes.index(node)
    return nodes[:position] + nodes[position + 1 :]
