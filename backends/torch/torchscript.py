"""Writes networks as TorchScript files, which PyTorch runs without their source text."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from drawloom.backends.files import written_whole
from drawloom.backends.weights import Array, check_weights, weight_specs
from drawloom.ir import DType, Module, Value
from drawloom.passes import strip_training

from .network import to_torch


def export_torchscript(module: Module, weights: Mapping[str, Array], path: Path | str) -> None:
    """Write a resolved module for inference as one TorchScript file, whole or not at all.

    What only training needs is left out, with its weights. The network is traced in evaluation mode; the
    batch may have any size.

    Raises:
        UserError: when weights do not fit, or the file cannot be written.
    """
    check_weights(module, weights)
    stripped = strip_training(module)
    network = to_torch(stripped, {name: weights[name] for name in weight_specs(stripped)}).eval()
    examples = tuple(_example(value) for value in module.entry.inputs)
    with written_whole(Path(path)) as temporary, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the help of the command says that it is deprecated
        traced = torch.jit.trace(network, examples)  # type: ignore[no-untyped-call]
        traced.save(str(temporary))


def _example(value: Value) -> torch.Tensor:
    """A batch of two, from which a trace takes the ranks and types only."""
    kind = torch.int32 if value.type.dtype is DType.I32 else torch.float32
    return torch.zeros((2, *value.type.shape), dtype=kind)
