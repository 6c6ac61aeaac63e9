"""Passes that move weights keep what calls of `shared` compute: functions of several sizes under one path."""

import pytest
from morphisms import assert_same_function, exact_weights, transformed

from drawloom.frontend import elaborate
from drawloom.ir import Module, Source

TEXT = """
block head(x; c) {
    x = x |> conv(8, kernel=3) as first |> batch_norm |> relu
    x = x |> conv(8, kernel=3) as second |> batch_norm |> relu
    return conv(x; c, kernel=3) as last
}
network n(image: f32[3, 8, 8]) {
    levels = shared([image, max_pool(image; 2, 2, pad=0)]; conv(; 6, kernel=3))
    levels = [x |> batch_norm |> relu for level, x in levels]
    return shared(levels; head(; 4)) as top
}
"""


@pytest.fixture
def levels() -> Module:
    return elaborate(Source("levels.loom", TEXT))


@pytest.mark.parametrize(
    "pipeline",
    [
        "fold-batch-norm",
        "inline,fold-batch-norm",
        "widen{factor=2}",
        "deepen{after=*}",
        "fuse",
        "inline,cse,dce",
    ],
)
def test_what_is_computed_stays(levels: Module, pipeline: str) -> None:
    assert_same_function(levels, pipeline)


def test_a_shared_convolution_keeps_its_batch_norms(levels: Module) -> None:
    _, weights, _ = transformed(levels, "fold-batch-norm", exact_weights(levels))
    kept = {name.rpartition(".")[0] for name in weights}
    assert kept == {"conv", "level.0.batch_norm", "level.1.batch_norm", "top.first", "top.second", "top.last"}


def test_channels_go_at_all_sizes(levels: Module) -> None:
    _, weights, _ = transformed(levels, "prune-channels{keep=0.5}", exact_weights(levels))
    assert weights["conv.weight"].shape == (3, 3, 3, 3)
    assert weights["top.second.weight"].shape == (4, 4, 3, 3)
    assert weights["top.last.weight"].shape == (4, 4, 3, 3)
