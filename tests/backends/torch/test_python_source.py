"""Networks as PyTorch source for people: the same outputs without Drawloom, in a text that reads well."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from networks import NETWORKS
from op_cases import CASES, Case

from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.catalogue import network
from drawloom.frontend.load import module_of, read_source
from drawloom.ir import FunctionBuilder, Module, Source, TensorType, check_assignment
from drawloom.passes import resolve

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import network_class, python_source, to_torch  # noqa: E402

ZOO = Path(__file__).parents[3] / "zoo"


def network_of(space: str, assignment: str, **arguments: Any) -> Module:
    source = read_source(ZOO / "spaces" / f"{space}.loom")
    small = Source(source.name, source.text.replace("224", "32"))
    module = module_of(small, arguments=arguments)
    given = json.loads((ZOO / "networks" / f"{assignment}.json").read_text(encoding="utf-8"))
    return resolve(module, check_assignment(module.decisions, given, partial=False))


def mobilenet() -> Module:
    return module_of(
        read_source(ZOO / "networks" / "mobilenet_v2.loom"), arguments={"size": 32, "classes": 7}
    )


PUBLISHED = {
    "mobilenet_v2": mobilenet,
    "darts_v2": lambda: network_of("darts", "darts_v2", channels=4, cells=5),
    "fbnet_b": lambda: network_of("fbnet", "fbnet_b", classes=7),
    # a sum of one term, read twice, in the variable of its term
    "nasbench201_resnet": lambda: network("nasbench201_resnet", size=8, n=1, channels=4),
}
"""Networks of papers, small enough for the reference."""

BY_NAME = {**NETWORKS, **PUBLISHED}


def executed(module: Module) -> Any:
    """The network of the source, made without Drawloom's help."""
    names: dict[str, Any] = {"__name__": "written"}
    exec(compile(python_source(module), "network.py", "exec"), names)
    return names[network_class(module)]()


def lively(module: Module) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    weights = initialise(module, 1)
    for name, w in weights.items():
        if w.ndim == 1:
            noise = rng.normal(scale=0.3, size=w.shape).astype(np.float32)
            weights[name] = w + (np.abs(noise) if name.endswith("var") else noise)
    return weights


def outputs(network: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    with torch.no_grad():
        result = network.eval()(*map(torch.from_numpy, inputs))
    return [r.numpy() for r in (result if isinstance(result, tuple) else (result,))]


def check(module: Module, weights: dict[str, np.ndarray], inputs: list[np.ndarray]) -> None:
    """The written network takes the weights as they are and computes what the reference does."""
    network = executed(module)
    network.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()})
    counters = {n for n in network.state_dict() if n.endswith("num_batches_tracked")}
    assert set(network.state_dict()) - counters == set(to_torch(module).state_dict()) == set(weights)
    for found, expected in zip(outputs(network, inputs), run(module, weights, inputs), strict=True):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-4 * max(np.abs(expected).max(), 1e-3)


def images(module: Module, batch: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(batch, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]


@pytest.mark.parametrize("name", BY_NAME)
def test_networks_compute_what_the_reference_does(name: str) -> None:
    module = BY_NAME[name]()
    check(module, lively(module), images(module))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operations_compute_what_the_reference_does(case: Case) -> None:
    check(case.module(), case.weights(), case.inputs())


@given(modules(resolved=True))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_generated_networks_compute_what_the_reference_does(module: Module) -> None:
    check(module, lively(module), images(module))


@pytest.mark.parametrize("name", BY_NAME)
def test_the_text_is_formatted_and_imports_torch_only(name: str, tmp_path: Path) -> None:
    source = python_source(BY_NAME[name](), "What it is.")
    modules = [n.module for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
    names = [a.name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import) for a in n.names]
    assert {str(m).split(".")[0] for m in [*modules, *names]} == {"torch"}
    path = tmp_path / "network.py"
    path.write_text(source, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--no-cache", "--line-length", "110", str(path)]
    for command in (["format", "--diff"], ["check", "--select", "E,F,W,I,B,UP,C4"]):
        done = subprocess.run([*ruff, *command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_mobilenet_has_one_class_for_each_definition() -> None:
    source = python_source(module_of(read_source(ZOO / "networks" / "mobilenet_v2.loom")))
    assert re.findall(r"^class (\w+)", source, flags=re.MULTILINE) == [
        "ConvBn",
        "InvertedResidual",
        "MobilenetV2",
    ]
    assert "        for stage in self.stage:\n            for layer in stage.layer:\n" in source
    assert len(source.splitlines()) < 110


def test_darts_has_one_class_for_each_kind_of_cell() -> None:
    module = network_of("darts", "darts_v2", channels=36, cells=20)
    classes = re.findall(r"^class (\w+)", python_source(module), flags=re.MULTILINE)
    assert len([b for b in module.functions if b.startswith("normal")]) > 5
    assert [name for name in classes if name.startswith(("Normal", "Reduce"))] == ["Normal", "Reduce"]
    assert len(classes) <= 9


def blocks(kind: str) -> Module:
    """A network of two blocks of one definition that differ in a way."""
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((4, 6, 6)), "x")
    functions = {}
    for number, second in enumerate((False, True)):
        c = FunctionBuilder(f"block_{number}", "block")
        h = start = c.input(TensorType((4, 6, 6)), "x")
        kernel = 5 if second and kind == "number" else 3
        h = c.op("conv2d", [h], {"out": 4, "kernel": kernel, "pad": kernel // 2, "param": "conv"})
        if second and kind == "extra":
            h = c.op("conv2d", [h], {"out": 4, "kernel": 1, "param": "more"})
        h = c.op("tanh" if second and kind == "other" else "relu", [h])
        h = h if second and kind == "shortcut" else c.op("add", [h, start])
        functions[number] = c.finish([h], definition="block")
    for number, function in enumerate(functions.values()):
        (x,) = b.call(function, [x], f"part.{number}")
    entry = b.finish([x])
    return Module("net", {**{f.name: f for f in functions.values()}, "net": entry})


@pytest.mark.parametrize("kind", ["number", "extra", "other", "shortcut"])
def test_functions_that_differ_a_little_share_a_class(kind: str) -> None:
    module = blocks(kind)
    assert python_source(module).count("class ") == 2
    check(module, lively(module), images(module))


def test_the_source_compiles_and_exports_with_a_free_batch() -> None:
    module = PUBLISHED["mobilenet_v2"]()
    network = executed(module).eval()
    x = (torch.zeros(2, 3, 32, 32),)
    program = torch.export.export(network, x, dynamic_shapes=({0: torch.export.Dim("batch")},))
    five = torch.ones(5, 3, 32, 32)
    assert torch.allclose(program.module()(five), network(five), atol=1e-5)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(five), network(five), atol=1e-5)
