"""What an assignment leaves of a picture: the network alone, as the papers show the cells that they found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from .picture import Edge, Node, Picture, Shape

_STATES = frozenset({Shape.INPUT, Shape.JOIN})
_MEETING = frozenset({Shape.JOIN, Shape.OUTPUT})


def selection(picture: Picture) -> Picture:
    """The picture without what is certainly not in the network; a decided choice is what it chose."""
    nodes = {place: _decided(node) for place, node in enumerate(picture.nodes) if node.weight != 0}
    edges = [e for e in picture.edges if e.weight != 0 and e.source in nodes and e.target in nodes]
    edges = _without_choices(nodes, [replace(e, optional=e.optional and e.weight != 1) for e in edges])
    for place, node in nodes.items():
        if picture.nodes[place].shape is Shape.CARD and node.shape is Shape.OPERATION:
            label, decision = node.lines
            shape = _shape(nodes, edges, place)
            name = label if shape is Shape.LABEL else f"{decision}={label}"
            nodes[place] = replace(node, shape=shape, lines=(name,))
    return _renumbered(picture, nodes, edges)


def _decided(node: Node) -> Node:
    chosen = next((a for a in node.alternatives if a.weight == 1), None)
    if chosen is None:
        return node
    words = (chosen.detail,) if chosen.detail else ()
    lines = (chosen.label, node.lines[0])
    return replace(node, shape=Shape.OPERATION, lines=lines, words=words, alternatives=())


def _shape(nodes: dict[int, Node], edges: list[Edge], place: int) -> Shape:
    """A decided card stands on the edge where it leads from one state to another."""
    before = [nodes[e.source].shape for e in edges if e.target == place]
    after = [nodes[e.target].shape for e in edges if e.source == place]
    on_edge = len(before) == len(after) == 1 and before[0] in _STATES and after[0] in _MEETING
    return Shape.LABEL if on_edge else Shape.OPERATION


def _without_choices(nodes: dict[int, Node], edges: list[Edge]) -> list[Edge]:
    """Lead edges past decided choices and past the names of their only alternatives."""
    kept = edges
    for place, node in list(nodes.items()):
        into = [e for e in kept if e.target == place]
        label = into[0].source if len(into) == 1 else -1
        if node.shape is not Shape.CHOICE or node.weight != 1 or label not in nodes:
            continue
        (source,) = (e.source for e in kept if e.target == label)
        moved = [replace(e, source=source) for e in kept if e.source == place]
        kept = [e for e in kept if not {e.source, e.target} & {place, label}]
        del nodes[place], nodes[label]
        kept += [m for m in moved if not any((e.source, e.target) == (m.source, m.target) for e in kept)]
    return kept


def _renumbered(picture: Picture, nodes: dict[int, Node], edges: Iterable[Edge]) -> Picture:
    number = {place: position for position, place in enumerate(nodes)}
    moved = tuple(
        replace(
            e,
            source=number[e.source],
            target=number[e.target],
            arrow=nodes[e.target].shape is not Shape.LABEL,
        )
        for e in edges
    )
    used = Counter(line for node in nodes.values() for line in node.lines[:1])
    legend = tuple(a for a in picture.legend if used[a.label] or not _all_decided(nodes.values()))
    return replace(picture, nodes=tuple(nodes.values()), edges=moved, legend=legend)


def _all_decided(nodes: Iterable[Node]) -> bool:
    return not any(node.shape is Shape.CARD for node in nodes)
