"""The language: text of a `.loom` file to the graph IR; and importers of other formats."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .load import elaborate, load, read_source

if TYPE_CHECKING:
    from .importers import from_onnx, from_torch

__all__ = ["elaborate", "from_onnx", "from_torch", "load", "read_source"]


def __getattr__(name: str) -> Any:
    # the importers need optional libraries, which nobody else should wait for
    if name not in ("from_onnx", "from_torch"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(".importers", __name__), name)
