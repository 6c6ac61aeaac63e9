"""NAS-Bench-101: published counts of cells, and how a cell divides channels."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_data import table
from counting import count
from numpy.lib.stride_tricks import sliding_window_view
from tiny_networks import random_weights

from drawloom import zoo
from drawloom.backends import weight_specs
from drawloom.backends.reference import run
from drawloom.catalogue import load_entry, network
from drawloom.frontend import load
from drawloom.ir import DiagnosticError, Module, structural_hash
from drawloom.passes import Batch, price, resolve, sample, satisfied

OPERATIONS = {"3": "conv3x3-bn-relu", "1": "conv1x1-bn-relu", "p": "maxpool3x3"}

CELLS = {
    # edges, inner operations, parameters of the benchmark, multiply-adds in millions where they are specified
    "nothing": ("01", "", 882_570, "137.8"),
    "conv3x3": ("01 12", "3", 10_177_674, "1497"),
    "chain": ("01 12 23 34 45 56", "33333", 47_358_090, "6933"),
    "largest": ("01 02 03 06 12 23 34 45 56", "33333", 49_979_274, None),
    "inception": ("01 02 03 05 16 26 34 46 56", "1333p", 2_694_282, "402.0"),
    "resnet": ("01 03 12 23", "33", 20_346_506, "2990"),
    "truncated": ("01 02 03 04 12 13 14 23 34", "p33", 6_843_402, None),
    "unequal": ("01 02 03 04 13 14 23 34", "113", 5_039_754, None),
    "pooled": ("01 12 13 23 34", "p31", 11_215_242, None),
}


def built(edges: str, ops: str) -> Module:
    return built_from(matrix_of(edges, ops), [OPERATIONS[op] for op in ops])


def matrix_of(edges: str, ops: str) -> Any:
    matrix = np.zeros((len(ops) + 2,) * 2, int)
    for start, end in edges.split():
        matrix[int(start), int(end)] = 1
    return matrix


def built_from(matrix: Any, ops: list[str]) -> Module:
    arguments = {"matrix": matrix.tolist(), "ops": ["input", *ops, "output"]}
    return load_entry(zoo.networks()["nasbench101_resnet"], arguments, "nasbench101_cell")


@pytest.mark.parametrize(("edges", "ops", "parameters", "millions"), CELLS.values(), ids=CELLS)
def test_counts_of_known_cells(edges: str, ops: str, parameters: int, millions: str | None) -> None:
    found = count(built(edges, ops), {})
    assert found[0] == parameters
    assert millions in (None, f"{found[1] / 1e6:.1f}", f"{found[1] / 1e6:.0f}")


@pytest.mark.parametrize("cell", ["resnet", "inception", "largest"])
def test_named_networks_have_these_cells(cell: str) -> None:
    edges, ops, *_ = CELLS[cell]
    assert count(network(f"nasbench101_{cell}"), {}) == count(built(edges, ops), {})


def test_counts_of_random_cells_are_those_of_the_benchmark() -> None:
    cells = table("ecnas_nb101_small.npz")
    names = {-1: "input", -2: "output", 0: "conv3x3-bn-relu", 1: "conv1x1-bn-relu", 2: "maxpool3x3"}
    for row in random.Random(1).sample(range(len(cells["hash"])), 80):
        ops = [names[int(op)] for op in cells["ops"][row] if int(op) in names]
        matrix = cells["adjacency"][row][: len(ops), : len(ops)]
        assert count(built_from(matrix, ops[1:-1]), {})[0] == cells["params"][row]


def space(vertices: int) -> Module:
    return load(zoo.spaces()["nasbench101"].path, arguments={"vertices": vertices})


def assignment(module: Module, matrix: Any, ops: list[str]) -> dict[str, Any]:
    """The candidate with this cell; two edges that every one has are not decided."""
    operations = {"conv3x3-bn-relu": "conv3x3", "conv1x1-bn-relu": "conv1x1", "maxpool3x3": "maxpool3x3"}
    edges = {f"searched.vertex[{u}].reader[{v}].edge": int(there) for (u, v), there in np.ndenumerate(matrix)}
    chosen = {f"searched.vertex[{v}].op": operations[op] for v, op in enumerate(ops)}
    return {name: value for name, value in (edges | chosen).items() if name in module.decisions}


@pytest.mark.parametrize("vertices", [3, 4, 5])
def test_prices_of_candidates_are_those_of_the_benchmark(vertices: int) -> None:
    cells = table("ecnas_nb101_small.npz")
    names = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
    module = space(vertices)
    rows = np.flatnonzero((cells["ops"] != -9).sum(axis=1) == vertices)
    candidates = [
        assignment(
            module,
            cells["adjacency"][row][:vertices, :vertices],
            [names[op] for op in cells["ops"][row][1 : vertices - 1]],
        )
        for row in rows
    ]
    np.testing.assert_array_equal(price(module, candidates)["parameters"], cells["params"][rows])


@pytest.mark.parametrize("cell", ["inception", "largest"])
def test_a_candidate_is_the_network_of_its_cell(cell: str) -> None:
    edges, ops, parameters, _ = CELLS[cell]
    direct, searched = built(edges, ops), space(7)
    candidate = assignment(searched, matrix_of(edges, ops), [OPERATIONS[op] for op in ops])
    assert satisfied(searched, Batch.of(searched, [candidate])).all()
    assert price(searched, [candidate])["parameters"][0] == parameters
    assert structural_hash(resolve(searched, candidate)) == structural_hash(resolve(direct, {}))


def test_drawn_candidates_lie_between_the_extremes_of_the_benchmark() -> None:
    found = price(space(7), sample(space(7), 20_000, seed=0))["parameters"]
    assert found.max() == 49_979_274
    assert len(np.unique(found)) > 2000


def pooled(x: Any) -> Any:
    bordered = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    return sliding_window_view(bordered, (3, 3), axis=(1, 2)).max(axis=(3, 4))


def test_a_cell_divides_truncates_concatenates_and_adds(tmp_path: Path) -> None:
    """Five channels are three and two; what reads more takes the first ones; the input is projected."""
    part = Path(zoo.__file__).parent / "parts" / "nasbench101.loom"
    (tmp_path / "part.loom").write_text(part.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "n.loom").write_text("""import "part.loom"
    network n(image: f32[4, 6, 6]) {
        matrix = [[0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
        return graph(image; matrix, [maxpool3x3, maxpool3x3], 5)
    }""")
    module = load(tmp_path / "n.loom")
    weights = random_weights(module)
    x = np.random.default_rng(1).standard_normal((4, 6, 6)).astype(np.float32)

    def projected(path: str) -> Any:
        kernel, scale, shift, mean, variance = (
            weights[f"{path}.{name}"].astype(np.float64)
            for name in (
                "conv_bn_relu.conv.weight",
                "conv_bn_relu.batch_norm.weight",
                "conv_bn_relu.batch_norm.bias",
                "conv_bn_relu.batch_norm.running_mean",
                "conv_bn_relu.batch_norm.running_var",
            )
        )
        y = np.einsum("chw,oc->hwo", x, kernel[:, :, 0, 0])
        return np.maximum((y - mean) / np.sqrt(variance + 1e-5) * scale + shift, 0).transpose(2, 0, 1)

    first = pooled(projected("graph.vertex.0.project"))
    assert len(first) == 3
    expected = np.concatenate([first, pooled(first[:2])]) + projected("graph.project")
    (found,) = run(module, weights, [x[None]])
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-5)


def test_a_vertex_is_as_wide_as_the_widest_that_reads_it() -> None:
    """The output reads 2, 3 and 4, which have 43, 43 and 42 of 128 channels; 2 and 4 read 1."""
    specs = weight_specs(built("01 03 12 14 25 35 45", "p3p3"))
    path = "stack.0.layer.0.cell.graph.vertex.{}conv_bn_relu.conv.weight"
    assert specs[path.format("0.project.")].type.shape == (43, 128, 1, 1)
    assert specs[path.format("3.conv3x3.")].type.shape == (42, 42, 3, 3)


@pytest.mark.parametrize(
    ("edges", "ops", "message"),
    [
        ("01 13 23", "33", "this vertex reads no other: leave it out"),
        ("01 02 23", "33", "no vertex reads this one: leave it out"),
    ],
)
def test_a_vertex_that_leads_nowhere_is_an_error(edges: str, ops: str, message: str) -> None:
    with pytest.raises(DiagnosticError, match=message):
        built(edges, ops)


def test_a_wrong_operation_is_an_error_that_names_the_others() -> None:
    with pytest.raises(DiagnosticError, match="it has conv3x3-bn-relu, conv1x1-bn-relu, maxpool3x3"):
        built_from(np.triu(np.ones((3, 3), int), 1), ["conv3x3"])
