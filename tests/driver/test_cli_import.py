"""`drawloom import`: what it prints and writes, and how it fails."""

import json
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
import tiny_networks
from onnx import helper
from onnx_models import written
from typer.testing import CliRunner

from drawloom import parse_module
from drawloom.backends.reference import run
from drawloom.backends.torch import export_onnx
from drawloom.backends.weights import load_weights
from drawloom.cli import app
from drawloom.passes import network_cost


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    module = networks.mobile()
    export_onnx(module, tiny_networks.random_weights(module), tmp_path / "small-net.onnx")
    return tmp_path / "small-net.onnx"


def test_writes_a_network_that_computes_the_same(model: Path, tmp_path: Path) -> None:
    original = networks.mobile()
    ir, weights = tmp_path / "out.ir", tmp_path / "out.safetensors"
    result = invoke(model, "-o", ir, "--weights", weights)
    assert result.exit_code == 0, result.output

    module = parse_module(ir.read_text())
    inputs = tiny_networks.random_inputs(original, 2)
    (found,) = run(module, load_weights(module, weights), inputs)
    (expected,) = run(original, tiny_networks.random_weights(original), inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert f"{network_cost(original).parameters:,} parameters" in result.stdout
    assert module.name == "small_net"


def test_json_and_name(model: Path) -> None:
    found: Any = json.loads(invoke(model, "--json", "--name", "mine").stdout)
    cost = network_cost(networks.mobile())
    assert found["name"] == "mine"
    assert (found["parameters"], found["multiply_adds"]) == (cost.parameters, cost.multiply_adds)


def test_nothing_is_written_when_something_is_unsupported(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gelu", ["x"], ["a"], "g"), helper.make_node("Elu", ["a"], ["y"], "e")]
    path = written(tmp_path, nodes, {"x": ["n", 3]}, opset=20)
    result = invoke(path, "-o", tmp_path / "out.ir")
    assert result.exit_code == 1
    assert "2 operations of" in result.stderr
    assert "node 0 'g'" in result.stderr
    assert "node 1 'e'" in result.stderr
    assert not (tmp_path / "out.ir").exists()


@pytest.mark.parametrize("name", ["1abc", "a b", "a-b", ""])
def test_names_that_are_none(model: Path, name: str) -> None:
    result = invoke(model, "--name", name)
    assert result.exit_code == 1
    assert "is no name" in result.stderr


def test_the_text_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_text("network a(x: f32[3]) { return x }")
    result = invoke(tmp_path / "a.onnx")
    assert result.exit_code == 1
    assert "is no ONNX file" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    (found,) = json.loads(invoke(tmp_path / "a.onnx", "--json").stdout)["diagnostics"]
    assert "is no ONNX file" in found["message"]
