"""NAS-Bench-201: the counts of the benchmark's tables, for networks and for the whole space."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_data import table
from counting import count
from numpy.lib.stride_tricks import sliding_window_view

from drawloom import zoo
from drawloom.backends import weight_specs
from drawloom.backends.reference import run
from drawloom.catalogue import load_entry, network
from drawloom.frontend import load
from drawloom.ir import DiagnosticError, Module, structural_hash
from drawloom.passes import price, resolve

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
SIZES = {"cifar10": (10, 32), "cifar100": (100, 32), "ImageNet16-120": (120, 16)}
"""Classes and pixels of each data set."""

CELLS = {
    "all conv3x3": ("33 3333", 1_531_546, "220.12"),
    "all conv1x1": ("22 2222", 241_306, "31.38"),
    "all skip": ("11 1111", 73_306, "7.78"),
    "all none": ("00 0000", 73_306, "7.78"),
    "all pool": ("44 4444", 73_306, "7.78"),
    "resnet": ("30 3101", 559_386, "78.56"),
    "best on CIFAR-10": ("33 3132", 1_073_466, "153.27"),
}
"""Operations in the order of the benchmark's text, parameters, multiply-adds in millions."""


def cell_of(ops: Any) -> list[list[str]]:
    """A cell from the numbers of its six operations."""
    a, b, c, d, e, f = (OPERATIONS[int(op)] for op in ops)
    return [[a], [b, c], [d, e, f]]


def built(cell: list[list[str]], classes: int = 10, size: int = 32) -> Module:
    arguments = {"cell": cell, "classes": classes, "size": size}
    return load_entry(zoo.networks()["nasbench201_cifar10"], arguments, "nasbench201_cell")


@pytest.mark.parametrize(("ops", "parameters", "millions"), CELLS.values(), ids=CELLS)
def test_counts_of_known_cells(ops: str, parameters: int, millions: str) -> None:
    found = count(built(cell_of(ops.replace(" ", ""))), {})
    assert (found[0], f"{found[1] / 1e6:.2f}") == (parameters, millions)


@pytest.mark.parametrize(
    ("name", "parameters", "millions"),
    [
        ("nasbench201_cifar10", 1_073_466, "153.27"),
        ("nasbench201_cifar100", 1_294_356, "184.74"),
        ("nasbench201_imagenet16", 865_576, "30.46"),
        ("nasbench201_resnet", 559_386, "78.56"),
    ],
)
def test_counts_of_named_networks(name: str, parameters: int, millions: str) -> None:
    found = count(network(name), {})
    assert (found[0], f"{found[1] / 1e6:.2f}") == (parameters, millions)


@pytest.fixture(scope="module")
def benchmark_table() -> dict[str, Any]:
    return table("nb201_accuracy.npz")


def assert_as_listed(benchmark_table: dict[str, Any], data: str, rows: Any, counts: Any) -> None:
    """The table is in millions, to seven digits, and counts the addition for each class as a multiply-add."""
    parameters, multiply_adds = np.transpose(counts)
    listed = {metric: benchmark_table[f"derived_{metric}__{data}"][rows] for metric in ("mparams", "mflops")}
    np.testing.assert_allclose(parameters / 1e6, listed["mparams"], rtol=1e-7)
    np.testing.assert_allclose((multiply_adds + SIZES[data][0]) / 1e6, listed["mflops"], rtol=1e-7)


@pytest.mark.parametrize("data", SIZES)
def test_counts_of_random_cells_are_those_of_the_table(benchmark_table: dict[str, Any], data: str) -> None:
    rows = random.Random(data).sample(range(15_625), 60)
    cells = [cell_of(benchmark_table["ops"][row]) for row in rows]
    assert_as_listed(benchmark_table, data, rows, [count(built(c, *SIZES[data]), {}) for c in cells])


@pytest.mark.parametrize("data", ["cifar10", "cifar100"])
def test_named_networks_are_the_best_of_the_table(benchmark_table: dict[str, Any], data: str) -> None:
    best = int(np.argmax(benchmark_table[f"test200__{data}"]))
    other = built(cell_of(benchmark_table["ops"][best]), *SIZES[data])
    assert structural_hash(network(f"nasbench201_{data}")) == structural_hash(other)


def space(classes: int = 10, size: int = 32) -> Module:
    return load(zoo.spaces()["nasbench201"].path, arguments={"classes": classes, "size": size})


def assignment(ops: Any) -> dict[str, str]:
    pairs = [(node, edge) for node in range(3) for edge in range(node + 1)]
    return {
        f"searched.node[{node}].edge[{edge}].op": OPERATIONS[int(op)]
        for (node, edge), op in zip(pairs, ops, strict=True)
    }


@pytest.mark.parametrize("data", SIZES)
def test_prices_of_the_whole_space_are_those_of_the_table(benchmark_table: dict[str, Any], data: str) -> None:
    prices = price(space(*SIZES[data]), [assignment(ops) for ops in benchmark_table["ops"]])
    counts = np.stack([prices["parameters"], prices["multiply_adds"]], axis=1)
    assert_as_listed(benchmark_table, data, slice(None), counts)


def test_prices_of_the_whole_space_in_closed_form() -> None:
    """Every convolution counts, also where only `none` reads it."""
    cells = list(itertools.product(range(5), repeat=6))
    prices = price(space(), [assignment(ops) for ops in cells])
    small, large = ((np.array(cells) == kind).sum(axis=1) for kind in (2, 3))
    np.testing.assert_array_equal(prices["parameters"], 73_306 + 28_000 * small + 243_040 * large)
    np.testing.assert_array_equal(prices["multiply_adds"], 7_783_040 + 5 * (small + 9 * large) * 3 * 512**2)


@pytest.mark.parametrize("ops", ["331312", "304130"])
def test_a_candidate_of_the_space_is_the_network_of_its_cell(ops: str) -> None:
    resolved, direct = resolve(space(), assignment(ops)), resolve(built(cell_of(ops)), {})
    assert structural_hash(resolved) == structural_hash(direct)
    assert list(weight_specs(resolved)) == list(weight_specs(direct))


def pooled(x: Any) -> Any:
    """Means of windows of 3x3; what is beyond the border does not count."""
    windows = sliding_window_view(np.pad(x, 1, constant_values=np.nan), (3, 3))
    return np.nanmean(windows, axis=(2, 3))


def test_nodes_are_sums_of_edges_from_the_nodes_before(tmp_path: Path) -> None:
    part = Path(zoo.__file__).parent / "parts" / "nasbench201.loom"
    (tmp_path / "part.loom").write_text(part.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "n.loom").write_text("""import "part.loom"
    network n(image: f32[1, 5, 5]) =
        graph(image; [[avg_pool_3x3], [skip_connect, avg_pool_3x3], [none, avg_pool_3x3, skip_connect]])""")
    x = np.random.default_rng(1).standard_normal((5, 5))
    first = pooled(x)
    second = x + pooled(first)
    (found,) = run(load(tmp_path / "n.loom"), {}, [x[None, None]])
    np.testing.assert_allclose(found[0, 0], pooled(first) + second, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ([["none"], ["none", "nor_conv"], ["none"] * 3], "the list does not have this element"),
        ([["none"], ["none"] * 2], "a cell has three nodes after the first"),
        ([["none"], ["none"] * 3, ["none"] * 3], "one operation for each node before it"),
    ],
)
def test_a_wrong_cell_is_explained(cell: list[list[str]], message: str) -> None:
    with pytest.raises(DiagnosticError, match=message):
        built(cell)
