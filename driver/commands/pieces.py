"""Files with several modules: pieces between separating lines, each with its place in the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drawloom.ir import Source

SEPARATOR = "# -----"
"""The line between two pieces."""

_SEPARATOR_LINE = re.compile(rf"^{SEPARATOR}[ \t]*$", re.MULTILINE)


def split(source: Source) -> list[Source]:
    """The pieces of a text that hold more than comments, in order.

    Each begins with as many empty lines as stand before it in the file, so that places in a piece are places
    in the file.
    """
    from drawloom.ir import Source

    pieces, start = [], 0
    ends = [*_SEPARATOR_LINE.finditer(source.text), None]
    for end in ends:
        text = source.text[start : end.start() if end is not None else len(source.text)]
        if _says_something(text):
            pieces.append(Source(source.name, "\n" * source.text.count("\n", 0, start) + text))
        start = end.end() if end is not None else start
    return pieces


def _says_something(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())
