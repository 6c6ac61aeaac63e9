"""Draws networks as SVG: a block for each part, shaded by its share of the multiply-adds."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from drawloom.ir import Choice, Module

from .anatomy import Part, decisions_below, parts
from .quantity import count_text, short_count

_BLOCK, _PLAIN, _GAP = 44, 26, 12
"""Widths of a block that was called, of a single operation, and of the gap between two, in pixels."""
_HEIGHT, _TOP, _BOTTOM = 212, 34, 66
"""Height of a block, and what is left above for skips and below for captions."""
_ROW = 1040
"""Width of a row; longer networks are continued below."""
_LABEL = 27
"""Characters that fit into a block, written upwards: of bold letters, at most 7.4 pixels each."""

_CLASSES = ("kind", "strong")
"""Style classes of the lines in a block."""


@dataclass(frozen=True, slots=True)
class _Box:
    part: Part
    position: int
    x: int
    row: int
    width: int

    @property
    def y(self) -> int:
        return self.row * (_TOP + _HEIGHT + _BOTTOM) + _TOP

    @property
    def centre(self) -> float:
        return self.x + self.width / 2


def draw(module: Module, assignment: Mapping[str, Choice]) -> str:
    """An SVG of a resolved network.

    Args:
        module: the resolved network.
        assignment: the decisions that made it, to caption the blocks with.
    """
    shown = parts(module)
    total = sum(p.multiply_adds for p in shown) or 1
    boxes = list(_placed(shown))
    rows = boxes[-1].row + 1 if boxes else 1
    width = max((b.x + b.width for b in boxes), default=0) + 2
    height = rows * (_TOP + _HEIGHT + _BOTTOM)
    body = [*_links(boxes), *(_block(b, total, assignment) for b in boxes), *_captions(boxes)]
    label = f"{module.name}: {len(shown)} parts from input to output"
    return (
        f'<svg class="network" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{html.escape(label)}">{"".join(body)}</svg>'
    )


def _placed(shown: list[Part]) -> Iterator[_Box]:
    x = row = 0
    for position, part in enumerate(shown):
        width = _BLOCK if part.operations > 1 or part.parameters else _PLAIN
        if x + width > _ROW:
            x, row = 0, row + 1
        yield _Box(part, position, x, row, width)
        x += width + _GAP


def _block(box: _Box, total: int, assignment: Mapping[str, Choice]) -> str:
    part = box.part
    share = part.multiply_adds / total
    choices = _choices(part, assignment)
    tip = html.escape(_tip(part, share, choices))
    frame = f'x="{box.x}" y="{box.y}" width="{box.width}" height="{_HEIGHT}" rx="5"'
    return (
        f'<g class="part"><title>{tip}</title><rect {frame} class="back"/>'
        f'<rect {frame} class="heat" style="fill-opacity:{min(0.75, 2.5 * share):.3f}"/>'
        f"{_upwards(box, _captions_of(part, choices))}"
        f'<text class="dim" x="{box.centre}" y="{box.y + _HEIGHT + 14}">{_width_text(part)}</text></g>'
    )


def _choices(part: Part, assignment: Mapping[str, Choice]) -> dict[str, str]:
    """The decisions made in a part; where there are none, those made for all parts of its stage."""
    own = decisions_below(part.path, assignment)
    stage = decisions_below(stage_of(part.path), assignment) if part.operations > 1 else {}
    return own or {name: value for name, value in stage.items() if "." not in name}


def _upwards(box: _Box, captions: list[str]) -> str:
    """One or two lines of text, written upwards inside a block."""
    first = box.centre + 4 - 8 * (len(captions) - 1)
    return "".join(
        f'<text class="{_CLASSES[i]}" '
        f'transform="translate({first + 16 * i},{box.y + _HEIGHT - 8}) rotate(-90)">'
        f"{html.escape(_shortened(caption))}</text>"
        for i, caption in enumerate(captions)
    )


def _captions_of(part: Part, choices: Mapping[str, str]) -> list[str]:
    """What is written in a block: what it is, and what was decided in it."""
    kind = part.kind.replace("_", " ")
    if not choices:
        return [f"{kind} {_operation_detail(part)}".strip()]
    return [kind, " ".join(filter(None, map(_choice_caption, choices.keys(), choices.values())))]


def _operation_detail(part: Part) -> str:
    shown = [word for word in part.detail.split() if word.startswith("kernel=")]
    return " ".join(shown).replace("kernel=", "k")


def _choice_caption(name: str, value: str) -> str:
    """A decision in a few letters: ``k5`` for a kernel of 5, its name for a yes, nothing for a no."""
    last = name.rpartition(".")[2]
    if value in ("true", "false"):
        return last if value == "true" else ""
    return f"{last[0]}{value}" if value[:1].isdigit() else value


def _shortened(text: str) -> str:
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _tip(part: Part, share: float, choices: Mapping[str, str]) -> str:
    lines = [part.path, f"{part.kind} -> {part.output}"]
    multiply_adds = f"{count_text(part.multiply_adds)} multiply-adds ({share:.0%})"
    lines.append(f"{count_text(part.parameters)} parameters, {multiply_adds}")
    return "\n".join(lines + [f"{name} = {value}" for name, value in choices.items()])


def _width_text(part: Part) -> str:
    return short_count(part.output.shape[0]) if part.output.shape else ""


def _links(boxes: list[_Box]) -> Iterator[str]:
    """Lines between neighbours, and arcs over what is skipped; skips across rows are left to the tips."""
    for box in boxes:
        for source in box.part.reads:
            if source < 0:
                continue
            start = boxes[source]
            if start.row != box.row:
                continue
            if source == box.position - 1:
                y = box.y + _HEIGHT / 2
                yield f'<path class="link" d="M{start.x + start.width} {y}H{box.x}"/>'
            else:
                lift = min(_TOP - 4, 8 + 4 * (box.position - source))
                yield (
                    f'<path class="link" d="M{start.centre} {start.y}C{start.centre} {start.y - lift} '
                    f'{box.centre} {box.y - lift} {box.centre} {box.y}"/>'
                )


def _captions(boxes: list[_Box]) -> Iterator[str]:
    """Brackets under parts of one stage, with the size of the image they leave."""
    for (_, name), members in groupby(boxes, key=lambda b: (b.row, stage_of(b.part.path))):
        group = list(members)
        if not name:
            continue
        left, right, y = group[0].x, group[-1].x + group[-1].width, group[0].y + _HEIGHT + 22
        yield f'<path class="bracket" d="M{left} {y}v5H{right}v-5"/>'
        size = "×".join(str(d) for d in group[-1].part.output.shape[1:])
        for i, line in enumerate(filter(None, [name.replace(".", " "), size])):
            place = f'x="{(left + right) / 2}" y="{y + 18 + 14 * i}"'
            yield f'<text class="dim" {place}>{html.escape(line)}</text>'


def stage_of(path: str) -> str:
    """The numbered group a part belongs to, such as ``stage.2``; empty for parts of no group."""
    first, _, rest = path.partition(".")
    number = rest.partition(".")[0]
    return f"{first}.{number}" if number.isdigit() else ""
