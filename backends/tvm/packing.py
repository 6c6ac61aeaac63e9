"""Weights as the kernels want them: batch norms folded, then a pure permutation; NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drawloom.backends.weights import Array

from .tiles import Panel

Floats = npt.NDArray[np.float32]


def fold_batch_norm(
    scale: Array, shift: Array, mean: Array, variance: Array, epsilon: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The factor and the offset of each channel that a batch norm amounts to, in double precision."""
    factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    return factor, shift.astype(np.float64) - mean.astype(np.float64) * factor


def pack_convolution(weight: Array, groups: int, panels: tuple[Panel, ...]) -> Floats:
    """Reorder ``[out, in/groups, kh, kw]`` to ``[group][panel][kh][kw][in][channel of the panel]``, flat."""
    out, inner, kh, kw = weight.shape
    grouped = weight.reshape(groups, out // groups, inner, kh, kw).transpose(0, 3, 4, 2, 1)
    grouped = grouped.reshape(groups, kh * kw * inner, out // groups)
    pieces = []
    for group in grouped:
        for panel in panels:
            block = group[:, panel.start : panel.stop].reshape(-1, panel.count, panel.width)
            pieces.append(block.transpose(1, 0, 2).ravel())
    return np.ascontiguousarray(np.concatenate(pieces), dtype=np.float32)


def pack_depthwise(weight: Array) -> Floats:
    """Reorder ``[channels, 1, kh, kw]`` to ``[kh][kw][channels]``, flat."""
    return np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0), dtype=np.float32).ravel()
