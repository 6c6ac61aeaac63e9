"""One node as SVG: how large it is, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .beliefs import percent
from .curves import Box, Size
from .markup import Attributes, number, tag
from .picture import Alternative, Node, Shape
from .text import text_width

LINE = 15.0
"""Distance of two lines of text."""
LARGE, SMALL = 12.0, 10.5
"""Sizes of the first line of a node and of the others."""
_BASE = 11.0
"""From the top of a line to the foot of its letters."""
_PADDING = {
    Shape.LABEL: Size(5, 1),
    Shape.CHOICE: Size(18, 7),
    Shape.INPUT: Size(11, 5),
    Shape.OUTPUT: Size(11, 5),
}
_USUAL = Size(8, 5)
_NO_FRAME = frozenset({Shape.LABEL})
_ROUND = frozenset({Shape.INPUT, Shape.OUTPUT, Shape.JOIN})
_WORDS = 24
"""Characters of a line before attributes go on in a further one."""
_MOST = 5
"""Lines of attributes in a node; what no longer fits is left to the tip."""
_GRID = 4
"""Alternatives without details from which on a card has two columns."""
_CELL = 7.0
"""What is left free in a cell of a card to the left and to the right of its text."""
_MOST_HEAT = 0.6
"""Opacity of the colour of a node that does all the multiply-adds; 0.4 of them are enough for it."""


def size_of(node: Node) -> Size:
    """The size of a node that holds its text."""
    if node.shape is Shape.CARD:
        return _Card(node).size
    padding = _PADDING.get(node.shape, _USUAL)
    lines = lines_of(node)
    width = max(_line_width(position, line, node.shape) for position, line in enumerate(lines))
    return Size(width + 2 * padding.width, LINE * len(lines) + 2 * padding.height)


def lines_of(node: Node) -> list[str]:
    """The lines of text in a node: those it has, and its words in as few as they take."""
    lines: list[str] = []
    for word in node.words:
        if lines and len(lines[-1]) + len(word) < _WORDS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    shown = lines if len(lines) <= _MOST else [*lines[: _MOST - 1], "…"]
    return [*node.lines, *shown, *filter(None, [node.shape_text])]


def _line_width(position: int, line: str, shape: Shape) -> float:
    return text_width(line, LARGE if position == 0 else SMALL, _bold(position, shape))


def _bold(position: int, shape: Shape) -> bool:
    return position == 0 and shape is not Shape.LABEL


def draw_node(node: Node, box: Box) -> str:
    """A node at its place."""
    content = _Card(node).draw(box) if node.shape is Shape.CARD else "".join(_plain(node, box))
    title = tag("title", {}, node.tip) if node.tip else ""
    state = " pale" if node.weight == 0 else " bold" if node.weight == 1 else ""
    return tag("g", {"class": f"node {node.shape.value}{state}"}, raw=title + content)


def _plain(node: Node, box: Box) -> Iterator[str]:
    if node.shape is Shape.CHOICE:
        yield tag("path", {"class": "frame", "d": _hexagon(box)})
    else:
        radius = min(14.0, box.height / 2) if node.shape in _ROUND else 4.0
        if node.shape not in _NO_FRAME:
            yield _frame(box, radius, "frame")
        if node.heat:
            yield _frame(box, radius, "heat", min(_MOST_HEAT, 2.5 * node.heat))
    lines = lines_of(node)
    top = box.y + (box.height - LINE * len(lines)) / 2
    for position, line in enumerate(lines):
        kind = "name" if _bold(position, node.shape) else "detail" if position else "plain"
        place: Attributes = {"x": box.x + box.width / 2, "y": top + LINE * position + _BASE}
        yield tag("text", {"class": kind, **place}, line)


def _frame(box: Box, radius: float, kind: str, opacity: float | None = None) -> str:
    place: Attributes = {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "rx": radius}
    return tag("rect", {"class": kind, **place, **({} if opacity is None else {"fill-opacity": opacity})})


def _hexagon(box: Box) -> str:
    middle, tip = box.y + box.height / 2, min(12.0, box.width / 4)
    left, right, bottom = box.x, box.x + box.width, box.y + box.height
    corners = [
        (left, middle),
        (left + tip, box.y),
        (right - tip, box.y),
        (right, middle),
        (right - tip, bottom),
        (left + tip, bottom),
    ]
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners) + "Z"


@dataclass(frozen=True, slots=True)
class _Card:
    """A choice with its alternatives in a grid."""

    node: Node

    @property
    def columns(self) -> int:
        plain = not any(a.detail for a in self.node.alternatives)
        return 2 if plain and len(self.node.alternatives) > _GRID else 1

    @property
    def rows(self) -> int:
        return -(-len(self.node.alternatives) // self.columns)

    @property
    def size(self) -> Size:
        cells = self.columns * max(map(_cell_width, self.node.alternatives))
        title = text_width(self.node.lines[0], SMALL, bold=True) + 2 * _CELL
        return Size(max(cells, title), LINE * (self.rows + 1) + 9)

    def draw(self, box: Box) -> str:
        """The hull, the name of the decision, and the alternatives column by column."""
        head: Attributes = {"class": "decision", "x": box.x + box.width / 2, "y": box.y + 2 + _BASE}
        parts = [_frame(box, 8.0, "frame"), tag("text", head, self.node.lines[0])]
        width = box.width / self.columns
        for position, alternative in enumerate(self.node.alternatives):
            column, row = divmod(position, self.rows)
            cell = Box(box.x + column * width, box.y + 5 + LINE * (row + 1), width, LINE)
            parts += _cell(alternative, cell)
        return "".join(parts)


def _cell(alternative: Alternative, box: Box) -> Iterator[str]:
    """An alternative; with a strength, on a bar as long as that."""
    weight = alternative.weight
    state = " pale" if weight == 0 else " bold" if weight == 1 else ""
    if weight:
        bar: Attributes = {
            "x": box.x + 3,
            "y": box.y,
            "width": max(1.0, (box.width - 6) * weight),
            "height": LINE - 1,
        }
        yield tag("rect", {"class": "bar", **bar, "rx": 3})
    place: Attributes = {"class": f"alternative{state}", "x": box.x + _CELL, "y": box.y + _BASE}
    detail = tag("tspan", {"class": "detail"}, f"  {alternative.detail}") if alternative.detail else ""
    yield tag("text", place, alternative.label, raw=detail)
    if weight is not None and 0 < weight < 1:
        place = {"class": "share", "x": box.x + box.width - _CELL, "y": box.y + _BASE}
        yield tag("text", place, percent(weight))


def _cell_width(alternative: Alternative) -> float:
    shown = text_width(alternative.label, SMALL, bold=True) + 2 * _CELL
    if alternative.detail:
        shown += text_width(f"  {alternative.detail}", SMALL)
    if alternative.weight is not None and 0 < alternative.weight < 1:
        shown += text_width("  100 %", SMALL)
    return shown
