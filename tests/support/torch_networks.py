"""Well-known small networks in plain PyTorch, written as their authors or torchvision write them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """He et al., 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """A residual network with three stages."""

    def __init__(self, depths: tuple[int, ...] = (2, 2, 2), width: int = 8, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = width
        for stage, depth in enumerate(depths):
            outputs = width * 2**stage
            layers = [
                BasicBlock(inputs if i == 0 else outputs, outputs, 2 if i == 0 and stage else 1)
                for i in range(depth)
            ]
            inputs = outputs
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.stages = len(depths)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class PreActBlock(nn.Module):
    """He et al., 2016b: the in-place activation changes what the shortcut reads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels, eps=1e-3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x


class InvertedResidual(nn.Module):
    """Sandler et al., 2018."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.use_res_connect = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNet(nn.Module):
    """A mobile network whose head is written as in the first torchvision: two means, a view."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU6(inplace=True),
            InvertedResidual(8, 8, 1, 2),
            InvertedResidual(8, 8, 1, 2),
            InvertedResidual(8, 12, 2, 3),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(12, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).mean(3).mean(2)
        return self.classifier(x.view(x.size(0), -1))


class HardSigmoid(nn.Module):
    """As MobileNetV3 was written before PyTorch had it."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + 3.0, inplace=True) / 6.0


class SqueezeExcite(nn.Module):
    """Hu et al., 2018, with a module of one's own for the gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 2), nn.ReLU(inplace=True), nn.Linear(channels // 2, channels)
        )
        self.gate = HardSigmoid()

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.fc(F.adaptive_avg_pool2d(x, 1).view(b, c))
        return x * self.gate(y).view(b, c, 1, 1).expand_as(x)


class MobileV3Block(nn.Module):
    """Howard et al., 2019: hard swish as a product, and written out."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(6, 12, 1)
        self.depthwise = nn.Conv2d(12, 12, (3, 5), padding=(1, 2), groups=12)
        self.se = SqueezeExcite(12)
        self.project = nn.Conv2d(12, 6, 1)
        self.act = nn.Hardswish()

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        y = y * F.relu6(y + 3) / 6
        y = self.act(self.depthwise(y))
        y = self.project(self.se(y))
        return x + y * torch.sigmoid(y) + F.silu(y) + y * F.hardsigmoid(y)


class ShuffleUnit(nn.Module):
    """Ma et al., 2018: a split, a branch, a concatenation and a shuffle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=2, dilation=2, groups=half, bias=False),
            nn.BatchNorm2d(half),
        )

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.chunk(2, dim=1)
        out = torch.cat((x1, self.branch(x2)), dim=1)
        batch, channels, height, width = out.size()
        out = out.view(batch, 2, channels // 2, height, width)
        return torch.transpose(out, 1, 2).contiguous().view(batch, -1, height, width)


class Inception(nn.Module):
    """Szegedy et al., 2015: four branches, pooling that rounds up."""

    def __init__(self) -> None:
        super().__init__()
        self.branch1 = nn.Conv2d(4, 3, 1)
        self.branch2 = nn.Sequential(nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, (1, 7), padding=(0, 3)))
        self.branch3 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), nn.Conv2d(4, 2, 1))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.aux = nn.Linear(11 * 4, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean = F.avg_pool2d(x, 3, stride=1, padding=1)
        uncounted = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        x = torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), (mean + uncounted)[:, 1:3]], 1)
        x = F.relu(self.pool(x))
        return x, self.aux(torch.flatten(F.adaptive_avg_pool2d(x, 2), 1))


class Perceptron(nn.Module):
    """Layers without convolutions; one is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(12, 16)
        self.norm = nn.BatchNorm1d(16, affine=False)
        self.shared = nn.Linear(16, 16, bias=False)
        self.last = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.norm(self.first(x.flatten(1))))
        x = torch.sigmoid(self.shared(F.relu(self.shared(x))))
        return F.softmax(self.last(F.dropout(x, 0.3, self.training)), dim=-1)


class Pyramid(nn.Module):
    """Two inputs, resizing, and the shortcut of option A: every second pixel, channels padded with zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(4, 6, 1)
        self.smooth = nn.Conv2d(6, 6, 3, stride=2)

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        up = F.interpolate(self.lateral(coarse), scale_factor=2.0, mode="nearest")
        down = F.interpolate(up, size=(4, 6), mode="bilinear", align_corners=False)
        merged = up + F.pad(fine, (0, 0, 0, 0, 1, 1))
        asymmetric = self.smooth(F.pad(merged, (0, 1, 0, 1)))
        shortcut = F.pad(merged[:, :, ::2, ::2], (0, 0, 0, 0, 2, 1))
        return asymmetric + shortcut[:, 2:8], down


class Reordered(nn.Module):
    """Axes in every order, parts of tensors, statistics over other axes than the image's."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        attention = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1).transpose(2, 3)
        first, rest = torch.split(y, [2, 3], dim=1)
        picked = rest[:, 1].unsqueeze(1) + rest.narrow(1, 2, 1).squeeze(1).unsqueeze(1)
        return torch.cat([first, picked, attention.transpose(-1, -2)], dim=1)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...]]] = {
    "res_net": (ResNet, ((3, 33, 33),)),
    "pre_act": (lambda: nn.Sequential(PreActBlock(4), PreActBlock(4)), ((4, 6, 6),)),
    "mobile_net": (MobileNet, ((3, 20, 20),)),
    "mobile_v3": (MobileV3Block, ((6, 7, 9),)),
    "shuffle": (lambda: nn.Sequential(ShuffleUnit(8), ShuffleUnit(8)), ((8, 6, 5),)),
    "inception": (Inception, ((4, 8, 8),)),
    "perceptron": (Perceptron, ((3, 4),)),
    "pyramid": (Pyramid, ((4, 6, 8), (4, 3, 4))),
    "reordered": (Reordered, ((4, 3, 5),)),
}
"""How each network is made, and the shapes of its inputs without the batch."""


def made(name: str, seed: int = 0) -> nn.Module:
    """A network in evaluation mode with nothing left at a neutral value: statistics and biases are random."""
    torch.manual_seed(seed)
    module = NETWORKS[name][0]().eval()
    with torch.no_grad():
        for path, value in (*module.named_parameters(), *module.named_buffers()):
            if value.dim() == 1:
                value.uniform_(0.5, 1.5) if path.endswith(("running_var", "weight")) else value.normal_(
                    std=0.2
                )
    return module


def inputs_of(name: str, batch: int = 2, seed: int = 1) -> tuple[Tensor, ...]:
    """Random inputs of a network."""
    torch.manual_seed(seed)
    return tuple(torch.randn(batch, *shape) for shape in NETWORKS[name][1])
