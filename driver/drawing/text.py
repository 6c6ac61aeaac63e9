"""How wide a text is, without a font at hand: never less than in the usual fonts for screens."""

from __future__ import annotations

import unicodedata

_NARROW = frozenset("iljtfrI.,:;'|![]() /")
_WIDE = frozenset("mwMW@%")

_EM = {"narrow": 0.42, "lower": 0.64, "upper": 0.76, "wide": 0.98, "full": 1.05}
"""Widths in em, after DejaVu Sans, which is the widest of the fonts in the style sheet."""

_BOLD = 1.1
"""How much wider bold letters are."""


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of a line of text in pixels.

    Args:
        text: one line.
        size: of the font, in pixels.
        bold: whether it is set in bold.
    """
    return sum(map(_em, text)) * size * (_BOLD if bold else 1)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return _EM["narrow"]
    if letter in _WIDE:
        return _EM["wide"]
    if unicodedata.east_asian_width(letter) in "WF":
        return _EM["full"]
    if letter.isascii():
        return _EM["upper" if letter.isupper() else "lower"]
    return 0.0 if unicodedata.combining(letter) else 0.9
