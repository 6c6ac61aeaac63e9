"""`drawloom train` and `bench`: one network."""

import json
import shutil
from pathlib import Path

import layers
import pytest
import tiny_space
from typer.testing import CliRunner

from drawloom.backends.torch import evaluate, to_torch
from drawloom.backends.training import Data
from drawloom.backends.tvm import Measurement
from drawloom.backends.weights import initialise, load_weights
from drawloom.cli import app
from drawloom.ir import parse_module
from drawloom.tasks import load_task


def test_training_writes_weights_that_are_as_good_as_it_says(tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    arguments = ["train", str(tiny_space.write(tmp_path)), "--seed", "1", "--epochs", "1", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    module = parse_module(Path(told["network"]).read_text(encoding="utf-8"))
    task = load_task("fashion_mnist")
    data, recipe = task.data(), task.recipe()
    network = to_torch(module, load_weights(module, out))
    accuracy = evaluate(network, data.test_images, data.test_labels, recipe.mean, recipe.std)
    assert accuracy == pytest.approx(told["accuracy"])
    assert accuracy > 0.2


def test_training_tells_of_each_epoch(tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    arguments = ["train", str(tiny_space.write(tmp_path)), "--seed", "1", "--epochs", "1", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "epoch 1/1: loss" in result.stdout
    assert str(out) in result.stdout


def test_a_network_that_does_not_fit_the_task(tmp_path: Path) -> None:
    path = tmp_path / "wrong.loom"
    path.write_text("network wrong(image: f32[3, 8, 8]) { return image |> global_avg_pool |> linear(7) }")
    result = CliRunner().invoke(app, ["train", str(path), "--out", str(tmp_path / "w.safetensors")])
    assert result.exit_code == 1
    assert "task 'fashion_mnist'" in result.stderr


@pytest.mark.parametrize(
    ("channels", "classes", "remedy"),
    [
        (1, 10, "its size may be a parameter of the network, as in --arg size=28"),
        (3, 10, "copy the text of the network and write `image: f32[1, 28, 28]` in it"),
    ],
)
def test_what_to_do_about_images_that_do_not_fit(
    channels: int, classes: int, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.loom"
    path.write_text(
        f"network wrong(image: f32[{channels}, 8, 8]) = image |> global_avg_pool |> linear({classes})"
    )
    result = CliRunner().invoke(app, ["train", str(path), "--out", str(tmp_path / "w.safetensors")])
    assert result.exit_code == 1
    assert remedy in result.stderr


def test_a_name_of_the_zoo_that_does_not_fit(tmp_path: Path) -> None:
    out = str(tmp_path / "w.safetensors")
    arguments = ["train", "mobilenet_v2_14", "--arg", "size=28", "--arg", "classes=10", "--out", out]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "network 'mobilenet_v2_14' takes f32[3, 28, 28], task 'fashion_mnist' has f32[1, 28, 28]" in (
        result.stderr
    )


def grey_darts(folder: Path) -> Path:
    """The file of DARTS, copied and changed for grey images of 28 rows, on which its head pools less."""
    for name in ("parts", "networks"):
        shutil.copytree(layers.ROOT / "zoo" / name, folder / name)
    for path in (folder / "parts" / "darts.loom", folder / "networks" / "darts.loom"):
        text = path.read_text(encoding="utf-8").replace("f32[3, size, size]", "f32[1, size, size]")
        text = text.replace("auxiliary_head(; classes, 3)", "auxiliary_head(; classes, 2)")
        path.write_text(text, encoding="utf-8")
    return folder / "networks" / "darts.loom"


def test_darts_copied_for_grey_images_is_trained_with_its_head_and_drop_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = type(load_task("fashion_mnist"))
    whole = task.data
    monkeypatch.setattr(task, "data", lambda self: _few(whole(self), 256))
    out, path = tmp_path / "net.safetensors", grey_darts(tmp_path)
    sizes = [a for n in ("cells=3", "channels=2", "size=28") for a in ("--arg", n)]
    arguments = ["train", str(path), "--network", "darts_v2", *sizes, "--epochs", "1", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    module = parse_module(out.with_suffix(".ir").read_text(encoding="utf-8"))
    names = [op.name for f in module.functions.values() for op in f.operations]
    assert {"auxiliary", "drop_path"} <= set(names)
    weights, fresh = load_weights(module, out), initialise(module, 0)
    heads = [name for name in weights if "auxiliary" in name and name.endswith("weight")]
    assert heads
    assert all((weights[name] != fresh[name]).any() for name in heads)


def _few(data: Data, n: int) -> Data:
    return Data(data.train_images[:n], data.train_labels[:n], data.test_images[:n], data.test_labels[:n])


def test_an_unknown_task_and_target(tmp_path: Path) -> None:
    path = str(tiny_space.write(tmp_path))
    task = CliRunner().invoke(app, ["train", path, "--seed", "0", "--task", "fashion_mnits"])
    assert (task.exit_code, "did you mean 'fashion_mnist'?" in task.stderr) == (1, True)
    target = CliRunner().invoke(app, ["bench", path, "--seed", "0", "--target", "cpux"])
    assert (target.exit_code, "did you mean 'cpu'?" in target.stderr) == (1, True)


def test_bench_measures(tmp_path: Path) -> None:
    path, out = str(tiny_space.write(tmp_path)), tmp_path / "measurement.json"
    arguments = ["bench", path, "--seed", "0", "--repeats", "5", "--json", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    order = ("minimum", "lower_quartile", "median", "upper_quartile", "p90")
    times = [told[name] for name in order]
    assert times == sorted(times)
    assert times[0] > 0
    assert (told["repeats"], told["target"], told["threads"]) == (5, "cpu", 1)
    assert "apache-tvm" in told["versions"]
    assert Measurement.load_file(out).cpu.median == told["median"]


def test_bench_for_people(tmp_path: Path) -> None:
    path = str(tiny_space.write(tmp_path))
    result = CliRunner().invoke(app, ["bench", path, "--seed", "0", "--repeats", "5"])
    assert result.exit_code == 0, result.output
    assert "median" in result.stdout
    assert "5 samples of" in result.stdout
