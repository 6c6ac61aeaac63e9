"""Documents with several layouts, and the rendering that chooses one (Wadler, "A prettier printer", 2003).

A group is printed on one line where it fits and is broken at all its own lines where it does not. Every
document knows its width on one line, so a group is decided without looking into it, and rendering takes time
linear in the text. Nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 110
"""Where lines end at the latest, in characters, unless a word or a comment is longer."""

STEP = 4
"""How far one level is indented, in characters."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters without a line break."""

    text: str

    @property
    def flat(self) -> int | None:
        """The width on one line, in characters; None for what needs several lines."""
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Line:
    """A place to break: a new line in a broken group, `text` in one that fits.

    Attributes:
        text: what stands there on one line; None always breaks.
        blank: whether an empty line is left when it breaks.
    """

    text: str | None = " "
    blank: bool = False

    @property
    def flat(self) -> int | None:
        """The width on one line."""
        return None if self.text is None else len(self.text)


@dataclass(frozen=True, slots=True)
class Remark:
    """Text that may run over the margin and is followed by a line that always breaks: a comment."""

    text: str
    flat: None = None


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that is there only in a broken group."""

    text: str
    flat: int = 0


@dataclass(frozen=True, slots=True)
class Concat:
    """Documents one after the other."""

    parts: tuple[Document, ...]
    flat: int | None


@dataclass(frozen=True, slots=True)
class Indent:
    """A document whose broken lines begin one level further to the right."""

    content: Document
    flat: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A document that is broken at all of its own lines or at none."""

    content: Document
    flat: int | None


Document: TypeAlias = "Text | Line | Remark | IfBroken | Concat | Indent | Group"

NOTHING = Text("")
SPACE = Text(" ")
LINE = Line()
SOFT = Line("")
HARD = Line(None)


def concat(*parts: Document) -> Concat:
    """Documents one after the other."""
    return Concat(parts, _total(parts))


def indent(*parts: Document) -> Indent:
    """Documents one after the other, their broken lines one level further to the right."""
    content = parts[0] if len(parts) == 1 else concat(*parts)
    return Indent(content, content.flat)


def group(*parts: Document) -> Group:
    """Documents that are broken together or not at all."""
    content = parts[0] if len(parts) == 1 else concat(*parts)
    return Group(content, content.flat)


def _total(parts: Iterable[Document]) -> int | None:
    width = 0
    for part in parts:
        if part.flat is None:
            return None
        width += part.flat
    return width


def render(document: Document, width: int = WIDTH, step: int = STEP) -> str:
    """The text of a document.

    Args:
        document: what to print.
        width: where lines should end at the latest, in characters.
        step: how far one level is indented, in characters.
    """
    return _Printer(width, step).run(document)


_Waiting: TypeAlias = "list[tuple[int, bool, Document]]"
"""What is still to be printed, next last: its indentation, whether its group is broken, and the document."""


class _Printer:
    """The text printed so far and the column where it ends."""

    def __init__(self, width: int, step: int) -> None:
        self.width = width
        self.step = step
        self.printed: list[str] = []
        self.column = 0

    def run(self, document: Document) -> str:
        waiting: _Waiting = [(0, True, document)]
        while waiting:
            level, broken, next_one = waiting.pop()
            match next_one:
                case Text(text) | Remark(text):
                    self._print(text)
                case IfBroken(text):
                    self._print(text if broken else "")
                case Line(text, blank):
                    self._line(level, None if broken else text, blank)
                case Concat(parts):
                    waiting.extend((level, broken, part) for part in reversed(parts))
                case Indent(content):
                    waiting.append((level + self.step, broken, content))
                case Group(content, flat):
                    waiting.append((level, broken and not self._fits(flat, waiting), content))
        return "".join(self.printed)

    def _print(self, text: str) -> None:
        self.printed.append(text)
        self.column += len(text)

    def _line(self, level: int, text: str | None, blank: bool) -> None:
        if text is not None:
            self._print(text)
            return
        self.printed.append(("\n\n" if blank else "\n") + " " * level)
        self.column = level

    def _fits(self, flat: int | None, waiting: _Waiting) -> bool:
        if flat is None or self.column + flat > self.width:
            return False
        return _tail_fits(waiting, self.width - self.column - flat)


def _tail_fits(waiting: _Waiting, room: int) -> bool:
    """Whether what follows a group fits up to the next place where the line may end."""
    entry = len(waiting)
    pending: list[Document] = []
    while pending or entry:
        if not pending:
            entry -= 1
            pending.append(waiting[entry][2])
        match pending.pop():
            case Line() | Remark():
                return True
            case Text(text) | IfBroken(text):
                room -= len(text)
                if room < 0:
                    return False
            case Concat(parts):
                pending.extend(reversed(parts))
            case Indent(content) | Group(content):
                pending.append(content)
    return True
