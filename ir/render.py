"""Diagnostics as text in the manner of rustc: headline, place, the lines of source with carets, notes, help.

All labels of one file share an excerpt. Columns are those of a terminal: tabs are four cells, East Asian wide
characters two, and characters that would move the cursor are shown by a picture, so that no source text can
disturb a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from .source import Source

if TYPE_CHECKING:
    from .diagnostic import Diagnostic, Label

_WIDTH = 140
"""Longest piece of a source line that an excerpt shows, in characters."""

_CONTEXT = 2
"""Lines of a long span shown at its beginning; of the rest only the last is."""

_TAB = "    "

_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "headline": "1",
    "gutter": "1;34",
    "other": "1;34",
    "help": "1;36",
}
"""What is coloured how, as the numbers of ANSI escape sequences."""

Paint = Callable[[str, str], str]
"""Gives a text the colour of a style."""


def _plain(style: str, text: str) -> str:
    return text


def _coloured(style: str, text: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style in _STYLES and text.strip() else text


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """A diagnostic as lines for people.

    Args:
        diagnostic: what to say.
        color: whether to use the escape sequences of terminals.
    """
    paint = _coloured if color else _plain
    severity = diagnostic.severity.value
    labels = (diagnostic.label, *diagnostic.others)
    width = max(len(str(_lines(label)[1])) for label in labels)
    headline = paint(severity, f"{severity}[{diagnostic.code}]")
    lines = [headline + paint("headline", f": {_shown(diagnostic.message)}")]
    for source, marks in _by_source(diagnostic):
        arrow = "-->" if source is diagnostic.label.span.source else ":::"
        lines.append(f"{' ' * width}{paint('gutter', arrow)} {_shown(str(marks[0].label.span))}")
        lines += _Excerpt(source, marks, width, paint, severity).lines()
    remarks = [("note", note) for note in diagnostic.notes]
    remarks += [("help", diagnostic.help)] if diagnostic.help is not None else []
    lines += [
        f"{' ' * width} {paint('gutter', '=')} {paint('help', kind + ':')} {_shown(text)}"
        for kind, text in remarks
    ]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label, and whether it is the guilty text."""

    label: Label
    primary: bool

    @property
    def sign(self) -> str:
        return "^" if self.primary else "-"


def _by_source(diagnostic: Diagnostic) -> list[tuple[Source, list[_Mark]]]:
    """The labels by file, that of the guilty text first."""
    found: dict[str, tuple[Source, list[_Mark]]] = {}
    for i, label in enumerate((diagnostic.label, *diagnostic.others)):
        source = label.span.source
        found.setdefault(source.name, (source, []))[1].append(_Mark(label, i == 0))
    return list(found.values())


def _lines(label: Label) -> tuple[int, int]:
    """The first and the last line of a label, counted from 1."""
    span = label.span
    last = max(span.start, span.end - 1)
    return span.source.position(span.start)[0], span.source.position(last)[0]


@dataclass(slots=True)
class _Piece:
    """What one label marks of one line.

    Attributes:
        start: first column, counted from 0 in characters.
        end: column after the last.
        text: remark to write beside it.
        mark: the label.
    """

    start: int
    end: int
    text: str
    mark: _Mark


@dataclass(slots=True)
class _Line:
    """A line of an excerpt with what is marked in it."""

    number: int
    pieces: list[_Piece] = field(default_factory=list)


class _Excerpt:
    """Lines of one source with marks under them; one label may run over several lines, beside a bar."""

    def __init__(
        self, source: Source, marks: Sequence[_Mark], width: int, paint: Paint, severity: str
    ) -> None:
        self.source = source
        self.width = width
        self.paint = paint
        self.severity = severity
        self.long = next((m for m in marks if len(set(_lines(m.label))) > 1), None)
        self.shown: dict[int, _Line] = {}
        for mark in marks:
            if mark is self.long:
                self._add_long(mark)
            else:
                self._add(mark)

    def _line(self, number: int) -> _Line:
        return self.shown.setdefault(number, _Line(number))

    def _add(self, mark: _Mark) -> None:
        span = mark.label.span
        number, column = self.source.position(span.start)
        length = len(self.source.line(number))
        start = min(column - 1, length)
        end = max(start + 1, min(start + span.end - span.start, length))
        self._line(number).pieces.append(_Piece(start, end, _shown(mark.label.text), mark))

    def _add_long(self, mark: _Mark) -> None:
        first, last = _lines(mark.label)
        middle = range(first, last + 1) if last - first <= 2 * _CONTEXT else range(first, first + _CONTEXT)
        for number in (*middle, last):
            self._line(number)

    def lines(self) -> list[str]:
        """The excerpt, beginning with an empty line beside the gutter."""
        made = [self._beside("")]
        before: int | None = None
        for number in sorted(self.shown):
            if before is not None and number == before + 2:
                made += self._numbered(_Line(before + 1))
            elif before is not None and number > before + 2:
                made.append((self.paint("gutter", "...") + self._bar(number - 1)).rstrip())
            made += self._numbered(self.shown[number])
            before = number
        return made

    def _beside(self, text: str, number: int | None = None) -> str:
        label = "" if number is None else str(number)
        return f"{self.paint('gutter', f'{label:>{self.width}} |')}{text}".rstrip()

    def _bar(self, number: int, *, after: bool = False) -> str:
        """What stands left of a line: a bar inside the long span."""
        if self.long is None:
            return " "
        first, last = _lines(self.long.label)
        inside = first < number <= last or (after and number == first)
        style = self._style(self.long)
        return f" {self.paint(style, '|')} " if inside and not (after and number == last) else "   "

    def _style(self, mark: _Mark) -> str:
        return self.severity if mark.primary else "other"

    def _numbered(self, line: _Line) -> list[str]:
        text = self.source.line(line.number)
        cells, columns = _window(text, line.pieces)
        made = [self._beside(self._bar(line.number) + cells, line.number)]
        placed = [
            _Piece(columns(p.start), max(columns(p.end), columns(p.start) + 1), p.text, p.mark)
            for p in line.pieces
        ]
        made += [self._beside(self._bar(line.number, after=True) + row) for row in self._rows(placed)]
        return made + self._ends(line.number, columns)

    def _ends(self, number: int, columns: Callable[[int], int]) -> list[str]:
        """The row that begins or ends the bar of the long span."""
        if self.long is None or number not in _lines(self.long.label):
            return []
        span, style = self.long.label.span, self._style(self.long)
        if number == _lines(self.long.label)[0]:
            column = columns(self.source.position(span.start)[1] - 1)
            return [self._beside("  " + self.paint(style, "_" * (column + 1) + self.long.sign))]
        column = columns(self.source.position(span.end - 1)[1] - 1)
        text = f"|{'_' * (column + 1)}{self.long.sign} {_shown(self.long.label.text)}".rstrip()
        return [self._beside(" " + self.paint(style, text))]

    def _rows(self, pieces: list[_Piece]) -> list[str]:
        """The carets of a line, then its remarks: the last one beside its caret, the others hanging below."""
        if not pieces:
            return []
        pieces = sorted(pieces, key=lambda p: (p.start, p.mark.primary))
        carets = _Row()
        for piece in sorted(pieces, key=lambda p: p.mark.primary):
            carets.put(piece.start, piece.mark.sign * (piece.end - piece.start), self._style(piece.mark))
        hanging = [p for p in pieces if p.text]
        last = pieces[-1]
        if last.text and all(p.end <= last.end for p in pieces):
            hanging.remove(last)
            carets.put(last.end + 1, last.text, self._style(last.mark))
        rows = [carets, *self._hung(hanging)]
        return [row.text(self.paint) for row in rows]

    def _hung(self, hanging: list[_Piece]) -> list[_Row]:
        rows: list[_Row] = []
        while hanging:
            *others, current = hanging
            if not rows:
                rows.append(self._posts(hanging))
            row = self._posts(others)
            row.put(current.start, current.text, self._style(current.mark))
            rows.append(row)
            hanging = others
        return rows

    def _posts(self, pieces: Iterable[_Piece]) -> _Row:
        row = _Row()
        for piece in pieces:
            row.put(piece.start, "|", self._style(piece.mark))
        return row


class _Row:
    """Text written at columns, each character with a style."""

    def __init__(self) -> None:
        self.cells: dict[int, tuple[str, str]] = {}

    def put(self, column: int, text: str, style: str) -> None:
        self.cells.update({column + i: (style, c) for i, c in enumerate(text)})

    def text(self, paint: Paint) -> str:
        cells = [self.cells.get(i, ("", " ")) for i in range(max(self.cells, default=-1) + 1)]
        runs = groupby(cells, key=lambda cell: cell[0])
        return "".join(paint(style, "".join(c for _, c in run)) for style, run in runs)


def _window(text: str, pieces: Sequence[_Piece]) -> tuple[str, Callable[[int], int]]:
    """The part of a line to show, and the column of each of the line's characters in it."""
    left, right = 0, len(text)
    if len(text) > _WIDTH:
        first = min((p.start for p in pieces), default=0)
        left = max(0, min(first - _WIDTH // 4, len(text) - _WIDTH))
        right = left + _WIDTH
    shown = [_cell(c) for c in text[left:right]]
    front, back = "..." if left else "", "..." if right < len(text) else ""
    starts = [len(front)]
    for cell in shown:
        starts.append(starts[-1] + _cells(cell))

    def column(offset: int) -> int:
        return starts[min(max(offset - left, 0), len(starts) - 1)]

    return front + "".join(shown) + back, column


def _cell(character: str) -> str:
    """How a character of a source is shown."""
    if character == "\t":
        return _TAB
    if ord(character) < 0x20:
        return chr(0x2400 + ord(character))
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return "\N{REPLACEMENT CHARACTER}"
    return character


def _cells(shown: str) -> int:
    """How many columns of a terminal a shown character takes."""
    if unicodedata.combining(shown[0]):
        return 0
    return 2 if unicodedata.east_asian_width(shown[0]) in "WF" else len(shown)


def _shown(text: str) -> str:
    """A message without characters that could disturb a terminal or begin a line."""
    return "".join(_cell(c) for c in text)
