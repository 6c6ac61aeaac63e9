"""A flat graph with chains joined: maximal runs of nodes of which each is read by nothing but the next.

A chain hangs on the operands of its first node; every other node reads only the one before it. So the
joined graph says as much as the flat one, with fewer nodes, and does not depend on how the flat one was cut
into nodes. Nodes that share weights with others stay on their own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b

from .flat_graph import DIGEST, FlatGraph, flatten
from .graph import Module


@dataclass(slots=True)
class ChainGraph:
    """The chains that the outputs of a network need, operands before their readers.

    Attributes:
        header: of the flat graph.
        statics: for each chain what its nodes do, one after the other.
        operands: for each chain the chains that its first node reads.
        commutative: for each chain whether these have no order.
        colors: for each chain a digest of the tree below it, blind to which of its leaves are the same.
        outputs: chains that the network returns.
        groups: chains that share a weight path, where several do.
    """

    header: bytes
    statics: list[bytes] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    commutative: list[bool] = field(default_factory=list)
    colors: list[bytes] = field(default_factory=list)
    outputs: tuple[int, ...] = ()
    groups: list[list[int]] = field(default_factory=list)


def chains(module: Module) -> ChainGraph:
    """The joined graph of a module whose calls resolve.

    Raises:
        UserError: when the module is too large with its calls followed.
    """
    flat = flatten(module)
    readers = _readers(flat)
    shared = _shared(flat, readers)
    joined = ChainGraph(flat.header)
    place = _join(flat, readers, {node for group in shared for node in group}, joined)
    joined.outputs = tuple([place[node] for node in flat.outputs])
    joined.groups = [[place[node] for node in group] for group in shared]
    _color(joined)
    return joined


def _readers(flat: FlatGraph) -> list[int]:
    """How often each node is read by nodes that the outputs need; outputs count as read by many."""
    readers = [0] * len(flat.statics)
    for node in flat.outputs:
        readers[node] += 2
    for node in range(len(readers) - 1, -1, -1):
        if readers[node]:
            for operand in flat.operands[node]:
                readers[operand] += 1
    return readers


def _shared(flat: FlatGraph, readers: list[int]) -> list[list[int]]:
    """Live nodes by weight path, where several share one."""
    by_path: dict[str, list[int]] = defaultdict(list)
    for node, path in flat.paths.items():
        if readers[node]:
            by_path[path].append(node)
    return [nodes for nodes in by_path.values() if len(nodes) > 1]


def _join(flat: FlatGraph, readers: list[int], alone: set[int], joined: ChainGraph) -> list[int]:
    """Fill in the chains; returns for each live node its chain."""
    pieces: list[list[bytes]] = []
    place = [-1] * len(readers)
    for node, (static, operands, commutative) in enumerate(
        zip(flat.statics, flat.operands, flat.commutative, strict=True)
    ):
        if not readers[node]:
            continue
        if len(operands) == 1:
            (operand,) = operands
            below = place[operand]
            if readers[operand] == 1 and node not in alone and operand not in alone:
                place[node] = below
                pieces[below].append(static)
                continue
            operands = (below,)
        else:
            operands = tuple([place[o] for o in operands])
        place[node] = len(pieces)
        pieces.append([static])
        joined.operands.append(operands)
        joined.commutative.append(commutative)
    joined.statics = [b"".join(p) for p in pieces]
    return place


def _color(joined: ChainGraph) -> None:
    colors = joined.colors
    for static, operands, commutative in zip(
        joined.statics, joined.operands, joined.commutative, strict=True
    ):
        if len(operands) == 1:
            told = static + colors[operands[0]]
        else:
            below = [colors[o] for o in operands]
            if commutative:
                below.sort()
            told = static + b"".join(below)
        colors.append(blake2b(told, digest_size=DIGEST).digest())
