"""`drawloom export` of networks of tokens, and of several inputs and outputs."""

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_networks import random_inputs, random_weights
from typer.testing import CliRunner

from drawloom.backends.reference import run
from drawloom.backends.weights import save_weights
from drawloom.catalogue import network
from drawloom.cli import app
from drawloom.frontend import elaborate
from drawloom.ir import Module, Source, print_module

pytest.importorskip("torch", reason="PyTorch is not installed")

PAIR = """
network pair(image: f32[3, 6, 6], words: i32[4]) {
    picture = image |> conv(8, kernel=3, stride=2) |> relu
    text = words |> embedding(7, 8)
    both = concat([global_avg_pool(picture), reshape(text; [32])]) |> linear(5)
    return [both, picture, text]
}
"""


def language_model() -> Module:
    return network("nascell", units=4, vocabulary=7, steps=3)


def pair() -> Module:
    return elaborate(Source("pair.loom", PAIR))


NETWORKS = {"nascell": language_model, "pair": pair}

WITHOUT_DRAWLOOM = """\
import sys, warnings
sys.modules["drawloom"] = None
warnings.simplefilter("ignore")
import json, numpy, onnxruntime, torch, safetensors.torch
from network import NAME

names = json.loads(sys.argv[1])
inputs = [numpy.load(f"{name}.npy") for name in names]
session = onnxruntime.InferenceSession("network.onnx")
assert [i.name for i in session.get_inputs()] == names
numpy.savez("onnx.npz", *session.run(None, dict(zip(names, inputs))))
network = NAME().eval()
network.load_state_dict(safetensors.torch.load_file("weights.safetensors"))
for name, module in (("python", network), ("torchscript", torch.jit.load("network.pt"))):
    with torch.no_grad():
        found = module(*map(torch.from_numpy, inputs))
    numpy.savez(f"{name}.npz", *(found if isinstance(found, tuple) else (found,)))
"""
"""A process that cannot import Drawloom and runs a network in three forms."""


@pytest.fixture(scope="module", params=NETWORKS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Module, Path]:
    """A network, exported in all formats."""
    pytest.importorskip("tvm", reason="TVM is not installed")
    folder = tmp_path_factory.mktemp("given")
    module = NETWORKS[request.param]()
    (folder / "given.ir").write_text(print_module(module), encoding="utf-8")
    save_weights(module, random_weights(module), folder / "given.safetensors")
    files = [str(folder / "given.ir"), "--weights", str(folder / "given.safetensors")]
    done = CliRunner().invoke(app, ["export", *files, "--out", str(folder / "out")])
    assert done.exit_code == 0, done.output
    return module, folder / "out"


def saved(module: Module, batch: int, folder: Path) -> tuple[list[Any], list[Any], list[str]]:
    """Inputs, written to files, what the reference makes of them, and the names of the inputs."""
    inputs, names = random_inputs(module, batch), [v.name for v in module.entry.inputs]
    for name, array in zip(names, inputs, strict=True):
        np.save(folder / f"{name}.npy", array)
    return inputs, run(module, random_weights(module), inputs), names


def assert_near(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_what_is_written_computes_the_same(exported: tuple[Module, Path]) -> None:
    module, folder = exported
    _, expected, names = saved(module, 3, folder)
    script = WITHOUT_DRAWLOOM.replace("NAME", module.name.capitalize())
    command = [sys.executable, "-c", script, json.dumps(names)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for form in ("onnx", "python", "torchscript"):
        assert_near(list(np.load(folder / f"{form}.npz").values()), expected)


@pytest.fixture
def run_py(
    exported: tuple[Module, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Runs the script of the network in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def script(*arguments: str) -> None:
        path = str(exported[1] / "run.py")
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")

    return script


def test_run_py_takes_a_file_for_each_input(
    exported: tuple[Module, Path], run_py: Callable[..., None], tmp_path: Path, capsys: Any
) -> None:
    module, _ = exported
    _, expected, names = saved(module, 1, tmp_path)
    run_py(*(f"{name}.npy" for name in names))
    printed = capsys.readouterr().out.splitlines()
    files = [line.partition(":")[0] for line in printed if ".npy: float32" in line]
    assert_near([np.load(tmp_path / file) for file in files], expected)


def test_run_py_makes_up_what_it_is_not_given(
    exported: tuple[Module, Path], run_py: Callable[..., None], tmp_path: Path
) -> None:
    run_py()
    assert len(list(tmp_path.glob("*.npy"))) == len(exported[0].entry.outputs)


def test_run_py_says_what_it_takes(
    exported: tuple[Module, Path], run_py: Callable[..., None], tmp_path: Path
) -> None:
    inputs, _, names = saved(exported[0], 1, tmp_path)
    files, tokens = [f"{name}.npy" for name in names], names[-1]
    with pytest.raises(SystemExit, match=re.escape(f"use: run.py [{' '.join(files)}]")):
        run_py("a", "b", "c")
    for wrong in (inputs[-1] + 7, inputs[-1] + 0.5, inputs[-1] - 7):
        np.save(f"{tokens}.npy", wrong)
        with pytest.raises(SystemExit, match=f"{tokens} is an array of integers from 0 to 6"):
            run_py(*files)
    np.save(f"{tokens}.npy", inputs[-1][:, 1:])
    with pytest.raises(SystemExit, match=f"{tokens} is an array of shape"):
        run_py(*files)


def test_the_readme_names_inputs_and_outputs(exported: tuple[Module, Path]) -> None:
    module, folder = exported
    readme = (folder / "README.md").read_text(encoding="utf-8")
    names = [v.name for v in module.entry.inputs]
    assert f"python run.py [{' '.join(f'{name}.npy' for name in names)}]" in readme
    assert f'torch.jit.load("network.pt")({", ".join(names)})' in readme
    assert f"in: `{names[-1]}`, int32 of tokens, 1x{module.entry.inputs[-1].type.shape[0]}" in readme
    assert readme.count("* out: `") == len(module.entry.outputs)
    assert "the highest is the answer" not in readme
