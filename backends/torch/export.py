"""Writes networks as ONNX files."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from drawloom.backends.files import written_whole
from drawloom.backends.weights import Array
from drawloom.ir import Module, UserError

from .network import to_torch


def export_onnx(module: Module, weights: Mapping[str, Array], path: Path | str) -> None:
    """Write a resolved module for inference as one ONNX file with a free batch size, whole or not at all.

    Inputs and outputs have the names of the network's, or ``input`` and ``output``, with a number where there
    are several.

    Raises:
        UserError: when onnx is not installed, weights do not fit, or the file cannot be written.
    """
    onnx = _require_onnx()
    network = to_torch(module, weights).eval()
    with written_whole(Path(path)) as temporary:
        model = _onnx_model(module, network)
        onnx.checker.check_model(model, full_check=True)
        temporary.write_bytes(model.SerializeToString())


def _onnx_model(module: Module, network: nn.Module) -> Any:
    """The network as an ONNX model with a free batch size."""
    entry = module.entry
    inputs = _names([v.name for v in entry.inputs], "input")
    outputs = _names([v.name for v in entry.outputs], "output", taken=inputs)
    examples = tuple(torch.zeros(2, *v.type.shape) for v in entry.inputs)
    batch = torch.export.Dim("batch", min=1)
    with _quiet():
        program = torch.onnx.export(
            network,
            examples,
            input_names=inputs,
            output_names=outputs,
            dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch has to say about its own parts, and about torchvision's absence."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _require_onnx() -> Any:
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript")):
        raise UserError("ONNX export needs onnx and onnxscript", 'pip install "drawloom[onnx]"')
    return importlib.import_module("onnx")


def _names(hints: list[str], default: str, taken: list[str] | None = None) -> list[str]:
    """A name for each value: its own, unless it has none, a strange one or one already used."""
    used, names = set(taken or []), []
    for i, hint in enumerate(hints):
        fallback = f"{default}{i}" if len(hints) > 1 else default
        name = hint if hint.isidentifier() and hint not in used else fallback
        used.add(name)
        names.append(name)
    return names
