"""Networks for segmentation and detection compute what PyTorch's functions give."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_functions import Weights, batch_norm, calibrate, conv, conv_bn, inverted, residual

from drawloom.backends.torch import to_torch
from drawloom.catalogue import network


def check(name: str, again: Callable[[Weights, Tensor], Any], **arguments: Any) -> None:
    """Compare a network of the zoo with `again` on random pixels and weights."""
    module = network(name, **arguments)
    found = to_torch(module)
    images = calibrate(found, module.entry.inputs[0].type.shape[1:], batch=3)
    with torch.no_grad():
        torch.testing.assert_close(found(images), again(found.state_dict(), images), rtol=1e-4, atol=1e-4)


def scaled(x: Tensor, like: Tensor | tuple[int, int]) -> Tensor:
    size = like.shape[2:] if isinstance(like, Tensor) else like
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def test_df_seg() -> None:
    def fuse(weights: Weights, name: str, fine: Tensor, deep: Tensor) -> Tensor:
        deep = scaled(conv_bn(weights, f"{name}.project", deep), fine)
        return conv_bn(weights, f"{name}.filter", torch.cat([fine, deep], 1))

    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "second", conv_bn(weights, "first", x, 2), 2)
        features = []
        for stage, runs in enumerate([(3,), (3,), (3, 1)]):
            for run, layers in enumerate(runs):
                for layer in range(layers):
                    block = f"stage.{stage}.run.{run}.layer.{layer}.basic"
                    x = residual(weights, block, x, 2 if run == layer == 0 else 1)
            features.append(x)
        parts = [
            scaled(conv_bn(weights, f"pyramid_pooling.level.{i}.conv_bn", F.avg_pool2d(x, 8 >> i)), x)
            for i in range(4)
        ]
        x = conv_bn(weights, "deep", conv_bn(weights, "pyramid_pooling.conv_bn", torch.cat([x, *parts], 1)))
        x = fuse(weights, "fuse_16", conv_bn(weights, "middle", features[1]), x)
        x = fuse(weights, "fuse_8", conv_bn(weights, "fine", features[0]), x)
        return scaled(conv_bn(weights, "score", x, act=None), (256, 256))

    check("df1_seg", again, rows=256, columns=256)


def test_nas_seg() -> None:
    def operation(weights: Weights, name: str, x: Tensor, kind: str, dilation: int = 1) -> Tensor:
        if kind == "pooled":
            return scaled(conv_bn(weights, f"{name}.conv_bn", x.mean((2, 3), keepdim=True)), x)
        if kind == "conv":
            return conv_bn(weights, name, x, dilation=dilation)
        x = conv(weights, f"{name}.pointwise", conv(weights, f"{name}.depthwise", x, dilation=dilation))
        return F.relu(batch_norm(weights, f"{name}.batch_norm", x))

    def cell(weights: Weights, name: str, x: Tensor) -> Tensor:
        """[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]] in the words of the released program."""
        first = operation(weights, f"{name}.first", x, "separable", 6)
        layer = f"{name}.layer"
        a1 = operation(weights, f"{layer}.0.left", x, "conv", 3)
        b1 = operation(weights, f"{layer}.0.right", x, "separable")
        a2 = operation(weights, f"{layer}.1.left", x, "separable", 6)
        b2 = operation(weights, f"{layer}.1.right", a1, "separable", 6)
        a3 = operation(weights, f"{layer}.2.left", x, "conv")
        b3 = operation(weights, f"{layer}.2.right", a2, "pooled")
        return first + (a1 + b1) + (a2 + b2) + (a3 + b3)

    def merge(weights: Weights, name: str, a: Tensor, b: Tensor) -> Tensor:
        a = conv_bn(weights, f"{name}.fit_left", cell(weights, f"{name}.left", a))
        b = conv_bn(weights, f"{name}.fit_right", cell(weights, f"{name}.right", b))
        return a + b if a.shape == b.shape else scaled(a, b) + b

    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "conv_bn", x, 2, F.relu6)
        pool = []
        for stage, (c, layers, s) in enumerate(
            [(16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)]
        ):
            for layer in range(layers):
                name = f"stage.{stage}.layer.{layer}.inverted_residual"
                h = conv_bn(weights, f"{name}.conv_bn", x, 1, F.relu6)
                h = conv_bn(weights, f"{name}.conv_bn_1", h, s if layer == 0 else 1, F.relu6)
                h = conv_bn(weights, f"{name}.conv_bn_2", h, act=None)
                x = x + h if layer > 0 else h
            if c in (24, 32, 96, 320):
                pool.append(conv_bn(weights, f"level.{len(pool)}.adapt", x))
        # [3, 3], [3, 2], [3, 0]
        first, second, third = (
            merge(weights, f"step.{i}.merge", pool[3], pool[j]) for i, j in enumerate([3, 2, 0])
        )
        x = scaled(torch.cat([scaled(first, second), second], 1), third)
        x = conv_bn(weights, "join", F.relu(torch.cat([x, third], 1)))
        return conv(weights, "classifier", x)

    check("nas_seg_arch0", again, size=128, c=16, classes=5)


def test_retinanet_nas_fpn() -> None:
    def resampled(x: Tensor, size: int) -> Tensor:
        factor = x.shape[-1] // size
        return F.max_pool2d(x, factor) if factor else F.interpolate(x, (size, size))

    def attend(coarse: Tensor, fine: Tensor) -> Tensor:
        return coarse + fine * torch.sigmoid(coarse.amax((2, 3), keepdim=True))

    def mix(weights: Weights, name: str, levels: list[Tensor]) -> list[Tensor]:
        """The text form of the specification, with the features that are added to two outputs."""
        p3, p4, p5, p6, p7 = levels
        sizes = {level: x.shape[-1] for level, x in zip(range(3, 8), levels, strict=True)}

        def made(merge: int, x: Tensor) -> Tensor:
            return conv_bn(weights, f"{name}.merge.{merge}.relu_conv_bn", F.relu(x), act=None)

        n5 = made(0, attend(resampled(p6, sizes[4]), p4))
        n6 = made(1, p4 + n5)
        q3 = made(2, p3 + resampled(n6, sizes[3]))
        q4 = made(3, n6 + resampled(q3, sizes[4]))
        q5 = made(4, attend(resampled(q4, sizes[5]), resampled(q3, sizes[5])) + p5)
        q7 = made(5, attend(resampled(q5, sizes[7]), resampled(n6, sizes[7])) + p7)
        q6 = made(6, attend(resampled(q7, sizes[6]), resampled(q5, sizes[6])))
        return [q3, q4, q5, q6, q7]

    def head(weights: Weights, name: str, level: int, x: Tensor) -> Tensor:
        for layer in range(4):
            x = conv(weights, f"{name}.layer.{layer}.conv", x)
            x = F.relu(batch_norm(weights, f"{name}.layer.{layer}.level.{level}.batch_norm", x))
        return conv(weights, f"{name}.predict", x)

    def again(weights: Weights, x: Tensor) -> tuple[Tensor, ...]:
        x = F.max_pool2d(conv_bn(weights, "stem", x, 2), 3, 2, 1)
        levels = []
        for stage, layers in enumerate([3, 4, 6, 3]):
            for layer in range(layers):
                s = 2 if layer == 0 and stage > 0 else 1
                x = residual(weights, f"stage.{stage}.layer.{layer}.bottleneck", x, s)
            if stage > 0:
                levels.append(conv_bn(weights, f"pyramid.level.{stage - 1}.project", x, act=None))
        levels.append(F.max_pool2d(levels[-1], 2))
        levels.append(F.max_pool2d(levels[-1], 2))
        for repeat in range(2):
            levels = mix(weights, f"repeat.{repeat}.mix", levels)
        return tuple(head(weights, name, i, x) for name in ("scores", "boxes") for i, x in enumerate(levels))

    check("retinanet_nas_fpn", again, size=128, cells=2, c=8, head_c=8, classes=3)


def test_lr_aspp() -> None:
    def again(weights: Weights, x: Tensor) -> Tensor:
        x = conv_bn(weights, "stem", x, 2, F.hardswish)
        features = []
        for i, s in enumerate([2, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1]):
            act = F.relu if i < 3 else F.hardswish
            dilation = 2 if i > 7 else 1
            block = f"layer.{i}.inverted_residual"
            x = inverted(weights, block, x, s, act, gate=F.hardsigmoid, dilation=dilation)
            features.append(x)
        x = conv_bn(weights, "last", x, act=F.hardswish)
        fine = features[2]
        windows = F.avg_pool2d(x, (8, 49), (16, 20))
        gate = scaled(torch.sigmoid(conv(weights, "lr_aspp.gate", windows)), x)
        x = scaled(gate * conv_bn(weights, "lr_aspp.local", x), fine)
        return scaled(conv(weights, "deep", x) + conv(weights, "fine", fine), (128, 1200))

    check("mobilenet_v3_small_lr_aspp", again, rows=128, columns=1200, classes=5)
