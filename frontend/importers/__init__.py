"""Importers: networks of other programs as IR, with their weights.

Each format has a file that reads it and a table from its operations to steps (`onnx_file` and `onnx_nodes`,
`torch_export` and `torch_nodes`). What a step becomes in the IR is the same for both and stands in one table,
`drawloom.frontend.importers.rules`.

Nothing here is imported before it is used: ONNX and PyTorch are optional and slow to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .onnx_file import from_onnx
    from .torch_export import from_torch

__all__ = ["from_onnx", "from_torch"]

_HOMES = {"from_onnx": "onnx_file", "from_torch": "torch_export"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
