"""The few layers that generated networks need beside those of PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _WithoutCounter(_BatchNorm):
    """Leaves out ``num_batches_tracked``, so that a ``state_dict`` holds the weights of the network only.

    PyTorch reads the counter only for running statistics without momentum.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.num_batches_tracked = None

    def _load_from_state_dict(self, *args: Any) -> None:
        # the inherited method would ask old and plain dicts for the counter
        nn.Module._load_from_state_dict(self, *args)


class BatchNorm1d(_WithoutCounter, nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` without the counter of batches."""


class BatchNorm2d(_WithoutCounter, nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` without the counter of batches."""


class BatchNorm3d(_WithoutCounter, nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d` without the counter of batches."""


class DropPath(nn.Module):
    """Makes samples zero at random while training, and scales the others up (Larsson et al., 2017).

    Attributes:
        rate: probability of a sample to be dropped at the end of training.
        progress: of training, from 0 to 1, by which the rate is multiplied; 1 until it is set. A buffer that
            no ``state_dict`` holds, so that compiled networks follow it.
    """

    progress: Tensor

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        # networks are made on the meta device, where this would lose its value
        self.register_buffer("progress", torch.ones((), device="cpu"), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The tensor ``[N, ...]``, some of its samples dropped."""
        if not self.training:
            return x
        keep = 1 - self.rate * self.progress
        kept = torch.rand((x.shape[0], *[1] * (x.ndim - 1)), device=x.device) < keep
        return x * (kept / keep).to(x.dtype)

    def extra_repr(self) -> str:
        """What stands between the parentheses of the printed layer."""
        return str(self.rate)


def set_progress(network: nn.Module, progress: float) -> None:
    """Tell every `DropPath` of a network how far training is, from 0 to 1."""
    for module in network.modules():
        if isinstance(module, DropPath):
            module.progress.fill_(progress)


class ChannelAffine(nn.Module):
    """A learned factor and a learned term for each channel.

    Args:
        channels: how many.
        inner: dimensions behind that of the channels.
        scale: whether there is a factor, at first one.
        shift: whether there is a term, at first zero.
    """

    def __init__(self, channels: int, inner: int, scale: bool = True, shift: bool = True) -> None:
        super().__init__()
        self.inner = inner
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None
        self.bias = nn.Parameter(torch.zeros(channels)) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        """The tensor, each channel times its factor plus its term."""
        if self.weight is not None:
            x = x * self._along(self.weight)
        return x if self.bias is None else x + self._along(self.bias)

    def _along(self, weight: Tensor) -> Tensor:
        return weight.reshape(-1, *[1] * self.inner)

    def extra_repr(self) -> str:
        """What stands between the parentheses of the printed layer."""
        return f"inner={self.inner}, scale={self.weight is not None}, shift={self.bias is not None}"


class Group(nn.Module):
    """Named modules whose names `torch.nn.ModuleDict` refuses, because it has methods of the same name."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        self._modules.update(modules)

    def __getitem__(self, name: str) -> nn.Module:
        module = self._modules[name]
        assert module is not None
        return module


class WeightedSum(nn.Module):
    """Sum of tensors of one shape, each scaled by the sigmoid of a learned number; a single one is itself.

    The aggregation of RandWire's nodes (Xie et al., 2019).
    """

    def __init__(self, terms: int) -> None:
        super().__init__()
        self.terms = terms
        if terms > 1:
            self.weight = nn.Parameter(torch.zeros(terms))

    def forward(self, *terms: Tensor) -> Tensor:
        """The sum of as many tensors as there are weights."""
        if len(terms) == 1:
            return terms[0]
        scales = torch.sigmoid(self.weight)
        return torch.stack([scale * term for scale, term in zip(scales, terms, strict=True)]).sum(0)


_COUNTERLESS: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: BatchNorm1d,
    nn.BatchNorm2d: BatchNorm2d,
    nn.BatchNorm3d: BatchNorm3d,
}


def drop_counters(network: nn.Module) -> None:
    """Turn the batch normalisations of a network into those without a counter, in place."""
    for layer in network.modules():
        counterless = _COUNTERLESS.get(type(layer))
        if counterless is not None:
            layer.__class__ = counterless
            layer.register_buffer("num_batches_tracked", None)
