"""Quick training of large depthwise convolutions on a CPU.

The gradient of a depthwise weight has fast code in PyTorch's CPU library (oneDNN) for kernels up to 3x3 only.
For a 5x5 kernel it was measured to take 7 to 65 times as long, in images of 14x14 more than the rest of the
layer. It is put together here from 3x3 pieces: each is the weight gradient of a 3x3 convolution of the moved
input.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PIECE = 3
"""Largest kernel, in each direction, whose weight gradient is fast."""


@contextmanager
def quick_depthwise(network: nn.Module) -> Iterator[None]:
    """Within the block, train the large depthwise convolutions of a network on a CPU by pieces."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d) and is_large_depthwise(m)]
    for layer in layers:
        layer.forward = partial(_forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def is_large_depthwise(layer: nn.Conv2d) -> bool:
    """Whether a layer is depthwise with a kernel of at least 3x3 that is larger in some direction."""
    depthwise = 1 < layer.groups == layer.in_channels == layer.out_channels
    return depthwise and min(layer.kernel_size) >= PIECE and max(layer.kernel_size) > PIECE


def _forward(layer: nn.Conv2d, x: Tensor) -> Tensor:
    geometry = (layer.stride, layer.padding, layer.dilation)
    y: Tensor = _Depthwise.apply(x, layer.weight, *geometry)  # type: ignore[no-untyped-call]
    return y if layer.bias is None else y + layer.bias.view(1, -1, 1, 1)


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution whose weight gradient is computed by pieces."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = (stride, padding, dilation)
        return F.conv2d(x, weight, None, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        of_input = _gradients(0, grad, x, weight, *ctx.geometry) if ctx.needs_input_grad[0] else None
        of_weight = weight_gradient(grad, x, weight, *ctx.geometry) if ctx.needs_input_grad[1] else None
        return of_input, of_weight, None, None, None


def weight_gradient(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """The gradient ``[C, 1, kh, kw]`` of a depthwise weight, from that of the output and the input."""
    height, width = weight.shape[2:]
    bordered = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    result = torch.empty_like(weight)
    piece = weight[:, :, :PIECE, :PIECE]
    sizes = zip(grad.shape[2:], stride, dilation, strict=True)
    spans = [(n - 1) * s + (PIECE - 1) * d + 1 for n, s, d in sizes]
    for row, column in product(_starts(height), _starts(width)):
        top, left = row * dilation[0], column * dilation[1]
        part = bordered[:, :, top : top + spans[0], left : left + spans[1]]
        part = part.contiguous(memory_format=torch.channels_last)
        found = _gradients(1, grad, part, piece, stride, (0, 0), dilation)
        result[:, :, row : row + PIECE, column : column + PIECE] = found
    return result


def _starts(size: int) -> list[int]:
    """Places of pieces that cover a kernel of a size; the last may overlap the one before."""
    return [min(start, size - PIECE) for start in range(0, size, PIECE)]


def _gradients(
    which: int,
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """PyTorch's own gradient of the input (`which` = 0) or the weight (1) of a depthwise convolution."""
    mask = [which == 0, which == 1, False]
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        grad, x, weight, None, stride, padding, dilation, False, [0, 0], len(weight), mask
    )
    return found[which]
