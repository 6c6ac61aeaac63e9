"""Runs imported networks and compares what they give with something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch

from drawloom.backends.reference import run
from drawloom.backends.torch import to_torch
from drawloom.backends.weights import Weights, check_weights
from drawloom.ir import Module, verify

TOLERANCE = 1e-4
"""Largest relative error of an imported network."""


def check_outputs(module: Module, weights: Weights, inputs: Sequence[Any], expected: Sequence[Any]) -> None:
    """Hold both backends against the outputs of the original."""
    verify(module)
    check_weights(module, weights)
    assert all(array.dtype == np.float32 for array in weights.values())
    arrays = [np.asarray(x) for x in inputs]
    assert_close(run(module, weights, arrays), expected)
    with torch.no_grad():
        found = to_torch(module, weights).eval()(*map(torch.from_numpy, arrays))
    assert_close(found if isinstance(found, tuple) else (found,), expected)


def assert_close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()


def run_onnx(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """What ONNX Runtime computes from a file or serialised model."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    outputs: list[Any] = session.run(None, dict(zip(names, map(np.asarray, inputs), strict=True)))
    return outputs
