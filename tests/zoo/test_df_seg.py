"""DF-Seg has the numbers of the authors' networks, and other images than those of Cityscapes fit."""

import pytest
from counting import count

from drawloom.catalogue import network
from drawloom.passes import cost_table

COUNTS = {
    # widths of the features that are scaled up, M parameters, G multiply-adds for 1024x2048 pixels: counted
    # from the authors' prototxt files by another program
    "df1_seg": ((32, 19), 13.11, 41.72),
    "df2_seg1": ((19, 19), 22.50, 84.51),
    "df2_seg2": ((256, 19), 24.12, 95.43),
    "df_lite_seg": ((32, 32), 10.60, 32.98),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    (c16, c8), parameters, multiply_adds = COUNTS[name]
    # the authors scale up with depthwise convolutions of fixed weights, which interpolate
    fixed = 16 * (c16 + c8) + 256 * 19
    applied = 16 * (c16 * 32 * 64 + c8 * 64 * 128) + 256 * 19 * 128 * 256
    module = network(name)
    # this one was released only with normalisation merged into biases
    merged = sum(r.cost.parameters // 2 for r in cost_table(module) if r.operation.name == "batch_norm")
    merged = merged if name == "df_lite_seg" else 0
    found = count(module, {})
    assert round((found[0] + fixed - merged) / 1e6, 2) == parameters
    assert round((found[1] + applied) / 1e9, 2) == multiply_adds


@pytest.mark.parametrize(("up", "shape"), [(8, (19, 96, 160)), (1, (19, 12, 20))])
def test_scores_are_as_large_as_the_image_or_an_eighth(up: int, shape: tuple[int, ...]) -> None:
    (scores,) = network("df1_seg", rows=96, columns=160, up=up).entry.outputs
    assert scores.type.shape == shape
