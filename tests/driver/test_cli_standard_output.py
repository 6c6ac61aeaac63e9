"""``-`` as the name of an output stands for standard output, whatever the command writes."""

import csv
import json
from pathlib import Path

import made_up_study
import networks
import pytest
import tiny_networks
import tiny_space
from typer.testing import CliRunner

from drawloom.cli import app

TEXTS = {
    "draw": ("draw", "tiny.loom", "--out"),
    "opt": ("opt", "tiny.loom", "-p", "canonicalize", "-o"),
    "price": ("price", "tiny.loom", "--random", "3", "--out"),
    "report": ("report", "runs/made_up", "--out"),
    "import": ("import", "net.onnx", "--out"),
}

ENDINGS = {"price": "csv"}

WEIGHTS = {
    "train": ("train", "tiny.loom", "--seed", "1", "--out"),
    "opt": ("opt", "tiny.loom", "-p", "dce", "--weights", "weights.safetensors", "--weights-out"),
    "import": ("import", "net.onnx", "--weights"),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepare(name: str, folder: Path) -> None:
    tiny_space.write(folder)
    if name == "report":
        made_up_study.make(folder, n=3)
    if name == "import":
        from drawloom.backends.torch import export_onnx

        module = networks.mobile()
        export_onnx(module, tiny_networks.random_weights(module), folder / "net.onnx")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_printed_as_it_would_be_written(name: str, tmp_path: Path) -> None:
    prepare(name, tmp_path)
    file = f"out.{ENDINGS.get(name, 'txt')}"
    written, printed = (CliRunner().invoke(app, [*TEXTS[name], out]) for out in (file, "-"))
    assert (written.exit_code, printed.exit_code) == (0, 0), printed.output
    assert printed.stdout == Path(file).read_text(encoding="utf-8")
    assert not Path("-").exists()


def test_prices_are_printed_as_csv(tmp_path: Path) -> None:
    prepare("price", tmp_path)
    done = CliRunner().invoke(app, [*TEXTS["price"], "-"])
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [set(row) >= {"parameters", "stem"} for row in rows] == [True] * 3


def test_a_measurement_is_printed_and_can_be_loaded(tmp_path: Path) -> None:
    pytest.importorskip("tvm", reason="TVM is not installed")
    from drawloom.backends.tvm import Measurement

    prepare("bench", tmp_path)
    done = CliRunner().invoke(app, ["bench", "tiny.loom", "--seed", "1", "--repeats", "3", "--out", "-"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["measurement"]["network"] == "tiny"
    Path("saved.json").write_text(done.stdout, encoding="utf-8")
    assert Measurement.load_file("saved.json").repeats == 3
    assert not Path("-").exists()


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_not_printed(name: str) -> None:
    done = CliRunner().invoke(app, [*WEIGHTS[name], "-"])
    assert done.exit_code == 2
    assert "name a file" in " ".join(done.stderr.split())
    assert not list(Path().iterdir())
