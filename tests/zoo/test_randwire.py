"""RandWire: counts over seeds as specified, and a closed form of them for each drawn graph."""

from __future__ import annotations

import numpy as np
import pytest
from counting import count
from loom import operations

from drawloom.catalogue import network
from drawloom.ir.random_graph import adjacency

SEEDS = 20
SPECIFIED = {
    # name: mean and standard deviation over 20 seeds, of parameters and of multiply-adds, in millions,
    # by a counter and a generator of graphs that are not Drawloom's
    "randwire_small": ((5.645, 0.064), (581.4, 4.3)),
    "randwire_regular": ((32.18, 0.73), (3998, 46)),
    "randwire_regular_154": ((62.01, 1.45), (7866, 90)),
}


@pytest.mark.parametrize("name", SPECIFIED)
def test_counts_over_seeds(name: str) -> None:
    """Means differ by less than two standard errors, which are 0.4 to 1.3 % (parameters) and 0.3 to 0.4 %.

    The nearest other reading of the paper, a separable second convolution, is 13 % away. Deviations
    of two samples of 20 differ by a factor of 1.6 in five cases of a hundred.
    """
    counts = np.array([count(network(name, seed=seed), {}) for seed in range(SEEDS)]) / 1e6
    for found, (mean, deviation) in zip(counts.T, SPECIFIED[name], strict=True):
        spread = found.std(ddof=1)
        assert abs(found.mean() - mean) < 2 * np.hypot(spread, deviation) / np.sqrt(SEEDS)
        assert 1 / 1.6 < spread / deviation < 1.6


def stage(nodes: int, before: int, c: int, size: int, seed: int) -> np.ndarray:
    """Parameters and multiply-adds of a stage that halves an image of this size."""
    graph = adjacency("watts_strogatz", nodes, (4, 0.75), seed)
    edges = graph.sum(0)
    assert edges.sum() == 2 * nodes
    entries, pixels = int((edges == 0).sum()), (size // 2) ** 2
    convolutions = entries * (9 * before + before * c) + (nodes - entries) * (9 * c + c * c)
    scalars = int(edges[edges > 1].sum())
    return np.array([convolutions + 2 * nodes * c + scalars, convolutions * pixels])


def frame(c: int, last: int) -> np.ndarray:
    """The first convolution at 224 pixels and the classifier of `last` channels at 7."""
    convolution, head = 3 * 9 * c, last * 1280
    return np.array(
        [convolution + 2 * c + head + 2 * 1280 + 1281 * 1000, convolution * 112**2 + head * 49 + 1280 * 1000]
    )


@pytest.mark.parametrize("seed", [0, 3])
def test_small_in_closed_form(seed: int) -> None:
    second = np.array([39 * 78 * 9 + 2 * 78, 39 * 78 * 9 * 56**2])
    widths = [(78, 78), (78, 156), (156, 312)]
    stages = [stage(32, a, c, 56 >> i, 4 * seed + i) for i, (a, c) in enumerate(widths)]
    expected = frame(39, 312) + second + sum(stages)
    assert count(network("randwire_small", seed=seed), {}) == tuple(expected)


@pytest.mark.parametrize("seed", [0, 3])
def test_regular_in_closed_form(seed: int) -> None:
    widths = [(16, 54, 109), (32, 109, 218), (32, 218, 436), (32, 436, 872)]
    stages = [stage(n, a, c, 112 >> i, 4 * seed + i) for i, (n, a, c) in enumerate(widths)]
    expected = frame(54, 872) + sum(stages)
    assert count(network("randwire_regular", seed=seed), {}) == tuple(expected)


def test_the_strides_are_those_of_the_nodes_without_edges_into_them() -> None:
    module = network("randwire_small")
    strided = [op for op in operations(module, "conv2d") if op.attributes["stride"] != (1, 1)]
    assert {op.attributes["groups"] for op in strided} == {1, 78, 156}
