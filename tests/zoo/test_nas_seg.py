"""The segmentation networks of Nekrasov et al. have the weights that the released program would use."""

import pytest
from counting import count

from drawloom.catalogue import network

COUNTS = {
    # parameters of the released program, and channels of the features that it adapts and no merge reads
    "nas_seg_arch0": (2_496_277, 32),
    "nas_seg_arch1": (2_682_645, 24),
    "nas_seg_arch2": (2_853_141, 24),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    parameters, unread = COUNTS[name]
    assert count(network(name), {})[0] == parameters - (unread + 2) * 64


@pytest.mark.parametrize(
    ("name", "stride"), [("nas_seg_arch0", 4), ("nas_seg_arch1", 8), ("nas_seg_arch2", 8)]
)
def test_scores_have_the_size_of_the_finest_features_that_are_left(name: str, stride: int) -> None:
    (scores,) = network(name, size=128).entry.outputs
    assert scores.type.shape == (21, 128 // stride, 128 // stride)


def test_each_merge_has_a_head_for_training_with_a_cell_of_its_own() -> None:
    module = network("nas_seg_arch0", size=64)
    heads = [op for op in module.entry.operations if op.name == "auxiliary"]
    assert [op.attributes["weight"] for op in heads] == [0.15] * 3
    assert {op.operands[1].type.shape for op in heads} == {(21, 16, 16)}
    calls = [op.operands[1].producer for op in heads]
    assert len({op.param for op in calls if op is not None}) == 3
