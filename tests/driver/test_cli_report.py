"""`drawloom report` and `drawloom export` on a study."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import made_up_study
import numpy as np
import pytest
from typer.testing import CliRunner

from drawloom.backends import reference
from drawloom.backends.weights import load_weights
from drawloom.cli import app
from drawloom.export import MANIFEST, Images, check_export
from drawloom.ir import UserError, parse_module
from drawloom.study import Study
from drawloom.tasks import load_task


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return made_up_study.make(tmp_path_factory.mktemp("study"), n=6)


@pytest.fixture(scope="module")
def exported(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network of the study in all formats."""
    number = study.front()[0].number
    out = tmp_path_factory.mktemp("exported")
    arguments = ["export", str(study.folder.root), "--trial", str(number), "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    return Path(line)


def test_report_writes_and_names_the_file(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["report", str(study.folder.root), "--out", str(out)])
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_folder_that_is_no_study(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, str(tmp_path)])
    assert result.exit_code == 1
    assert "not the folder of a study" in result.stderr


def test_a_damaged_database_is_said(study: Study, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study.folder.root, copy)
    (copy / "study.db").write_bytes((copy / "study.db").read_bytes()[:3000])
    result = CliRunner().invoke(app, ["report", str(copy)])
    assert result.exit_code == 1
    assert "study.db" in result.stderr
    assert not (copy / "report.html").exists()


def test_all_files_are_there(exported: Path) -> None:
    names = {path.name for path in exported.iterdir()} - {MANIFEST, "README.md", "run.py"}
    written = {"network.ir", "network.py", "network.pt", "network.onnx", "library.so"}
    assert names == {*written, "weights.safetensors"}
    check_export(exported)
    readme = (exported / "README.md").read_text(encoding="utf-8")
    assert "ankle boot" in readme
    assert "1x1x28x28" in readme


def test_run_py_gives_the_scores_of_the_reference(exported: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (28, 28), dtype=np.uint8)
    np.save(tmp_path / "image.npy", image)
    script = [sys.executable, str(exported / "run.py"), str(tmp_path / "image.npy")]
    # From another folder and without Drawloom in the way.
    done = subprocess.run(script, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    module = parse_module((exported / "network.ir").read_text(encoding="utf-8"))
    images = Images.of(load_task("fashion_mnist"))
    x = ((image / 255 - images.mean[0]) / images.std[0]).astype(np.float32)[None, None]
    (expected,) = reference.run(module, load_weights(module, exported / "weights.safetensors"), [x])
    best = int(expected[0].argmax())
    assert f"class {best} {images.labels[best]}" in done.stdout
    scores = np.array(done.stdout.partition("class")[0].replace("[", " ").replace("]", " ").split(), float)
    np.testing.assert_allclose(scores, expected[0], rtol=1e-3, atol=1e-5)


def test_onnx_gives_the_scores_of_the_reference(exported: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    module = parse_module((exported / "network.ir").read_text(encoding="utf-8"))
    x = np.random.default_rng(2).normal(size=(3, 1, 28, 28)).astype(np.float32)
    (expected,) = reference.run(module, load_weights(module, exported / "weights.safetensors"), [x])
    session = onnxruntime.InferenceSession(str(exported / "network.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_damaged_export_is_said_and_kept(study: Study, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / exported.name
    shutil.copytree(exported, folder)
    (folder / "library.so").write_bytes((folder / "library.so").read_bytes()[:100])
    with pytest.raises(UserError, match=r"'library\.so' is not as it was written"):
        check_export(folder)
    arguments = ["export", str(study.folder.root), "--trial", str(int(exported.name)), "--out", str(tmp_path)]
    refused = CliRunner().invoke(app, [*arguments, "--format", "ir"])
    assert refused.exit_code == 1
    assert "library.so" in refused.stderr
    assert "--force" in refused.stderr
    assert (folder / "library.so").stat().st_size == 100
    assert CliRunner().invoke(app, [*arguments, "--format", "ir", "--force"]).exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"network.ir", "README.md", MANIFEST}


def test_a_folder_of_something_else_is_left_alone(study: Study, tmp_path: Path) -> None:
    number = study.front()[0].number
    folder = tmp_path / f"{number:04d}"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work", encoding="utf-8")
    arguments = ["export", str(study.folder.root), "--trial", str(number), "--out", str(tmp_path), "-f", "ir"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "not a complete export" in result.stderr
    assert (folder / "thesis.tex").exists()


def test_a_failed_trial_cannot_be_exported(study: Study) -> None:
    number = str(made_up_study.FAILED)
    result = CliRunner().invoke(app, ["export", str(study.folder.root), "--trial", number])
    assert result.exit_code == 1
    assert "is not complete" in result.stderr
    absent = CliRunner().invoke(app, ["export", str(study.folder.root), "--trial", "99"])
    assert "has no trial 99" in absent.stderr


def test_damaged_weights_are_said(study: Study, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(study.folder.root, copy)
    number = Study.open(copy).front()[0].number
    weights = Study.open(copy).folder.weights(number)
    weights.write_bytes(weights.read_bytes()[:-50])
    result = CliRunner().invoke(app, ["export", str(copy), "--trial", str(number), "-f", "safetensors"])
    assert result.exit_code == 1
    assert "weights.safetensors" in result.stderr
    assert not (copy / "front" / f"{number:04d}").exists()


def test_an_unknown_format_is_named_with_the_nearest(study: Study) -> None:
    result = CliRunner().invoke(app, ["export", str(study.folder.root), "--format", "onx"])
    assert result.exit_code == 1
    assert "unknown format 'onx' (did you mean 'onnx'?)" in result.stderr


def test_a_file_is_exported_with_its_weights(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    arguments = ["export", str(exported / "network.ir"), "--out", str(out), "-f", "ir,safetensors"]
    without = CliRunner().invoke(app, arguments)
    assert without.exit_code == 1
    assert "--weights" in without.stderr
    assert not out.exists()
    result = CliRunner().invoke(app, [*arguments, "--weights", str(exported / "weights.safetensors")])
    assert result.exit_code == 0, result.output
    assert (out / "network.ir").read_bytes() == (exported / "network.ir").read_bytes()
    manifests = [json.loads((folder / MANIFEST).read_text(encoding="utf-8")) for folder in (exported, out)]
    assert manifests[0]["architecture"] == manifests[1]["architecture"]
