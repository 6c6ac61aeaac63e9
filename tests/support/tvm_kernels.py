"""Runs single kernels of the TVM backend on NumPy arrays, and says in float64 what they should give."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.backends.tvm.workload import (
    Convolution,
    Depthwise,
    Epilogue,
    Pool,
    Step,
    Window,
    Workload,
)

Array = np.ndarray[Any, np.dtype[Any]]
GUARD = 12345.0
"""What stands behind each result, and must still stand there after the kernel has run."""

UNARY: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def aligned(values: Array) -> Array:
    """A flat float32 copy that begins a cache line."""
    raw = np.zeros(values.size + 16, np.float32)
    start = (-raw.ctypes.data // 4) % 16
    result = raw[start : start + values.size]
    result[:] = values.ravel()
    return result


class KernelLibrary:
    """Compiled workloads in one library."""

    def __init__(self, workloads: Sequence[Workload], target: Any, folder: Path) -> None:
        """Compile and link them."""
        from drawloom.backends.tvm.kernels import KernelStore, symbol_of
        from drawloom.backends.tvm.library import link

        objects = KernelStore().objects(dict.fromkeys(workloads), target)
        link(objects.values(), folder / "kernels.so")
        self._library = ctypes.CDLL(str(folder / "kernels.so"))
        self._symbol_of = symbol_of

    def run(self, workload: Workload, arguments: Sequence[Array]) -> Array:
        """The result of a kernel; fails when it writes behind it."""
        size = int(np.prod(workload.output))
        result = aligned(np.full(size + 64, GUARD))
        arrays = [*map(aligned, arguments), result]
        getattr(self._library, self._symbol_of(workload))(*(ctypes.c_void_p(a.ctypes.data) for a in arrays))
        assert (result[size:] == GUARD).all(), "the kernel wrote behind its result"
        return result[:size].reshape(workload.output)


def epilogue(x: Array, steps: Epilogue, operands: Sequence[Array]) -> Array:
    """The steps in float64."""
    rest = iter(operands)
    for step in steps:
        if step.reach is None:
            x = UNARY[step.kind](x)
        else:
            x = x + next(rest) if step.kind == "add" else x * next(rest)
    return x


def epilogue_operands(workload: Workload, rng: np.random.Generator) -> list[Array]:
    """Random operands for the binary steps, broadcastable over NHWC results."""
    n, h, w, c = workload.output
    shapes = {"full": (n, h, w, c), "gate": (n, 1, 1, c), "channel": (1, 1, 1, c)}
    return [rng.standard_normal(shapes[s.reach or ""]).astype(np.float32) for s in workload.operands]


def patches(x: Array, window: Window, fill: float) -> Array:
    """``[n, h', w', c, kh, kw]`` of an NHWC image, in float64."""
    top, left, bottom, right = window.padding
    padded = np.pad(
        x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill
    )
    rows, columns = window.positions(*x.shape[1:3])
    n, c = x.shape[0], x.shape[3]
    result = np.empty((n, rows, columns, c, *window.kernel))
    for a in range(window.kernel[0]):
        for b in range(window.kernel[1]):
            i, j = a * window.dilation[0], b * window.dilation[1]
            rows_taken = padded[:, i : i + (rows - 1) * window.stride[0] + 1 : window.stride[0]]
            result[..., a, b] = rows_taken[
                :, :, j : j + (columns - 1) * window.stride[1] + 1 : window.stride[1]
            ]
    return result


def convolved(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """A convolution of an NHWC image with ``[out, in/groups, kh, kw]``, in float64."""
    taken = patches(x, window, 0.0)
    n, h, w, c = taken.shape[:4]
    grouped = taken.reshape(n, h, w, groups, c // groups, *window.kernel)
    kernels = weight.astype(np.float64).reshape(groups, -1, *weight.shape[1:])
    return np.einsum("nhwgcab,gocab->nhwgo", grouped, kernels).reshape(n, h, w, -1)


def pooled(x: Array, w: Pool) -> Array:
    """A pool of an NHWC image, in float64."""
    if w.kind == "max":
        return np.asarray(patches(x, w.window, -np.inf).max(axis=(-2, -1)))
    counts = patches(np.ones_like(x), w.window, float(w.include_padding)).sum(axis=(-2, -1))
    return np.asarray(patches(x, w.window, 0.0).sum(axis=(-2, -1)) / counts)


def error(found: Array, expected: Array) -> float:
    """Greatest difference, relative to the greatest value."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))


__all__ = [
    "Convolution",
    "Depthwise",
    "KernelLibrary",
    "Step",
    "convolved",
    "epilogue",
    "epilogue_operands",
    "error",
    "pooled",
]
