"""Spaces that the tests of passes share."""

from collections.abc import Callable
from functools import cache

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import Decision, FunctionBuilder, Module, Source, TensorType, index_of, value_of


@cache
def _zoo_space(name: str) -> Module:
    from drawloom.catalogue import network

    return network(name)


@pytest.fixture
def zoo_space() -> Callable[[str], Module]:
    """A space of the zoo by name, elaborated once."""
    return _zoo_space


@pytest.fixture
def space_of() -> Callable[[str], Module]:
    """The space that a text in the language describes."""
    return lambda text: elaborate(Source("test.loom", text))


@pytest.fixture
def small_space() -> Module:
    """Two decisions: the kernel of a convolution, and whether it or a pooling is used."""
    kernel, arm = Decision("kernel", (3, 5)), Decision("arm", ("conv", "pool"))
    b = FunctionBuilder("small", "network")
    x = b.input(TensorType((4, 6, 6)), "x")
    k = value_of(kernel)
    h = b.op("conv2d", [x], {"out": 4, "kernel": k, "pad": k // 2, "param": "conv"})
    p = b.op("max_pool", [x], {"kernel": 3, "pad": 1})
    entry = b.finish([b.op("relu", [b.choice([h, p], index_of(arm))])])
    return Module("small", {"small": entry}, {"kernel": kernel, "arm": arm})


@cache
def _zoo_file(name: str, **arguments: object) -> Module:
    from pathlib import Path

    from drawloom.frontend import load

    return load(Path(__file__).parents[2] / "zoo" / name, arguments=arguments)


@pytest.fixture
def mobilenet() -> Callable[..., Module]:
    """MobileNetV2 by width, size of images and number of classes."""
    return lambda width, size=32, classes=10: _zoo_file(
        "networks/mobilenet_v2.loom", width=width, size=size, classes=classes
    )


@pytest.fixture
def darts_v2() -> Callable[[int], Module]:
    """The network DARTS_V2 with four cells, by its first number of channels."""
    from pathlib import Path

    from drawloom.ir import load_assignment
    from drawloom.passes import resolve

    text = (Path(__file__).parents[2] / "zoo" / "networks" / "darts_v2.json").read_text(encoding="utf-8")
    return lambda channels: resolve(
        _zoo_file("spaces/darts.loom", channels=channels, cells=4), load_assignment(text)
    )
