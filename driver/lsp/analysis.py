"""What is known about an open text, and how to ask it while the text is being edited further."""

from __future__ import annotations

from dataclasses import dataclass, field

from drawloom.frontend.inspection import Inspection, inspect
from drawloom.ir import Source

from .documents import Edit, Snapshot


def analyse(source: Source, snapshot: Snapshot) -> Inspection:
    """Everything about a text."""
    return inspect(source, snapshot.read)


@dataclass(slots=True, eq=False)
class View:
    """What an earlier text was found to be, seen from the text as it is now.

    Attributes:
        inspection: what was found out about the earlier text.
        source: the text now.
        edits: what made the one into the other, in order.
    """

    inspection: Inspection
    source: Source
    edits: list[Edit] = field(default_factory=list)

    def follow(self, edit: Edit, source: Source) -> None:
        """Take note of one more change."""
        self.edits.append(edit)
        self.source = source

    def earlier(self, offset: int) -> int | None:
        """The offset in the earlier text of what stands at an offset now; None for what is new."""
        for edit in reversed(self.edits):
            if offset >= edit.start + edit.length:
                offset -= edit.growth
            elif offset > edit.start:
                return None
        return offset

    def now(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a part of the earlier text stands now; None when it was changed."""
        for edit in self.edits:
            if start >= edit.end:
                start, end = start + edit.growth, end + edit.growth
            elif end > edit.start:
                return None
        return start, end
