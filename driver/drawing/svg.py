"""Pictures as one SVG: a heading, the graph, and a legend each, one under the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from .curves import Curve, Point
from .layout import Direction, Layout, lay_out
from .markup import number, plain, tag
from .nodes import LINE, SMALL, draw_node, size_of
from .picture import Alternative, Edge, Picture, Shape
from .text import text_width

WIDTH = 1040.0
"""Width from which on a picture to the right is continued in a further row, in pixels."""

_PART = 1.6
"""How much wider cells and blocks may be than the first picture before they are continued below."""

_HEADING = 28.0
_GAP = 26.0
_HEAD = 6.0
"""Length of an arrow's head."""
_THIN, _THICK = 1.3, 3.4
"""Width of an edge of probability 0 and 1; an open one is thin."""
_FAINT = 0.2
"""Opacity of an edge of probability 0."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A picture that has been laid out."""

    picture: Picture
    layout: Layout
    direction: Direction
    legend: list[list[str]]

    @property
    def height(self) -> float:
        return _HEADING + self.layout.height + (LINE * len(self.legend) + 6 if self.legend else 0)

    @property
    def width(self) -> float:
        words = text_width(self.picture.title, 14, bold=True) + 12 + text_width(self.picture.note, SMALL)
        lines = (text_width("   ".join(line), SMALL) for line in self.legend)
        return max(self.layout.width, words, *lines, 0.0)


def render(
    pictures: Sequence[Picture],
    label: str,
    *,
    direction: Direction = Direction.RIGHT,
    wrap: float = WIDTH,
    styled: bool = True,
) -> str:
    """An SVG of pictures, one under the other; it loads nothing and holds no script.

    Args:
        pictures: what to draw.
        label: what it is, for those who cannot see it.
        direction: where edges lead.
        wrap: width from which on a picture to the right is continued below.
        styled: whether it brings its colours; without, those of the page around it are used.
    """
    wraps = [wrap, *[_PART * wrap] * (len(pictures) - 1)]
    blocks = [_block(picture, direction, width) for picture, width in zip(pictures, wraps, strict=True)]
    width = max((b.width for b in blocks), default=0.0) + 2
    height = sum(b.height + _GAP for b in blocks) - _GAP * bool(blocks)
    parts: list[str] = []
    top = 0.0
    for block in blocks:
        parts.append(tag("g", {"transform": f"translate(1,{number(top)})"}, raw="".join(_drawn(block))))
        top += block.height + _GAP
    style = f"<style>{asset('palette.css')}{asset('drawing.css')}</style>" if styled else ""
    title = tag("title", {}, label) if styled else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="network" '
        f'viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" '
        f'height="{number(height)}" role="img" aria-label="{plain(label)}">'
        f"{title}{style}{''.join(parts)}</svg>"
    )


def asset(name: str) -> str:
    """The text of a style sheet of this package."""
    return files("drawloom").joinpath("templates", name).read_text(encoding="utf-8")


def _block(picture: Picture, direction: Direction, wrap: float) -> _Block:
    sizes = [size_of(node) for node in picture.nodes]
    layout = lay_out(sizes, [(e.source, e.target) for e in picture.edges], direction, wrap=wrap)
    return _Block(picture, layout, direction, list(_legend_lines(picture.legend, max(layout.width, 480))))


def _legend_lines(legend: Iterable[Alternative], width: float) -> Iterator[list[str]]:
    line: list[str] = []
    for alternative in legend:
        word = f"{alternative.label}: {alternative.detail}"
        if line and text_width("   ".join([*line, word]), SMALL) > width:
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _drawn(block: _Block) -> Iterator[str]:
    picture, layout = block.picture, block.layout
    note = tag("tspan", {"class": "note", "dx": 12}, picture.note) if picture.note else ""
    yield tag("text", {"class": "heading", "x": 0, "y": 16}, picture.title, raw=note)
    content = [
        *(_edge(picture, e, r, block.direction) for e, r in zip(picture.edges, layout.routes, strict=True)),
        *(draw_node(node, box) for node, box in zip(picture.nodes, layout.boxes, strict=True)),
    ]
    yield tag("g", {"transform": f"translate(0,{number(_HEADING)})"}, raw="".join(content))
    for position, line in enumerate(block.legend):
        y = _HEADING + layout.height + LINE * (position + 1)
        yield tag("text", {"class": "note", "x": 0, "y": y}, "   ".join(line))


def _edge(picture: Picture, edge: Edge, route: Sequence[Curve], direction: Direction) -> str:
    state = " optional" if edge.optional and edge.weight != 1 else ""
    shown: dict[str, str | float] = {}
    if edge.weight is not None:
        shown = {
            "stroke-width": _THIN + (_THICK - _THIN) * edge.weight**2,
            "opacity": _FAINT + (1 - _FAINT) * edge.weight,
        }
    line = tag("path", {"class": f"link{state}", "d": _path(route), **shown})
    if not edge.arrow or picture.nodes[edge.target].shape is Shape.LABEL:
        return line
    faded = {"opacity": shown["opacity"]} if shown else {}
    return line + tag("path", {"class": "head", "d": _arrow(route[-1].end, direction), **faded})


def _path(route: Sequence[Curve]) -> str:
    pieces = [f"M{_point(route[0].start)}"]
    pieces += [f"C{_point(c.leave)} {_point(c.arrive)} {_point(c.end)}" for c in route if c.start != c.end]
    return "".join(pieces)


def _point(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def _arrow(end: Point, direction: Direction) -> str:
    half = _HEAD / 2
    back = (
        f"l{-_HEAD:g} {-half:g}v{_HEAD:g}z"
        if direction is Direction.RIGHT
        else f"l{-half:g} {-_HEAD:g}h{_HEAD:g}z"
    )
    return f"M{_point(end)}{back}"
