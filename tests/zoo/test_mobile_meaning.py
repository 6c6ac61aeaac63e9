"""Mobile networks and ResNets compute what PyTorch's functions give in the order that their papers draw.

Counts do not see where a residual ends, which channels a shuffle moves, or an activation too many.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from fbnets import fbnet
from torch import Tensor
from torch.nn import functional as F
from torch_functions import Activation, Weights, calibrate, conv_bn, inverted, residual

from drawloom.backends.torch import to_torch
from drawloom.catalogue import network
from drawloom.passes import resolve


def outputs(name: str, again: Callable[[Weights, Tensor], Tensor], **arguments: Any) -> tuple[Tensor, Tensor]:
    """What a network of the zoo gives for random pixels and weights, and what ``again`` makes of them."""
    found = to_torch(network(name, **{"size": 32, "classes": 10, **arguments}))
    images = calibrate(found)
    with torch.no_grad():
        return found(images), again(found.state_dict(), images)


def classify(weights: Weights, x: Tensor, name: str = "linear") -> Tensor:
    return F.linear(x.mean((2, 3)), weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def layers(weights: Weights, stage: str) -> range:
    """The layers of a stage that have weights."""
    return range(len({key.split(".")[3] for key in weights if key.startswith(f"{stage}.")}))


def test_mobilenet_v3_small() -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "stem", x, 2, F.hardswish)
        for i, s in enumerate([2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1]):
            act = F.relu if i < 3 else F.hardswish
            x = inverted(weights, f"layer.{i}.inverted_residual", x, s, act, gate=F.hardsigmoid)
        x = conv_bn(weights, "last", x, act=F.hardswish)
        x = F.hardswish(classify(weights, x, "head"))
        return F.linear(x, weights["classifier.weight"], weights["classifier.bias"])

    torch.testing.assert_close(*outputs("mobilenet_v3_small", again))


@pytest.mark.parametrize(
    ("name", "strides", "act", "inner"),
    [
        ("mnasnet_small", [2, 2, 2, 1, 2, 1], F.relu, F.relu),
        ("proxyless_cpu", [2, 2, 2, 1, 2, 1], F.relu6, F.relu),
        ("efficientnet_b0", [1, 2, 2, 2, 1, 2, 1], F.silu, F.silu),
    ],
)
def test_networks_of_stages(name: str, strides: list[int], act: Activation, inner: Activation) -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "stem", x, 2, act)
        if "first.filter.conv.weight" in weights:  # a block without a residual, whatever its channels
            x = conv_bn(weights, "first.filter", x, act=act)
            x = conv_bn(weights, "first.project", x, act=None)
        for stage, stride in enumerate(strides):
            for layer in layers(weights, f"stage.{stage}"):
                block = f"stage.{stage}.layer.{layer}.inverted_residual"
                x = inverted(weights, block, x, stride if layer == 0 else 1, act, inner)
        return classify(weights, conv_bn(weights, "head", x, act=act))

    torch.testing.assert_close(*outputs(name, again))


def shuffle(x: Tensor, groups: int) -> Tensor:
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def separable(weights: Weights, name: str, x: Tensor, s: int = 1) -> Tensor:
    return conv_bn(weights, f"{name}.mix", conv_bn(weights, f"{name}.filter", x, s, act=None))


def shuffle_unit(weights: Weights, name: str, x: Tensor, s: int) -> Tensor:
    """A unit of ShuffleNetV2, or that with three depthwise convolutions of its successors."""
    aside, h = shuffle(x, 2).chunk(2, 1) if s == 1 else (separable(weights, f"{name}.halve", x, s), x)
    if f"{name}.main.layer.0.mix.conv.weight" in weights:
        for i in range(3):
            h = separable(weights, f"{name}.main.layer.{i}", h, s if i == 0 else 1)
    else:
        h = conv_bn(weights, f"{name}.main.filter", conv_bn(weights, f"{name}.main.reduce", h), s, act=None)
        h = conv_bn(weights, f"{name}.main.expand", h)
    return torch.cat([aside, h], 1)


@pytest.mark.parametrize(
    ("name", "unit", "pools"),
    [
        ("shufflenet_v2_05", "shuffle_unit", True),
        ("spos", "numbered_unit.shuffle_unit", False),
        ("detnas_fpn_300m", "numbered_unit.shuffle_unit", False),
    ],
)
def test_networks_of_shuffle_units(name: str, unit: str, pools: bool) -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "stem", x, 2)
        x = F.max_pool2d(x, 3, 2, 1) if pools else x
        for stage in range(3 if pools else 4):
            for layer in layers(weights, f"stage.{stage}"):
                x = shuffle_unit(weights, f"stage.{stage}.layer.{layer}.{unit}", x, 2 if layer == 0 else 1)
        return classify(weights, conv_bn(weights, "head", x))

    torch.testing.assert_close(*outputs(name, again))


@pytest.mark.parametrize(("name", "groups"), [("shufflenet_v1_10", 3), ("shufflenet_v1_20_g8", 8)])
def test_shufflenet_v1(name: str, groups: int) -> None:
    def unit(weights: Weights, name: str, x: Tensor, s: int) -> Tensor:
        h = shuffle(conv_bn(weights, f"{name}.reduce", x), groups)
        h = conv_bn(weights, f"{name}.expand", conv_bn(weights, f"{name}.filter", h, s, act=None), act=None)
        return F.relu(x + h) if s == 1 else torch.cat([F.avg_pool2d(x, 3, s, 1), F.relu(h)], 1)

    def again(weights: Weights, x: Tensor) -> Tensor:
        x = F.max_pool2d(conv_bn(weights, "stem", x, 2), 3, 2, 1)
        for stage in range(3):
            for layer in layers(weights, f"stage.{stage}"):
                x = unit(weights, f"stage.{stage}.layer.{layer}.unit", x, 2 if layer == 0 else 1)
        return classify(weights, x)

    torch.testing.assert_close(*outputs(name, again))


def test_resnet_of_cifar_fills_new_channels_with_zeros() -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "stem", x)
        for stage in range(3):
            for layer in range(3):
                s = 2 if stage > 0 and layer == 0 else 1
                block = f"stage.{stage}.layer.{layer}.basic"
                h = conv_bn(weights, f"{block}.second", conv_bn(weights, f"{block}.first", x, s), act=None)
                x = F.pad(x[:, :, ::s, ::s], (0, 0, 0, 0, 0, h.shape[1] - x.shape[1]))
                x = F.relu(x + h)
        return classify(weights, x)

    torch.testing.assert_close(*outputs("resnet_20", again))


@pytest.mark.parametrize("name", ["resnet_18", "resnet_50", "df2a"])
def test_networks_of_residual_blocks(name: str) -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        if "stem.conv.weight" in weights:
            x = F.max_pool2d(conv_bn(weights, "stem", x, 2), 3, 2, 1)
        else:
            x = conv_bn(weights, "second", conv_bn(weights, "first", x, 2), 2)
        strides = {"stage.0": 1 if "stem.conv.weight" in weights else 2}
        blocks = [key.rsplit(".", 3)[0] for key in weights if key.startswith("stage") and ".conv." in key]
        for one in dict.fromkeys(blocks):
            stage = one[: len("stage.0")]
            x = residual(weights, one, x, strides.get(stage, 2))
            strides[stage] = 1
        return classify(weights, x)

    torch.testing.assert_close(*outputs(name, again))


def test_fbnet_a_is_a_candidate_of_the_space() -> None:
    space = network("fbnet", head=1504)
    candidate = to_torch(resolve(space, fbnet("a"))).eval()
    found = to_torch(network("fbnet_a"))
    images = calibrate(found, (224, 224))
    for mine, theirs in zip(found.state_dict().values(), candidate.state_dict().values(), strict=True):
        theirs.copy_(mine)
    with torch.no_grad():
        torch.testing.assert_close(found(images[:1]), candidate(images[:1]))
