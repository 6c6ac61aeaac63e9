"""The language: text of a `.loom` file to the graph IR."""

from __future__ import annotations

from .load import elaborate, load, read_source

__all__ = ["elaborate", "load", "read_source"]
