"""Runs networks on arrays of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from drawloom.backends.weights import Array

EVALUATION_BATCH = 500
"""Images a step where no gradients are kept."""


def as_batch(images: Tensor, mean: Sequence[float], std: Sequence[float], device: torch.device) -> Tensor:
    """A batch as the network takes it: float32, channels last in memory, standardised.

    Args:
        images: ``[N, C, H, W]``, uint8 for 0..1 in steps of 1/255, or floats.
        mean: one number, or one a channel.
        std: as `mean`.
        device: where it goes.
    """
    images = images.to(device)
    scale = 255.0 if images.dtype == torch.uint8 else 1.0
    shift = torch.tensor(mean, device=device).view(1, -1, 1, 1)
    divisor = torch.tensor(std, device=device).view(1, -1, 1, 1)
    batch = (images.float() - shift * scale) / (divisor * scale)
    return batch.contiguous(memory_format=torch.channels_last)


def predict(
    network: nn.Module,
    images: Array,
    mean: Sequence[float] = (0.5,),
    std: Sequence[float] = (0.5,),
) -> npt.NDArray[Any]:
    """The network's outputs for images, as for inference: ``[N, classes]`` float32.

    Args:
        network: with one input and one output; its mode is put back.
        images: ``[N, C, H, W]``, uint8 or float.
        mean: as in `drawloom.backends.Recipe`.
        std: as in `drawloom.backends.Recipe`.
    """
    return outputs(network, torch.tensor(images), mean, std).float().cpu().numpy()


def outputs(network: nn.Module, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """`predict` on tensors."""
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            batches = torch.split(images, EVALUATION_BATCH)
            return torch.cat([network(as_batch(b, mean, std, device)) for b in batches])
    finally:
        network.train(training)


def evaluate(
    network: nn.Module,
    images: Array,
    labels: Array,
    mean: Sequence[float] = (0.5,),
    std: Sequence[float] = (0.5,),
) -> float:
    """The share of images that the network classifies rightly, 0 to 1; arguments as for `predict`."""
    return accuracy(network, torch.tensor(images), torch.tensor(labels), mean, std)


def accuracy(
    network: nn.Module, images: Tensor, labels: Tensor, mean: Sequence[float], std: Sequence[float]
) -> float:
    """`evaluate` on tensors."""
    found = outputs(network, images, mean, std).argmax(dim=1)
    return float((found == labels.to(found.device)).float().mean())
