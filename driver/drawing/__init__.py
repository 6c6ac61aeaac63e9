"""Networks, cells and blocks as SVG.

`sheet` says which functions are drawn, `sketch` which nodes and edges stand for one, `layout` where they
stand, and `svg` what they look like.
"""

from __future__ import annotations

from .beliefs import Beliefs, load_strengths, selected
from .layout import Direction
from .picture import Picture
from .sheet import of_function, whole
from .svg import render

__all__ = ["Beliefs", "Direction", "Picture", "load_strengths", "of_function", "render", "selected", "whole"]
