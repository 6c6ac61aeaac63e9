"""Structural hash and equality: when are two modules the same architecture?

Two modules are structurally equal when one becomes the other by renaming values, functions and weight paths,
moving code across the borders of functions, reordering independent operations and the operands of ``add``,
``mul`` and ``sum``, merging equal operations without weights, and removing what nothing reads. Weights keep
identity: one convolution read twice is not two equal convolutions, and the pattern of sharing counts while
the names of paths do not. In a space the decisions count too, by name and domain, and the conditions of
constraints; a resolved network is its graph alone, so constraints that it still carries are ignored.

The hash goes over the flat graph (`drawloom.ir.flat_graph`) with chains joined (`drawloom.ir.chains`).
Every chain has a colour, the digest of the tree below it, which is blind to sharing. Where no two chains
have one colour, the colours of the outputs say everything. Chains with the same colour (twins: equal
operations with different weights on equal inputs) are told apart by how they are read
(`drawloom.ir.colors`): colours are refined along readers and operands, as in colour refinement (Weisfeiler
and Leman, 1968), until that splits no more; the result goes into the hash, and so do the connected parts
that twins still tied form. So equal modules have equal hashes, and different modules have different ones
but for a digest collision or many twins wired regularly (each of six convolutions multiplied with three
others, as in the graph K3,3 or as in a prism). `structurally_equal` searches for the renaming itself and
has no such exception.
"""

from __future__ import annotations

from .chains import chains
from .colors import Colors
from .flat_graph import digest
from .graph import Module

VERSION = b"drawloom structure 2"
"""Part of every hash; changed with its meaning, so that old records are not taken for new ones."""


def structural_hash(module: Module) -> str:
    """The hash of a module's structure: 32 hexadecimal digits, the same in every process.

    Two assignments are the same architecture exactly when their resolved modules have the same hash.
    """
    graph = chains(module)
    return digest(VERSION + digest(graph.header) + Colors(graph).summary()).hex()


def structurally_equal(a: Module, b: Module) -> bool:
    """Whether two modules have the same structure; exact, and slower than comparing hashes."""
    first, second = chains(a), chains(b)
    if first.header != second.header or len(first.outputs) != len(second.outputs):
        return False
    ours, theirs = Colors(first), Colors(second)
    if len(first.statics) != len(second.statics) or ours.summary() != theirs.summary():
        return False
    return _Matching(ours, theirs).extend(
        [((x,), (y,)) for x, y in zip(first.outputs, second.outputs, strict=True)]
    )


_Obligation = tuple[tuple[int, ...], tuple[int, ...]]
"""Chains of one graph that have to become, in some order, those of the other."""


class _Matching:
    """A renaming of one graph's chains to another's, searched for where colours leave a choice."""

    def __init__(self, ours: Colors, theirs: Colors) -> None:
        self.ours = ours
        self.theirs = theirs
        self.nodes: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self.groups = _by_chain(ours), _by_chain(theirs)
        self.paths: dict[int, int] = {}
        self.paths_back: dict[int, int] = {}

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
        """The chains that `a` may be: the one it is already, or those of its colour that are nobody yet."""
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
        path, other = self.groups[0].get(a), self.groups[1].get(b)
        if path is None or other is None:
            return path is other
        return self.paths.setdefault(path, other) == other and self.paths_back.setdefault(other, path) == path


def _by_chain(colors: Colors) -> dict[int, int]:
    """For each chain that shares weights the number of its group."""
    return {chain: number for number, group in enumerate(colors.graph.groups) for chain in group}


def _without(nodes: tuple[int, ...], node: int) -> tuple[int, ...]:
    position = nodes.index(node)
    return nodes[:position] + nodes[position + 1 :]
