"""What is refused of ONNX files: nodes, all at once and with their places, and files."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import described, ints, written

from drawloom.frontend import from_onnx
from drawloom.frontend.importers.problems import UnsupportedError
from drawloom.ir import UserError

IMAGE = {"x": ["n", 4, 6, 6]}


def node(kind: str, *inputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, ["y"], "the_node", **attributes)


@pytest.mark.parametrize(
    ("made", "arrays", "message"),
    [
        (node("Gelu", "x"), {}, "the IR has no such operation"),
        (node("Softmax", "x", axis=0), {}, "along the batch"),
        (node("Concat", "x", "x", axis=0), {}, "along the batch"),
        (node("Flatten", "x", axis=2), {}, "joins the axes before 2, the batch among them"),
        (node("Reshape", "x", "s"), {"s": ints(-1, 3)}, "keep the batch"),
        (node("Reshape", "x", "s"), {"s": ints(2, -1)}, "keep the batch"),
        (node("Transpose", "x", perm=[1, 0, 2, 3]), {}, "keep the batch first"),
        (node("ReduceMean", "x"), {}, "along the batch"),
        (node("ReduceMean", "x", "a"), {"a": ints(1, 3)}, "not neighbours"),
        (node("Slice", "x", "b", "e", "a"), {"b": ints(1), "e": ints(3), "a": ints(0)}, "along the batch"),
        (node("Slice", "x", "b", "e", "a"), {"b": ints(3), "e": ints(3), "a": ints(1)}, "nothing is left"),
        (
            node("Slice", "x", "b", "e", "a", "s"),
            {"b": ints(-1), "e": ints(-9), "a": ints(1), "s": ints(-1)},
            "a step of -1",
        ),
        (node("Gather", "x", "i", axis=1), {"i": ints(2, 0)}, "not neighbours"),
        (node("Clip", "x", "l", "h"), {"l": np.float32(-1), "h": np.float32(1)}, "limits of -1 and 1"),
        (node("HardSigmoid", "x"), {}, "alpha=0.2"),
        (node("AveragePool", "x", kernel_shape=[4, 4], strides=[3, 3], ceil_mode=1), {}, "not whole"),
        (node("AveragePool", "x", kernel_shape=[3, 3], pads=[0, 0, 1, 1]), {}, "uneven and not counted"),
        (node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 2]), {}, "dilated"),
        (node("MaxPool", "x", kernel_shape=[2, 2], pads=[2, 2, 2, 2]), {}, "does not fit a window of 2"),
        (node("Resize", "x", "", "f", mode="cubic"), {"f": np.float32([1, 1, 2, 2])}, "mode cubic"),
        (node("Resize", "x", "", "f"), {"f": np.float32([1, 2, 2, 2])}, "channels or the batch"),
        (
            node("Resize", "x", "", "f", mode="linear", coordinate_transformation_mode="align_corners"),
            {"f": np.float32([1, 1, 2, 2])},
            "other positions",
        ),
        (node("Resize", "x", "", "", "s"), {"s": ints(1, 4, 2**40, 6)}, "it resizes to"),
        (node("Pad", "x", "p", mode="reflect"), {"p": ints(*[0, 0, 1, 1] * 2)}, "mode reflect"),
        (node("Pad", "x", "p"), {"p": ints(1, 0, 0, 0, 0, 0, 0, 0)}, "around the batch"),
        (node("Add", "x", "c"), {"c": np.arange(6, dtype=np.float32)}, "several numbers"),
        (node("Mul", "x", "c"), {"c": np.arange(6, dtype=np.float32)}, "several numbers"),
        (node("MatMul", "x", "x"), {}, "computed by the network"),
        (node("Conv", "x", "w"), {"w": np.zeros((4, 3, 1, 1), np.float32)}, "instead of (4, 4, 1, 1)"),
        (node("Conv", "x", "w", group=3), {"w": np.zeros((4, 1, 1, 1), np.float32)}, "does not divide"),
        (node("Conv", "x", "w"), {"w": np.zeros((4, 4, 1, 1), np.float16)}, "float16"),
        (node("Conv", "x", "w"), {"w": np.zeros((4, 4, 9, 9), np.float32)}, "the kernel is 9"),
        (node("Conv", "x", "x"), {}, "the kernel is computed"),
        (node("Dropout", "x", "", "t"), {"t": np.bool_(True)}, "training mode"),
        (node("Cast", "x", to=TensorProto.INT64), {}, "another element type"),
        (node("Expand", "x", "s"), {"s": ints(1, 4, 6, 7)}, "does not expand"),
    ],
)
def test_a_node_is_refused_with_its_reason(
    made: Any, arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, [made], IMAGE, arrays, opset=20)
    with pytest.raises(UnsupportedError) as caught:
        from_onnx(path)
    (problem,) = caught.value.problems
    assert problem.place == "node 0 'the_node'"
    assert message in problem.reason


def test_a_border_without_measure_is_refused_where_it_is_needed(tmp_path: Path) -> None:
    path = written(tmp_path, [node("Pad", "x", "p")], IMAGE, {"p": ints(0, 0, 2**40, 0, 0, 0, 0, 0)})
    assert "is too much for 6" in refusal(path)


def test_everything_unsupported_is_listed(tmp_path: Path) -> None:
    """Also what follows something unsupported, and only what outputs depend on."""
    nodes = [
        helper.make_node("Gelu", ["x"], ["a"], "first"),
        helper.make_node("Relu", ["a"], ["b"], "good"),
        helper.make_node("Elu", ["x"], ["unused"], "unused"),
        helper.make_node("Transpose", ["b"], ["c"], "turned", perm=[1, 0, 2, 3]),
        helper.make_node("Gelu", ["b"], ["d"]),
        helper.make_node("Own", ["d"], ["e"], "own", domain="com.example"),
        helper.make_node("Selu", ["e"], ["f"], "last"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [described("x", ["n", 4, 6, 6])],
        [described("c", [4, "n", 6, 6]), described("f", ["n", 4, 6, 6])],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.example", 1)]
    path = tmp_path / "foreign.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    with pytest.raises(UnsupportedError) as caught:
        from_onnx(path)
    assert [(p.kind, p.place) for p in caught.value.problems] == [
        ("Gelu", "node 0 'first'"),
        ("Transpose", "node 3 'turned'"),
        ("Gelu", "node 4"),
        ("com.example.Own", "node 5 'own'"),
        ("Selu", "node 6 'last'"),
    ]
    text = str(caught.value)
    assert f"5 operations of '{path}' cannot be imported" in text
    assert "Gelu (2): the IR has no such operation\n    node 0 'first'\n    node 4" in text


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        from_onnx(path)
    return str(caught.value)


def relu(folder: Path, opset: int = 18, shape: tuple[Any, ...] = ("n", 3)) -> Path:
    return written(folder, [node("Relu", "x")], {"x": list(shape)}, opset=opset)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.onnx")
    path = tmp_path / "bad.onnx"
    for content in (b"", b"module @x {}", b"\x08\x09"):
        path.write_bytes(content)
        assert "is no ONNX file" in refusal(path)
    whole = relu(tmp_path).read_bytes()
    for end in range(1, len(whole), 3):
        path.write_bytes(whole[:end])
        assert "ONNX" in refusal(path)


def test_an_invalid_graph(tmp_path: Path) -> None:
    path = written(tmp_path, [node("Relu", "nowhere")], {"x": ["n", 3]})
    assert "is no valid ONNX model" in refusal(path)


def test_old_operators(tmp_path: Path) -> None:
    assert "uses version 9 of the ONNX operators; 11 and newer" in refusal(relu(tmp_path, opset=9))
    assert from_onnx(relu(tmp_path, opset=11))[0].entry.operations[0].name == "relu"


def test_softmax_before_version_13_joined_axes(tmp_path: Path) -> None:
    path = written(tmp_path, [node("Softmax", "x")], {"x": ["n", 3, 2]}, opset=11)
    assert "as ONNX had it before version 13" in refusal(path)
    path = written(tmp_path, [node("Softmax", "x")], {"x": ["n", 3]}, opset=11)
    assert from_onnx(path)[0].entry.operations[0].attributes["axis"] == 0


def test_inputs_that_do_not_fit(tmp_path: Path) -> None:
    assert "[n, 3, h]; only the batch may be open" in refusal(relu(tmp_path, shape=("n", 3, "h")))
    assert "[n]" in refusal(relu(tmp_path, shape=("n",)))
    graph = helper.make_graph(
        [node("Relu", "x")], "g", [described("x", ["n", 3], TensorProto.DOUBLE)], [described("y", ["n", 3])]
    )
    onnx.save(helper.make_model(graph, ir_version=8), tmp_path / "double.onnx")
    assert "'x' of" in refusal(tmp_path / "double.onnx")
    pair = written(tmp_path, [node("Add", "x", "z")], {"x": [2, 3], "z": [3, 3]})
    assert "batches of different sizes" in refusal(pair)


def external(folder: Path, location: str) -> Path:
    """A model whose only weight lies in another file."""
    weight = numpy_helper.from_array(np.ones((3, 2), np.float32), "w")
    onnx.external_data_helper.set_external_data(weight, location, offset=0, length=24)
    weight.ClearField("raw_data")
    graph = helper.make_graph(
        [node("MatMul", "x", "w")], "g", [described("x", ["n", 3])], [described("y", ["n", 2])], [weight]
    )
    folder.mkdir(exist_ok=True)
    path = folder / "model.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_in_a_file_beside_the_model(tmp_path: Path) -> None:
    path = external(tmp_path / "model", "weights.bin")
    values = np.arange(6, dtype=np.float32)
    (tmp_path / "model" / "weights.bin").write_bytes(values.tobytes())
    _, weights = from_onnx(path)
    assert weights["w.weight"].tolist() == values.reshape(3, 2).T.tolist()


@pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "{absolute}", "link.bin", ""])
def test_weights_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(24))
    path = external(tmp_path / "model", location.format(absolute=secret))
    (tmp_path / "model" / "sub").mkdir()
    (tmp_path / "model" / "link.bin").symlink_to(secret)
    assert "outside its folder" in refusal(path)


def test_weights_that_are_missing_or_cut_off(tmp_path: Path) -> None:
    path = external(tmp_path / "model", "weights.bin")
    assert "'w' cannot be read" in refusal(path)
    (tmp_path / "model" / "weights.bin").write_bytes(bytes(8))
    assert "'w' cannot be read" in refusal(path) or "no valid" in refusal(path)


def test_constants_that_grow_without_limit(tmp_path: Path) -> None:
    nodes = [helper.make_node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=0) for i in range(60)]
    nodes.append(helper.make_node("Add", ["x", "c60"], ["y"]))
    path = written(tmp_path, nodes, {"x": ["n", 3]}, {"c0": np.ones(3, np.float32)})
    assert "is too large" in refusal(path)


def test_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = relu(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert 'pip install "drawloom[onnx]"' in refusal(path)
