"""ONNX files as IR: exports of PyTorch, of Drawloom, and single nodes, each held against ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networks
import numpy as np
import onnx
import pytest
import tiny_networks
import torch
import torch_networks
from imported import assert_close, check_outputs, run_onnx
from onnx import helper
from onnx_models import described, ints, written

from drawloom import load, resolve, sample
from drawloom.backends.reference import run
from drawloom.backends.torch import export_onnx
from drawloom.frontend import from_onnx
from drawloom.ir import DType, Module, TensorType
from drawloom.ir.ops.activation import ACTIVATIONS
from drawloom.passes import network_cost

ZOO = Path(__file__).parents[3] / "zoo"


EXPORTS = [(name, False) for name in torch_networks.NETWORKS]
EXPORTS += [(name, True) for name in ("pre_act", "mobile_v3", "shuffle", "reordered")]


@pytest.mark.parametrize(("name", "dynamic"), EXPORTS)
def test_exports_of_pytorch(name: str, dynamic: bool, tmp_path: Path) -> None:
    """The exporter by tracing for a fixed batch, the one by `torch.export` for an open one."""
    original, inputs = torch_networks.made(name), torch_networks.inputs_of(name, batch=2)
    path = tmp_path / f"{name}.onnx"
    open_batch = tuple({0: torch.export.Dim("batch")} for _ in inputs)
    options: Any = {"dynamic_shapes": open_batch, "external_data": False} if dynamic else {}
    torch.onnx.export(original, inputs, path, dynamo=dynamic, verbose=False, **options)

    module, weights = from_onnx(path)

    arrays = [x.numpy() for x in inputs]
    check_outputs(module, weights, arrays, run_onnx(str(path), arrays))
    state = original.state_dict()
    mine = network_cost(module)
    # exporters fold batch normalisation, so that only layers keep their names
    assert [k for k in weights if k not in state and not k.endswith(".bias")] == []
    assert mine.multiply_adds > 0


def round_trip(module: Module, folder: Path, seed: int = 0) -> None:
    """Export, import, and compare prices and outputs."""
    weights = tiny_networks.random_weights(module, seed)
    export_onnx(module, weights, folder / "network.onnx")
    again, found = from_onnx(folder / "network.onnx")

    assert again.name == "network"
    ours, theirs = network_cost(again), network_cost(module)
    assert (ours.parameters, ours.multiply_adds) == (theirs.parameters, theirs.multiply_adds)
    assert found.keys() <= weights.keys()
    inputs = tiny_networks.random_inputs(module, 2, seed)
    assert_close(run(again, found, inputs), run(module, weights, inputs))


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_exports_of_our_own_come_back(name: str, tmp_path: Path) -> None:
    round_trip(networks.NETWORKS[name](), tmp_path)


@pytest.mark.parametrize("space", ["mobile_fashion", "darts"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_candidates_of_spaces_come_back(space: str, seed: int, tmp_path: Path) -> None:
    small = {"darts": {"cells": 3, "channels": 4}}.get(space, {})
    module = load(ZOO / "spaces" / f"{space}.loom", arguments=small)
    round_trip(resolve(module, sample(module, 1, seed=seed).assignments()[0]), tmp_path, seed)


def test_functions_of_elements_come_back(tmp_path: Path) -> None:
    def make(o: Any, x: Any, y: Any) -> list[Any]:
        size = o("exp", o("tanh", y))
        # a sinc is written as a choice between two formulas, which is not read
        each = [o(f, size if f in ("sqrt", "log") else x) for f in ACTIVATIONS if f != "sinc"]
        return [*each, o("div", [x, size]), o("maximum", [x, y]), o("minimum", [x, y])]

    module = tiny_networks.network(make, (4, 3, 3), (4, 3, 3))
    round_trip(module, tmp_path)
    again, _ = from_onnx(tmp_path / "network.onnx")
    kinds = [{op.name for op in m.entry.operations} for m in (module, again)]
    assert kinds[0] == kinds[1]


def test_tokens_come_back(tmp_path: Path) -> None:
    tokens = TensorType((3,), DType.I32)
    module = tiny_networks.network(
        lambda o, x: o("linear", o("embedding", x, vocabulary=tiny_networks.TOKENS, out=4), out=2), tokens
    )
    round_trip(module, tmp_path)
    again, _ = from_onnx(tmp_path / "network.onnx")
    assert [op.name for op in again.entry.operations] == ["embedding", "linear"]


@pytest.mark.parametrize("shape", [(4,), (3, 4), (4, 3, 3), (4, 2, 3, 3)])
def test_factors_and_terms_of_channels_come_back(shape: tuple[int, ...], tmp_path: Path) -> None:
    def make(o: Any, x: Any) -> list[Any]:
        kinds = [(True, True), (True, False), (False, True)]
        return [o("channel_affine", x, scale=scale, shift=shift) for scale, shift in kinds]

    module = tiny_networks.network(make, shape)
    round_trip(module, tmp_path)
    again, _ = from_onnx(tmp_path / "network.onnx")
    assert [op.name for op in again.entry.operations] == ["channel_affine"] * 3


def test_a_published_network_comes_back(tmp_path: Path) -> None:
    module = load(ZOO / "networks" / "mobilenet_v2.loom", arguments={"width": 0.25})
    weights = tiny_networks.random_weights(module)
    export_onnx(module, weights, tmp_path / "mobilenet_v2.onnx")
    again, found = from_onnx(tmp_path / "mobilenet_v2.onnx", name="other")
    assert again.name == "other"
    assert found.keys() == weights.keys()
    ours, theirs = network_cost(again), network_cost(module)
    assert (ours.parameters, ours.multiply_adds) == (theirs.parameters, theirs.multiply_adds)


rng = np.random.default_rng(0)
K3 = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
B4 = rng.standard_normal(4).astype(np.float32)
MATRIX = rng.standard_normal((5, 4)).astype(np.float32)
IMAGE = {"x": ["n", 3, 7, 8]}
VECTOR = {"x": ["n", 5]}


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


Node = tuple[str, list[str], dict[str, Any]]


def one(kind: str, *inputs: str, **attributes: Any) -> list[Node]:
    return [(kind, ["x", *inputs], attributes)]


CASES: dict[str, tuple[list[Node], dict[str, list[Any]], dict[str, Any]]] = {
    "conv_uneven": (one("Conv", "w", "b", pads=[0, 1, 2, 1], strides=[2, 1]), IMAGE, {"w": K3, "b": B4}),
    "conv_same_upper": (one("Conv", "w", auto_pad="SAME_UPPER", strides=[2, 2]), IMAGE, {"w": K3}),
    "conv_same_lower": (one("Conv", "w", auto_pad="SAME_LOWER", strides=[2, 2]), IMAGE, {"w": K3}),
    "conv_valid": (one("Conv", "w", auto_pad="VALID", dilations=[2, 1]), IMAGE, {"w": K3}),
    "conv_then_bias": (
        [("Conv", ["x", "w"], {}), ("Add", ["v0", "b"], {})],
        IMAGE,
        {"w": K3, "b": B4.reshape(1, 4, 1, 1)},
    ),
    "conv_read_twice_then_bias": (
        [("Conv", ["x", "w"], {}), ("Relu", ["v0"], {}), ("Add", ["v0", "b"], {}), ("Add", ["v2", "v1"], {})],
        IMAGE,
        {"w": K3, "b": np.full((1, 4, 1, 1), 0.25, np.float32)},
    ),
    "product_read_twice_then_bias": (
        [
            ("MatMul", ["x", "w"], {}),
            ("Reshape", ["v0", "s"], {}),
            ("Add", ["v1", "b"], {}),
            ("Relu", ["v0"], {}),
            ("Reshape", ["v3", "s"], {}),
            ("Add", ["v2", "v4"], {}),
        ],
        VECTOR,
        {"w": MATRIX, "b": np.full(4, 0.25, np.float32), "s": ints(0, 1, 4)},
    ),
    "pad_then_conv": (
        [("Pad", ["x", "p"], {}), ("Conv", ["v0", "w"], {"pads": [1, 1, 1, 1]})],
        IMAGE,
        {"w": K3, "p": ints(0, 0, 1, 0, 0, 0, 2, 3)},
    ),
    "pad_then_average": (
        [("Pad", ["x", "p"], {}), ("AveragePool", ["v0"], {"kernel_shape": [3, 3]})],
        IMAGE,
        {"p": ints(0, 0, 1, 0, 0, 0, 2, 1)},
    ),
    "pad_cuts": (one("Pad", "p"), IMAGE, {"p": ints(0, -1, 1, 0, 0, 0, -2, 1)}),
    "pad_then_maximum": (
        [("Pad", ["x", "p"], {}), ("MaxPool", ["v0"], {"kernel_shape": [2, 2]})],
        IMAGE,
        {"p": ints(0, 0, 1, 1, 0, 0, 1, 1)},
    ),
    "pad_with_infinity": (
        [("Pad", ["x", "p", "v"], {}), ("MaxPool", ["v0"], {"kernel_shape": [3, 3], "strides": [2, 2]})],
        IMAGE,
        {"p": ints(0, 0, 0, 1, 0, 0, 1, 1), "v": np.float32(-np.inf)},
    ),
    "max_ceil": (one("MaxPool", kernel_shape=[3, 2], strides=[2, 3], ceil_mode=1), IMAGE, {}),
    "max_ceil_beyond": (
        one("MaxPool", kernel_shape=[2, 2], strides=[4, 3], pads=[1, 1, 1, 1], ceil_mode=1),
        {"x": ["n", 3, 7, 5]},
        {},
    ),
    "max_uneven": (one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 2, 1, 0]), IMAGE, {}),
    "average_uneven": (
        one("AveragePool", kernel_shape=[3, 3], pads=[0, 1, 1, 1], count_include_pad=1),
        IMAGE,
        {},
    ),
    "average_uncounted": (one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), IMAGE, {}),
    "global_max": (one("GlobalMaxPool"), IMAGE, {}),
    "mean_of_channels": (one("ReduceMean", "a", keepdims=1), IMAGE, {"a": ints(1)}),
    "mean_of_columns": (one("ReduceMean", "a", keepdims=0), IMAGE, {"a": ints(-1)}),
    "max_of_all": (one("ReduceMax", "a", keepdims=0), IMAGE, {"a": ints(1, 2, 3)}),
    "gemm_scaled": (
        one("Gemm", "w", "b", alpha=0.5, beta=2.0, transB=1),
        VECTOR,
        {"w": MATRIX.T.copy(), "b": B4},
    ),
    "gemm_plain": (one("Gemm", "w", "b"), VECTOR, {"w": MATRIX, "b": floats(0.5)}),
    "product_then_bias": (
        [("MatMul", ["x", "w"], {}), ("Add", ["b", "v0"], {})],
        VECTOR,
        {"w": MATRIX, "b": B4},
    ),
    "product_in_three_axes": (
        [("MatMul", ["x", "w"], {}), ("Add", ["b", "v0"], {})],
        {"x": ["n", 2, 3, 5]},
        {"w": MATRIX, "b": B4},
    ),
    "product_used_twice": (
        [("MatMul", ["x", "w"], {}), ("MatMul", ["v0", "w"], {})],
        VECTOR,
        {"w": np.vstack([MATRIX.T, MATRIX.T[:1]]).T.copy()},
    ),
    "slices": (
        one("Slice", "b", "e", "a", "s"),
        IMAGE,
        {"b": ints(-6, 1, 0), "e": ints(2**40, 7, 2), "a": ints(-1, 2, 1), "s": ints(2, 3, 1)},
    ),
    "gather_one": (one("Gather", "i", axis=2), IMAGE, {"i": np.int64(-1)}),
    "gather_some": (one("Gather", "i", axis=1), IMAGE, {"i": ints(1, 2)}),
    "transpose": (one("Transpose", perm=[0, 3, 1, 2]), IMAGE, {}),
    "transpose_two": (one("Transpose", perm=[0, 1, 3, 2]), IMAGE, {}),
    "unsqueeze_and_back": (
        [("Unsqueeze", ["x", "a"], {}), ("Relu", ["v0"], {}), ("Squeeze", ["v1", "a"], {})],
        IMAGE,
        {"a": ints(2)},
    ),
    "nearest_down": (
        one(
            "Resize",
            "",
            "",
            "s",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        IMAGE,
        {"s": ints(2, 3, 3, 5)},
    ),
    "nearest_by_scale": (one("Resize", "", "f", mode="nearest"), IMAGE, {"f": floats(1, 1, 2, 3)}),
    "linear": (one("Resize", "", "f", mode="linear"), IMAGE, {"f": floats(1, 1, 2, 1.5)}),
    "softmax": (one("Softmax", axis=1), IMAGE, {}),
    "clip": (one("Clip", "l", "h"), IMAGE, {"l": np.float32(0), "h": np.float32(6)}),
    "clip_below": (one("Clip", "l"), IMAGE, {"l": np.float32(0)}),
    "constants": (
        [("Mul", ["x", "f"], {}), ("Sub", ["c", "v0"], {}), ("Neg", ["v1"], {}), ("Div", ["v2", "f"], {})],
        VECTOR,
        {"f": floats(3), "c": np.float32(0.5)},
    ),
    "computed_shape": (
        [
            ("Shape", ["x"], {}),
            ("Gather", ["v0", "zero"], {}),
            ("Concat", ["v1", "rest"], {"axis": 0}),
            ("Reshape", ["x", "v2"], {}),
        ],
        IMAGE,
        {"zero": ints(0), "rest": ints(8, -1)},
    ),
    "expanded": (
        [
            ("GlobalAveragePool", ["x"], {}),
            ("Shape", ["x"], {}),
            ("Expand", ["v0", "v1"], {}),
            ("Sub", ["x", "v2"], {}),
            ("Tanh", ["v2"], {}),
            ("Mul", ["v3", "v4"], {}),
        ],
        IMAGE,
        {},
    ),
    "sums": ([("Relu", ["x"], {}), ("Sum", ["x", "v0", "x"], {}), ("Mean", ["v1", "x"], {})], VECTOR, {}),
    "dropout": (one("Dropout", "r"), VECTOR, {"r": np.float32(0.25)}),
}
"""Nodes whose outputs are v0, v1, ...; the last is the output. Then inputs and constants."""


def built(case: str, folder: Path, batch: Any) -> Path:
    nodes, shapes, arrays = CASES[case]
    made = [
        helper.make_node(kind, inputs, ["y" if i == len(nodes) - 1 else f"v{i}"], f"{kind}_{i}", **attributes)
        for i, (kind, inputs, attributes) in enumerate(nodes)
    ]
    return written(folder, made, {name: [batch, *shape[1:]] for name, shape in shapes.items()}, arrays)


@pytest.mark.parametrize("batch", ["n", 2])
@pytest.mark.parametrize("case", CASES)
def test_nodes_compute_what_onnx_runtime_computes(case: str, batch: Any, tmp_path: Path) -> None:
    path = built(case, tmp_path, batch)
    module, weights = from_onnx(path)
    shape = CASES[case][1]["x"][1:]
    x = (np.random.default_rng(1).standard_normal((2, *shape)) * 3).astype(np.float32)
    check_outputs(module, weights, [x], run_onnx(str(path), [x]))


def operations(case: str, folder: Path) -> list[str]:
    return [op.name for op in from_onnx(built(case, folder, "n"))[0].entry.operations]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("conv_then_bias", ["conv2d"]),
        ("product_then_bias", ["linear"]),
        ("pad_then_average", ["zeros_like", "concat", "zeros_like", "concat", "avg_pool"]),
        ("pad_with_infinity", ["concat", "max_pool"]),
        ("unsqueeze_and_back", ["reshape", "relu", "reshape"]),
        ("constants", ["affine"]),
    ],
)
def test_what_nodes_become(case: str, expected: list[str], tmp_path: Path) -> None:
    assert [name for name in operations(case, tmp_path) if name != "slice"] == expected


def test_batch_normalisation_without_scale_keeps_its_parameters(tmp_path: Path) -> None:
    make: Callable[..., Any] = lambda op, x: op("batch_norm", x, affine=False)  # noqa: E731
    module = tiny_networks.network(make, (3, 4, 4))
    round_trip(module, tmp_path)


def test_functions_of_the_file_are_inlined(tmp_path: Path) -> None:
    body = [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Tanh", ["b"], ["c"])]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
    function = helper.make_function("mine", "Both", ["a"], ["c"], body, opsets[:1])
    node = helper.make_node("Both", ["x"], ["y"], domain="mine")
    graph = helper.make_graph([node], "g", [described("x", ["n", 3])], [described("y", ["n", 3])])
    path = tmp_path / "functions.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=8), path)
    assert [op.name for op in from_onnx(path)[0].entry.operations] == ["relu", "tanh"]
