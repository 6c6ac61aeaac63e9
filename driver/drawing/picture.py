"""What is drawn: nodes and edges with their texts, and nothing of where they stand or how they look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Shape(Enum):
    """What a node stands for; the value names its style."""

    INPUT = "input"
    OUTPUT = "output"
    OPERATION = "operation"
    CALL = "call"
    JOIN = "join"
    """An operation that several values meet in: the states of a cell."""
    LABEL = "label"
    """What stands on an edge between two states, without a frame."""
    CHOICE = "choice"
    """A choice between values that are drawn as nodes of their own."""
    CARD = "card"
    """A choice between computations of one value, which are listed in the node."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One line of a card.

    Attributes:
        label: the value of the decision, such as ``sep3``.
        detail: what is computed, such as ``sep_conv k=3``.
        weight: its probability, None where the decision is open.
    """

    label: str
    detail: str
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node.

    Attributes:
        shape: what it stands for.
        lines: what is written in it; the first line is its name.
        words: what is written below them, in as many lines as it takes: attributes such as ``stride=2``.
        shape_text: what is written last: the shape of its result.
        tip: what is told when one points at it.
        alternatives: of a card.
        weight: 1 when the network has it, 0 when it has not, None where that is open.
        heat: its share of the network's multiply-adds.
    """

    shape: Shape
    lines: tuple[str, ...]
    tip: str = ""
    alternatives: tuple[Alternative, ...] = ()
    weight: float | None = None
    heat: float = 0.0
    words: tuple[str, ...] = ()
    shape_text: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge between two nodes, given by their positions.

    Attributes:
        source: where it begins.
        target: where it ends.
        optional: whether only some networks of the space have it.
        weight: probability that the network has it, None where that is open.
        arrow: whether it ends in a head; the first half of an edge with a label in between does not.
    """

    source: int
    target: int
    optional: bool = False
    weight: float | None = None
    arrow: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A graph to draw.

    Attributes:
        title: what stands above it.
        note: what is written beside the title.
        nodes: in an order in which edges lead forwards.
        edges: none twice.
        legend: for alternatives that many cards share, what each stands for.
    """

    title: str
    note: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    legend: tuple[Alternative, ...] = ()

    @property
    def form(self) -> tuple[object, ...]:
        """All that can be seen but the values of attributes; pictures of one form can be drawn as one."""
        nodes = tuple(
            (n.shape, n.lines, tuple(map(_name, n.words)), tuple(a.label for a in n.alternatives), n.weight)
            for n in self.nodes
        )
        return self.title, nodes, self.edges, tuple(a.label for a in self.legend)


def merged(pictures: Sequence[Picture], note: str) -> Picture:
    """One picture for several of one form; attributes that differ get all their values: ``out=16..64``."""
    nodes = tuple(_merged_node(nodes) for nodes in zip(*(p.nodes for p in pictures), strict=True))
    legend = tuple(_common(entries) for entries in zip(*(p.legend for p in pictures), strict=True))
    return replace(pictures[0], note=note, nodes=nodes, legend=legend)


def _common(entries: tuple[Alternative, ...]) -> Alternative:
    """A line of a legend with the words that it has in all pictures."""
    words = (word for word in entries[0].detail.split() if all(word in e.detail.split() for e in entries))
    return replace(entries[0], detail=" ".join(words))


def _merged_node(nodes: tuple[Node, ...]) -> Node:
    words = (list(dict.fromkeys(words)) for words in zip(*(n.words for n in nodes), strict=True))
    return replace(nodes[0], words=tuple(w[0] if len(w) == 1 else _range(w) for w in words))


def _range(words: list[str]) -> str:
    name, values = _name(words[0]), [word.partition("=")[2] for word in words]
    if all(value.isdecimal() for value in values):
        low, high = min(map(int, values)), max(map(int, values))
        return f"{name}={low}..{high}"
    return f"{name} varies"


def _name(word: str) -> str:
    return re.split(r"[= :]", word, maxsplit=1)[0]
