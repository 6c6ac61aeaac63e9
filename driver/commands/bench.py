"""``drawloom bench``: how fast is a network?"""

from __future__ import annotations

from . import options


def bench(file: options.NetworkFile) -> None:
    """Time a network.

    Example:
      drawloom bench x
    """
