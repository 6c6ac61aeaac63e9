"""Random graphs: their families, against networkx where it has them, and that they never change."""

import networkx as nx
import numpy as np
import pytest

from drawloom.ir import Decision, value_of
from drawloom.ir.expression import apply
from drawloom.ir.random_graph import adjacency

SEEDS = range(300)

GOLDEN = {
    "watts_strogatz": [(0, 1), (1, 2), (2, 3), (2, 4), (3, 4), (4, 5)],
    "barabasi_albert": [(0, 2), (1, 2), (1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)],
    "erdos_renyi": [(0, 3), (1, 2), (1, 4), (2, 4), (3, 5), (4, 5)],
}


def edges(generator: str, nodes: int, parameters: tuple[float, ...], seed: int) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in np.argwhere(adjacency(generator, nodes, parameters, seed))]


@pytest.mark.parametrize(
    ("generator", "parameters"),
    [("erdos_renyi", (0.3,)), ("barabasi_albert", (3,)), ("watts_strogatz", (4, 0.75))],
)
def test_edges_lead_forward_and_connect(generator: str, parameters: tuple[float, ...]) -> None:
    for seed in range(50):
        found = edges(generator, 16, parameters, seed)
        assert all(i < j for i, j in found)
        assert nx.is_connected(nx.Graph(found))
        assert len(nx.Graph(found)) == 16


def test_the_number_of_edges_is_that_of_the_family() -> None:
    assert {len(edges("watts_strogatz", 32, (4, 0.75), s)) for s in range(50)} == {64}
    assert {len(edges("barabasi_albert", 32, (5,), s)) for s in range(50)} == {5 * (32 - 5)}
    counts = [len(edges("erdos_renyi", 20, (0.4,), s)) for s in SEEDS]
    assert abs(np.mean(counts) - 0.4 * 190) < 4 * np.sqrt(190 * 0.24 / len(SEEDS))


def mean_clustering(graphs: list[nx.Graph]) -> tuple[float, float]:
    """The mean over graphs of their average clustering, and its standard error."""
    found = [nx.average_clustering(g) for g in graphs]
    return float(np.mean(found)), float(np.std(found) / np.sqrt(len(found)))


@pytest.mark.parametrize("p", [0.0, 0.25, 0.75, 1.0])
def test_watts_strogatz_is_distributed_as_in_networkx(p: float) -> None:
    ours, spread = mean_clustering([nx.Graph(edges("watts_strogatz", 20, (4, p), s)) for s in SEEDS])
    theirs, other = mean_clustering([nx.connected_watts_strogatz_graph(20, 4, p, seed=s) for s in SEEDS])
    assert abs(ours - theirs) <= 5 * (spread + other) + 1e-12


def test_barabasi_albert_is_distributed_as_in_networkx() -> None:
    def largest_degree(graphs: list[nx.Graph]) -> float:
        return float(np.mean([max(d for _, d in g.degree()) for g in graphs]))

    # it begins with a star of m + 1 nodes, which is what m nodes without edges and a first new one make
    theirs = [nx.barabasi_albert_graph(24, 3, seed=s) for s in SEEDS]
    ours = [nx.Graph(edges("barabasi_albert", 24, (3,), s)) for s in SEEDS]
    assert largest_degree(ours) == pytest.approx(largest_degree(theirs), rel=0.05)


def test_a_seed_means_one_graph_for_good() -> None:
    # written down once: studies that name a seed must find the same network in every version
    assert edges("watts_strogatz", 6, (2, 0.75), 0) == GOLDEN["watts_strogatz"]
    assert edges("barabasi_albert", 6, (2,), 0) == GOLDEN["barabasi_albert"]
    assert edges("erdos_renyi", 6, (0.4,), 0) == GOLDEN["erdos_renyi"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("erdos_renyi", 30, (0.0,), 0),  # never connected
        ("small_world", 30, (0.5,), 0),
        ("erdos_renyi", 10**9, (0.5,), 0),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[str, int, tuple[float, ...], int]) -> None:
    with pytest.raises(ValueError, match="graph"):
        adjacency(*arguments)


def test_edges_as_expressions_over_the_seed() -> None:
    seed = Decision("seed", tuple(range(40)))
    matrices = np.stack([adjacency("watts_strogatz", 8, (4, 0.5), s) for s in range(40)])
    for i, j in [(0, 1), (2, 7), (3, 5)]:
        edge = apply("random_edge", "watts_strogatz", 8, i, j, value_of(seed), 4, 0.5)
        np.testing.assert_array_equal(edge.table, matrices[:, i, j])
    into = apply("random_edge", "watts_strogatz", 8, -1, 1, value_of(seed), 4, 0.5)
    np.testing.assert_array_equal(into.table, matrices[:, :, 1].any(1))
    out = apply("random_edge", "watts_strogatz", 8, 6, -1, value_of(seed), 4, 0.5)
    np.testing.assert_array_equal(out.table, matrices[:, 6, :].any(1))
    nodes = Decision("nodes", (8, 9))
    expected = [bool(adjacency("watts_strogatz", n, (4, 0.5), 3)[0, 7]) for n in (8, 9)]
    assert expected[0] != expected[1]
    decided = apply("random_edge", "watts_strogatz", value_of(nodes), 0, 7, 3, 4, 0.5)
    assert decided.table.tolist() == expected
