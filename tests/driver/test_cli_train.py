"""`drawloom train` and `bench`: one network."""

import json
from pathlib import Path

import pytest
import tiny_space
from typer.testing import CliRunner

from drawloom.backends.torch import evaluate, to_torch
from drawloom.backends.tvm import Measurement
from drawloom.backends.weights import load_weights
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
