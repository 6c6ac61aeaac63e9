"""Plugins: the example is installed as a user would install it, and everything that it adds is used."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "plugin_example"

SPACE = """
network space(image: f32[1, 28, 28]) {
    x = image |> conv(choose width from [4, 6], kernel=3, stride=4) |> crelu
    return x |> global_avg_pool |> linear(10)
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the example is installed by pip, from a copy: pip builds beside the sources."""
    folder = tmp_path_factory.mktemp("plugin")
    copy = folder / "source"
    subprocess.run(["cp", "-r", EXAMPLE, copy], check=True)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", copy]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder / "site"


def drawloom(site: Path, *arguments: object, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "drawloom", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=at,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.loom"
    path.write_text(SPACE, encoding="utf-8")
    return path


def test_what_it_adds_is_listed(site: Path, tmp_path: Path) -> None:
    for command, name in (("ops", "crelu"), ("passes", "use-crelu"), ("strategies", "first_values")):
        assert name in drawloom(site, command, at=tmp_path).stdout
    assert "Concatenated rectifier" in drawloom(site, "ops", "crelu", at=tmp_path).stdout


def test_without_it_the_operation_is_unknown(tmp_path: Path, space: Path) -> None:
    done = drawloom(tmp_path, "check", space, at=tmp_path)
    assert done.returncode == 1
    assert "unknown name 'crelu'" in done.stderr


def test_the_language_knows_the_operation(site: Path, tmp_path: Path, space: Path) -> None:
    done = drawloom(site, "price", space, "--assign", "width=4", "--json", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parameters"] == 9 * 4 + 8 * 10 + 10


def test_the_pass_and_the_rule_run(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "n.loom"
    path.write_text("network n(image: f32[3, 8, 8]) = image |> relu |> conv(2, kernel=1)")
    done = drawloom(site, "opt", path, "-p", "use-crelu", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "crelu %image : f32[6, 8, 8]" in done.stdout
    path.write_text("network n(image: f32[3, 8, 8]) = sum([zeros_like(image) |> crelu, crelu(image)])")
    done = drawloom(site, "opt", path, "-p", "canonicalize,dce", at=tmp_path)
    assert done.stdout.count("crelu") == 1


def test_the_lowerings_agree_with_the_reference(site: Path, tmp_path: Path) -> None:
    for library in ("torch", "tvm", "onnxruntime"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    script = """
    import numpy as np, onnxruntime, torch
    from drawloom import elaborate
    from drawloom.backends import initialise, load_backend
    from drawloom.backends.reference import run
    from drawloom.ir import Source

    module = elaborate(Source("n", "network n(image: f32[3, 6, 5]) {"
        " x = image |> conv(4, kernel=3)  return concat(crelu(x), x) |> batch_norm }"))
    weights = initialise(module)
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 5)).astype(np.float32)
    (expected,) = run(module, weights, [x])
    with torch.no_grad():
        found = [load_backend("torch").to_torch(module, weights).eval()(torch.from_numpy(x)).numpy()]
    found += load_backend("tvm").compile_network(module, batch=2).run(weights, [x])
    load_backend("torch").export_onnx(module, weights, "n.onnx")
    session = onnxruntime.InferenceSession("n.onnx", providers=["CPUExecutionProvider"])
    found += session.run(None, {session.get_inputs()[0].name: x})
    assert len(found) == 3
    for y in found:
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    """
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_search_uses_the_strategy_and_the_operation(site: Path, tmp_path: Path, space: Path) -> None:
    for library in ("torch", "tvm"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    options = ["--strategy", "first_values", "--budget", 2, "--epochs", 1, "--workers", 1, "--json"]
    done = drawloom(site, "search", space, *options, at=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == 0
    assert found["trials"] == 2


BROKEN = {
    "raises": "raise RuntimeError('cannot be imported')",
    "no_plugin": "PLUGIN = 3",
    "clash": """
        from drawloom.ir import Entry
        from drawloom.plugins import Plugin
        PLUGIN = Plugin(passes=(Entry("dce", "elsewhere:Dce"),))
    """,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_said_and_keeps_nobody_from_work(kind: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[drawloom.plugins]\nbroken = broken_plugin:PLUGIN\n")
    (site / "broken_plugin.py").write_text(textwrap.dedent(BROKEN[kind]))
    done = drawloom(site, "passes", at=tmp_path)
    assert done.returncode == 0
    assert "canonicalize" in done.stdout
    said = {
        "raises": "cannot be imported",
        "no_plugin": "is no drawloom",
        "clash": "'dce' is registered twice",
    }
    assert "warning: plugin 'broken' was not loaded" in done.stderr
    assert said[kind] in done.stderr
    assert "Traceback" not in done.stderr
