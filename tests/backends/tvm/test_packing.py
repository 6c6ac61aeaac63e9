"""Packed weights are a permutation that puts each value where the kernel reads it."""

import numpy as np
import pytest

from drawloom.backends.tvm.packing import fold_batch_norm, pack_convolution, pack_depthwise
from drawloom.backends.tvm.tiles import cut_panels


@pytest.mark.parametrize(
    ("out", "inner", "kernel", "groups", "vectors"), [(37, 5, (3, 2), 1, 2), (40, 4, (1, 1), 4, 1)]
)
def test_packing_is_a_permutation(
    out: int, inner: int, kernel: tuple[int, int], groups: int, vectors: int
) -> None:
    weight = np.arange(out * inner * kernel[0] * kernel[1], dtype=np.float32).reshape(out, inner, *kernel)
    packed = pack_convolution(weight, groups, cut_panels(out // groups, vectors, 16))
    assert sorted(packed) == sorted(weight.ravel())


def test_a_packed_value_stands_at_its_panel_tap_and_channel() -> None:
    weight = np.random.default_rng(0).standard_normal((37, 5, 3, 2)).astype(np.float32)
    panels = cut_panels(37, 1, 16)
    packed = pack_convolution(weight, 1, panels)
    steps = 3 * 2 * 5
    for channel in (0, 15, 16, 31, 32, 35, 36):
        (panel,) = (p for p in panels if p.start <= channel < p.stop)
        number, lane = divmod(channel - panel.start, panel.width)
        for a, b, c in ((0, 0, 0), (2, 1, 4), (1, 0, 3)):
            step = (a * 2 + b) * 5 + c
            index = (panel.start + number * panel.width) * steps + step * panel.width + lane
            assert packed[index] == weight[channel, c, a, b]


def test_depthwise_weights_have_channels_last() -> None:
    weight = np.random.default_rng(0).standard_normal((7, 1, 3, 5)).astype(np.float32)
    packed = pack_depthwise(weight).reshape(3, 5, 7)
    assert packed[2, 4, 6] == weight[6, 0, 2, 4]


def test_a_folded_batch_norm_is_a_line() -> None:
    rng = np.random.default_rng(0)
    scale, shift, mean, x = rng.standard_normal((4, 8))
    variance = rng.uniform(0.1, 2.0, 8)
    factor, offset = fold_batch_norm(scale, shift, mean, variance, 1e-3)
    np.testing.assert_allclose(x * factor + offset, (x - mean) / np.sqrt(variance + 1e-3) * scale + shift)
