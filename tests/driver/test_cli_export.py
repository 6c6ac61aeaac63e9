"""`drawloom export` as PyTorch source and as TorchScript: what is written runs where there is no Drawloom."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import auxiliaries, mobile
from typer.testing import CliRunner

from drawloom.backends.reference import run
from drawloom.backends.weights import initialise, load_weights, save_weights
from drawloom.catalogue import network
from drawloom.cli import app
from drawloom.ir import Module, print_module

pytest.importorskip("torch", reason="PyTorch is not installed")

WITHOUT_DRAWLOOM = """\
import sys, warnings
sys.modules["drawloom"] = None
warnings.simplefilter("ignore")
import numpy, torch
images = torch.from_numpy(numpy.load("images.npy"))
"""
"""How a process begins that cannot import Drawloom."""

SCRIPTS = {
    "torchscript": "network = torch.jit.load('network.pt')",
    "python": "import safetensors.torch\n"
    "from network import NAME\n"
    "network = NAME().eval()\n"
    "network.load_state_dict(safetensors.torch.load_file('weights.safetensors'))",
}


def export(folder: Path, module: Module, *options: str) -> tuple[Any, dict[str, Any]]:
    weights = initialise(module, 2)
    (folder / "given.ir").write_text(print_module(module), encoding="utf-8")
    save_weights(module, weights, folder / "given.safetensors")
    files = [str(folder / "given.ir"), "--weights", str(folder / "given.safetensors")]
    return CliRunner().invoke(app, ["export", *files, "--out", str(folder / "out"), *options]), weights


@pytest.mark.parametrize("make", [mobile, auxiliaries])
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_written_runs_without_drawloom(name: str, make: Any, tmp_path: Path) -> None:
    module = make()
    done, weights = export(tmp_path, module, "--format", f"{name},safetensors")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "out"
    (value,) = module.entry.inputs
    for batch in (1, 5):
        images = np.random.default_rng(batch).normal(size=(batch, *value.type.shape)).astype(np.float32)
        np.save(folder / "images.npy", images)
        end = "with torch.no_grad(): numpy.save('scores.npy', network(images).numpy())\n"
        script = "\n".join([WITHOUT_DRAWLOOM, SCRIPTS[name].replace("NAME", module.name.capitalize()), end])
        ran = subprocess.run(
            [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        (expected,) = run(module, weights, [images])
        np.testing.assert_allclose(np.load(folder / "scores.npy"), expected, atol=1e-4, rtol=1e-4)


def test_the_readme_names_every_file_and_says_that_source_is_code(tmp_path: Path) -> None:
    done, _ = export(tmp_path, mobile(), "--format", "ir,safetensors,python,torchscript")
    assert done.exit_code == 0, done.output
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    for path in (tmp_path / "out").iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in readme
    assert "It is code: read it before you run it" in readme
    assert "`from network import Mobile`" in readme
    assert 'torch.jit.load("network.pt")' in readme
    assert "run.py" not in readme


def test_the_source_says_what_it_is(tmp_path: Path) -> None:
    given = tmp_path / 'a "quoted" name.ir'
    given.write_text(print_module(mobile()), encoding="utf-8")
    done = CliRunner().invoke(
        app, ["export", str(given), "--format", "python", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "network.py").read_text(encoding="utf-8")
    head = text.partition('"""')[2].partition('"""')[0]
    parameters = sum(w.size for n, w in initialise(mobile()).items() if "running" not in n)
    assert f"{parameters:,} parameters" in head
    assert "Made from:" in head
    compile(text, "network.py", "exec")


def test_an_unknown_format_is_answered_with_the_nearest(tmp_path: Path) -> None:
    done, _ = export(tmp_path, mobile(), "--format", "torchscrip")
    assert done.exit_code == 1
    assert "torchscript" in done.output
    assert not (tmp_path / "out").exists()


def test_an_untrained_network_has_fresh_weights_and_says_so(tmp_path: Path) -> None:
    arguments = ["mobilenet_v2", "--arg", "size=32", "--arg", "classes=3", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["export", *arguments, "--format", "safetensors,python"])
    assert done.exit_code == 0, done.output
    assert "fresh weights" in done.stderr
    assert "weights: fresh, the network is untrained" in (tmp_path / "out" / "README.md").read_text()
    module = network("mobilenet_v2", size=32, classes=3)
    written = load_weights(module, tmp_path / "out" / "weights.safetensors")
    assert all(np.array_equal(written[name], value) for name, value in initialise(module).items())


def test_an_architecture_alone_needs_no_weights(tmp_path: Path) -> None:
    arguments = ["export", "mobilenet_v2", "--format", "ir,python", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "weights" not in (tmp_path / "out" / "README.md").read_text().partition("## Files")[0]
