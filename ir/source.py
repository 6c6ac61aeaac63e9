"""Where text came from: sources and the spans that point into them."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Source:
    """A named text, as read from a file or given by hand."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of a 0-based character offset."""
        line = bisect.bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def position_utf16(self, offset: int) -> tuple[int, int]:
        """The 0-based line and column of an offset, the column in UTF-16 code units, as editors count."""
        line = bisect.bisect_right(self._line_starts, offset) - 1
        return line, _utf16_length(self.text[self._line_starts[line] : offset])

    def offset_utf16(self, line: int, column: int) -> int:
        """The offset of a position as `position_utf16` gives it; beyond a line or the text, its end."""
        if line >= len(self._line_starts):
            return len(self.text)
        text = self.line(line + 1)
        if text.isascii():
            return self._line_starts[line] + min(column, len(text))
        units = text.encode("utf-16-le", errors="surrogatepass")[: 2 * column]
        return self._line_starts[line] + len(units.decode("utf-16-le", errors="ignore"))

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its newline."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", errors="surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters ``[start, end)`` of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters the span covers."""
        return self.source.text[self.start : self.end]

    def __str__(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, other.end)
