"""Where text came from: sources and the spans that point into them."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


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

    def editor_position(self, offset: int, encoding: str = "utf-16") -> tuple[int, int]:
        """The 0-based line and column of an offset, as editors count them.

        Args:
            offset: the offset.
            encoding: columns are counted in its code units: ``utf-8``, ``utf-16`` or ``utf-32``.
        """
        line = bisect.bisect_right(self._line_starts, offset) - 1
        before = self.text[self._line_starts[line] : offset]
        return line, len(before) if before.isascii() else len(_encoded(before, encoding)) // _UNITS[encoding]

    def editor_offset(self, line: int, column: int, encoding: str = "utf-16") -> int:
        """The offset of a position as `editor_position` gives it; beyond a line or the text, its end."""
        if line >= len(self._line_starts):
            return len(self.text)
        text = self.line(line + 1)
        if text.isascii():
            return self._line_starts[line] + min(column, len(text))
        units = _encoded(text, encoding)[: _UNITS[encoding] * column]
        return self._line_starts[line] + len(units.decode(_codec(encoding), errors="ignore"))

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its newline."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


_UNITS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
"""Encodings of editors, with the bytes of a code unit."""


def _codec(encoding: str) -> str:
    return encoding if encoding == "utf-8" else f"{encoding}-le"


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(_codec(encoding), errors="surrogatepass")


class Span(NamedTuple):
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
