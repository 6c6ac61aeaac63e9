"""Writes elements of SVG; everything that comes from a file passes through here and is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import TypeAlias

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


Attributes: TypeAlias = "Mapping[str, str | float]"
"""Attributes of an element: texts, which are escaped, and numbers."""


def tag(name: str, attributes: Attributes, text: str = "", raw: str = "") -> str:
    """An element.

    Args:
        name: of the element.
        attributes: its attributes.
        text: its content, which is escaped.
        raw: markup after that.
    """
    written = "".join(
        f' {key}="{number(value) if isinstance(value, (int, float)) else plain(value)}"'
        for key, value in attributes.items()
    )
    content = plain(text) + raw
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def plain(text: str) -> str:
    """A text for use between tags and in quotes."""
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def number(value: float) -> str:
    """A number with at most one decimal place."""
    return f"{round(value, 1):g}" if abs(value) < 1e5 else f"{value:.1f}"
