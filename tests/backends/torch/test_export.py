"""ONNX files: the same outputs at any batch size, and errors that say what to do."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from networks import NETWORKS, mobile
from op_cases import CASES, Case

from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.ir import DType, Module, UserError

pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import export_onnx

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx or onnxruntime is not installed")


def check(module: Module, weights: dict[str, np.ndarray], path: Path, tolerance: float = 1e-5) -> None:
    """Export, run with ONNX Runtime at several batch sizes, compare with the reference."""
    import onnx
    import onnxruntime

    export_onnx(module, weights, path)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for batch in (1, 2, 5):
        inputs = [
            rng.integers(0, 3, size=(batch, *v.type.shape), dtype=np.int32)
            if v.type.dtype is DType.I32
            else rng.normal(size=(batch, *v.type.shape)).astype(np.float32)
            for v in module.entry.inputs
        ]
        feeds = dict(zip((i.name for i in session.get_inputs()), inputs, strict=True))
        for found, expected in zip(session.run(None, feeds), run(module, weights, inputs), strict=True):
            assert found.shape == expected.shape
            np.testing.assert_allclose(
                found, expected, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(expected))
            )


@needs_onnx
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_through_onnx_runtime(name: str, tmp_path: Path) -> None:
    module = NETWORKS[name]()
    check(module, initialise(module, 2), tmp_path / "network.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"]


@needs_onnx
@pytest.mark.parametrize("case", CASES, ids=str)
def test_operations_through_onnx_runtime(case: Case, tmp_path: Path) -> None:
    check(case.module(), case.weights(), tmp_path / "network.onnx")


@needs_onnx
@given(modules(resolved=True))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_generated_networks_through_onnx_runtime(
    tmp_path_factory: pytest.TempPathFactory, module: Module
) -> None:
    check(module, initialise(module, 3), tmp_path_factory.mktemp("onnx") / "network.onnx", 1e-4)


@needs_onnx
def test_names_and_free_batch(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "network.onnx"
    export_onnx(mobile(), initialise(mobile()), path)
    graph = onnx.load(path).graph
    assert {i.name for i in graph.initializer} >= set(initialise(mobile()))
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
