"""How names and texts are written in the textual IR, shared by printer and expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

PLAIN_SYMBOL = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[\d+\])*")
"""Names that need no quotes after ``@``: identifiers with dots and bracketed positions."""


def string_text(text: str) -> str:
    """A text in double quotes, escaped as in JSON."""
    return json.dumps(text, ensure_ascii=False)


def symbol_text(name: str) -> str:
    """A reference to a decision or function: ``@cell.node[2].op``, in quotes where the name is unusual."""
    return f"@{name}" if PLAIN_SYMBOL.fullmatch(name) else f"@{string_text(name)}"


class FreeNames:
    """Numbers names that are taken: ``h``, ``h_1``, ``h_2``.

    It remembers how far it has come with each name, so that many of one name take no longer each than few.
    For that, what is taken must stay taken.
    """

    def __init__(self, taken: Callable[[str], bool]) -> None:
        """Start; `taken` says whether a name may not be used."""
        self._taken = taken
        self._numbers: dict[str, int] = {}

    def of(self, name: str) -> str:
        """The name itself, or the first with a number, that is not taken."""
        number = self._numbers.get(name, 0)
        found = f"{name}_{number}" if number else name
        while self._taken(found):
            number += 1
            found = f"{name}_{number}"
        self._numbers[name] = number
        return found
