"""``drawloom search``: the whole path, from a space to a trained and measured front."""

from __future__ import annotations

from . import options


def search(file: options.NetworkFile) -> None:
    """Search.

    Example:
      drawloom search x
    """
