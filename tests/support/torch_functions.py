"""Layers by PyTorch's functions, with weights by their paths, for tests of what networks mean."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Weights = Mapping[str, Tensor]
Activation = Callable[[Tensor], Tensor]


def calibrate(found: nn.Module, size: Sequence[int] = (32, 32), batch: int = 8) -> Tensor:
    """Random images, by whose statistics all layers are then normalised, so that no layer's part is lost."""
    draw = torch.Generator().manual_seed(1)
    for layer in found.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
            layer.weight.data.uniform_(0.5, 1.5, generator=draw)
            layer.bias.data.normal_(0, 0.3, generator=draw)
    images = torch.randn(batch, 3, *size, generator=draw)
    with torch.no_grad():
        found.train()(images)
        outputs = found.eval()(images)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        assert output.transpose(0, 1).flatten(1).std(1).min() > 0.005
    return images


def conv(weights: Weights, name: str, x: Tensor, s: int = 1, dilation: int = 1) -> Tensor:
    """A convolution that keeps the size at stride 1; the groups follow from the shape of its weight."""
    weight = weights[f"{name}.weight"]
    groups = x.shape[1] // weight.shape[1]
    pad = dilation * (weight.shape[-1] // 2)
    return F.conv2d(x, weight, weights.get(f"{name}.bias"), s, pad, dilation, groups)


def batch_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    mean, variance, scale, shift = (
        weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return F.batch_norm(x, mean, variance, scale, shift)


def conv_bn(
    weights: Weights,
    name: str,
    x: Tensor,
    s: int = 1,
    act: Activation | None = F.relu,
    dilation: int = 1,
) -> Tensor:
    y = batch_norm(weights, f"{name}.batch_norm", conv(weights, f"{name}.conv", x, s, dilation))
    return y if act is None else act(y)


def inverted(
    weights: Weights,
    name: str,
    x: Tensor,
    s: int,
    act: Activation = F.relu,
    inner: Activation = F.relu,
    gate: Activation = torch.sigmoid,
    dilation: int = 1,
) -> Tensor:
    """An inverted residual; whether it expands and excites is known by its weights."""
    h = conv_bn(weights, f"{name}.expand", x, act=act) if f"{name}.expand.conv.weight" in weights else x
    h = conv_bn(weights, f"{name}.filter", h, s, act, dilation)
    excite = f"{name}.squeeze_excite"
    if f"{excite}.squeeze.weight" in weights:
        z = inner(conv(weights, f"{excite}.squeeze", h.mean((2, 3), keepdim=True)))
        h = h * gate(conv(weights, f"{excite}.excite", z))
    h = conv_bn(weights, f"{name}.project", h, act=None)
    return x + h if s == 1 and x.shape == h.shape else h


def residual(weights: Weights, name: str, x: Tensor, s: int) -> Tensor:
    """A basic block or a bottleneck of a ResNet, known by its weights."""
    if f"{name}.reduce.conv.weight" in weights:
        h = conv_bn(weights, f"{name}.filter", conv_bn(weights, f"{name}.reduce", x), s)
        h = conv_bn(weights, f"{name}.expand", h, act=None)
    else:
        h = conv_bn(weights, f"{name}.second", conv_bn(weights, f"{name}.first", x, s), act=None)
    projected = f"{name}.shortcut.conv.weight" in weights
    return F.relu(h + (conv_bn(weights, f"{name}.shortcut", x, s, act=None) if projected else x))
