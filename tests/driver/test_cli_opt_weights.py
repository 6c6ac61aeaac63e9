"""`drawloom opt` with weights: passes carry them over, and what is left is written."""

from pathlib import Path

import numpy as np
import pytest
from networks import mobile
from tiny_networks import random_inputs, random_weights
from typer.testing import CliRunner

from drawloom.backends import load_weights, save_weights
from drawloom.backends.reference import run
from drawloom.cli import app
from drawloom.ir import parse_module, print_module


@pytest.fixture
def network_with_weights(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a small network and of its weights."""
    module = mobile()
    ir, weights = tmp_path / "network.ir", tmp_path / "in.safetensors"
    ir.write_text(print_module(module), encoding="utf-8")
    save_weights(module, random_weights(module), weights)
    return ir, weights


def test_opt_carries_weights_through_passes(network_with_weights: tuple[Path, Path], tmp_path: Path) -> None:
    ir, weights = network_with_weights
    out, out_ir = tmp_path / "out.safetensors", tmp_path / "out.ir"
    pipeline = "widen{factor=1.5},deepen{after=stem.conv},fold-batch-norm"
    files = ["--weights", str(weights), "--weights-out", str(out), "-o", str(out_ir)]
    result = CliRunner().invoke(app, ["opt", str(ir), "-p", pipeline, *files])
    assert result.exit_code == 0, result.output
    before, after = parse_module(ir.read_text()), parse_module(out_ir.read_text())
    inputs = random_inputs(before, 2)
    (expected,) = run(before, load_weights(before, weights), inputs)
    (found,) = run(after, load_weights(after, out), inputs)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_opt_leaves_out_weights_that_nothing_reads(tmp_path: Path) -> None:
    text = """module @m {
      network @m(%x: f32[2, 4, 4]) -> f32[2, 4, 4] {
        %0 = conv2d %x {out=2, kernel=1, param="used"} : f32[2, 4, 4]
        %1 = conv2d %x {out=2, kernel=1, param="unused"} : f32[2, 4, 4]
        return %0
      }
    }"""
    ir, weights, out = tmp_path / "m.ir", tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    ir.write_text(text, encoding="utf-8")
    save_weights(parse_module(text), random_weights(parse_module(text)), weights)
    arguments = ["opt", str(ir), "-p", "dce", "--weights", str(weights), "--weights-out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert load_weights(parse_module(result.stdout), out).keys() == {"used.weight"}


def test_opt_says_what_is_wrong_with_weights(network_with_weights: tuple[Path, Path], tmp_path: Path) -> None:
    ir, weights = network_with_weights
    alone = CliRunner().invoke(app, ["opt", str(ir), "--weights-out", str(tmp_path / "o.safetensors")])
    assert (alone.exit_code, "goes with --weights" in alone.stderr) == (2, True)
    missing = CliRunner().invoke(app, ["opt", str(ir), "--weights", str(tmp_path / "no.safetensors")])
    assert (missing.exit_code, "there is no file" in missing.stderr) == (1, True)
    other = tmp_path / "other.ir"
    other.write_text(ir.read_text().replace('"stem"', '"start"'), encoding="utf-8")
    foreign = CliRunner().invoke(app, ["opt", str(other), "--weights", str(weights)])
    assert (foreign.exit_code, "have no 'start.conv.weight'" in foreign.stderr) == (1, True)
