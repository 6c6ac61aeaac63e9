"""ONNX files: the same outputs at any batch size, and errors that say what to do."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from networks import NETWORKS, mobile

from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.ir import UserError

pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import export_onnx

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx, onnxscript or onnxruntime is not installed")


@needs_onnx
@pytest.mark.parametrize("name", NETWORKS)
def test_round_trip_through_onnx_runtime(name: str, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    module = NETWORKS[name]()
    weights = initialise(module, 2)
    path = tmp_path / "network.onnx"
    export_onnx(module, weights, path)
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"]
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for batch in (1, 2, 5):
        inputs = [rng.normal(size=(batch, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]
        feeds = dict(zip((i.name for i in session.get_inputs()), inputs, strict=True))
        for found, expected in zip(session.run(None, feeds), run(module, weights, inputs), strict=True):
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@needs_onnx
def test_names_and_free_batch(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "network.onnx"
    export_onnx(mobile(), initialise(mobile()), path)
    graph = onnx.load(path).graph
    (image,), (output,) = graph.input, graph.output
    assert (image.name, output.name) == ("image", "output")
    assert image.type.tensor_type.shape.dim[0].dim_param
    assert [d.dim_value for d in image.type.tensor_type.shape.dim[1:]] == [1, 12, 12]


@needs_onnx
def test_a_failing_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "network.onnx"
    weights = initialise(mobile())
    del weights["linear.bias"]
    with pytest.raises(UserError, match=r"no 'linear\.bias'"):
        export_onnx(mobile(), weights, path)
    with pytest.raises(UserError, match="cannot write"):
        export_onnx(mobile(), initialise(mobile()), tmp_path / "none" / "network.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else found(name))
    with pytest.raises(UserError, match=r'pip install "drawloom\[onnx\]"'):
        export_onnx(mobile(), initialise(mobile()), tmp_path / "network.onnx")
