"""The PyTorch backend: networks as modules a user would have written, training, ONNX export.

Importing it needs PyTorch and says how to get it.
"""

from __future__ import annotations

from drawloom.ir import UserError

try:
    import torch as _torch  # noqa: F401 - only to see whether it is there
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise UserError("the torch backend needs PyTorch", 'pip install "drawloom[torch]"') from None

from .evaluation import evaluate, predict
from .export import export_onnx
from .layers import set_progress
from .lowering import RULES
from .network import skeleton, to_torch, weights_of
from .source import network_class, python_source
from .torchscript import export_torchscript
from .training_loop import train

__all__ = [
    "RULES",
    "evaluate",
    "export_onnx",
    "export_torchscript",
    "network_class",
    "predict",
    "python_source",
    "set_progress",
    "skeleton",
    "to_torch",
    "train",
    "weights_of",
]
