"""Segmentation with MobileNetV3 has the weights of the paper's table and of torchvision's network."""

import pytest
from counting import count

from drawloom.catalogue import network


@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        ("mobilenet_v3_large_lr_aspp", {}, 1_505_678),  # 1.51 M
        ("mobilenet_v3_small_lr_aspp", {}, 467_614),  # 0.47 M
        # torchvision's lraspp_mobilenet_v3_large, whose gate has no bias
        ("mobilenet_v3_large_lr_aspp", {"reduced": False, "classes": 21}, 3_221_538 + 128),
    ],
)
def test_parameters(name: str, arguments: dict[str, object], parameters: int) -> None:
    assert count(network(name, **arguments), {})[0] == parameters


def test_windows_are_those_of_the_paper_for_its_images() -> None:
    module = network("mobilenet_v3_large_lr_aspp")
    (head,) = (f for f in module.functions.values() if f.definition == "lr_aspp")
    (pool,) = (op for op in head.operations if op.name == "avg_pool")
    assert (pool.attributes["kernel"], pool.attributes["stride"]) == ((49, 49), (16, 20))
    assert pool.result.type.shape == (480, 1, 4)


def test_scores_have_the_size_of_the_image() -> None:
    for name in ("mobilenet_v3_large_r_aspp", "mobilenet_v3_large_lr_aspp", "mobilenet_v3_small_lr_aspp"):
        (scores,) = network(name, rows=72, columns=100, classes=5).entry.outputs
        assert scores.type.shape == (5, 72, 100)
