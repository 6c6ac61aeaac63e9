"""How names and texts are written in the textual IR, shared by printer and expressions."""

from __future__ import annotations

import json
import re

PLAIN_SYMBOL = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[\d+\])*")
"""Names that need no quotes after ``@``: identifiers with dots and bracketed positions."""


def string_text(text: str) -> str:
    """A text in double quotes, escaped as in JSON."""
    return json.dumps(text, ensure_ascii=False)


def symbol_text(name: str) -> str:
    """A reference to a decision or function: ``@cell.node[2].op``, in quotes where the name is unusual."""
    return f"@{name}" if PLAIN_SYMBOL.fullmatch(name) else f"@{string_text(name)}"
