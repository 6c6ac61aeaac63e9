"""`drawloom opt` and the lists of what there is."""

import json
from pathlib import Path

import pytest
import tiny_space
from typer.testing import CliRunner

from drawloom.cli import app
from drawloom.ir import OPS, parse_module
from drawloom.ir.codes import CODES
from drawloom.passes import PASSES


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tiny_space.write(tmp_path)


def test_opt_prints_ir_that_reads_back(space: Path) -> None:
    result = CliRunner().invoke(app, ["opt", str(space), "-p", "assign{stem=8},canonicalize,dce"])
    assert result.exit_code == 0, result.output
    assert "stem" not in parse_module(result.stdout).decisions


def test_opt_reads_ir_from_standard_input(space: Path) -> None:
    first = CliRunner().invoke(app, ["opt", str(space)]).stdout
    again = CliRunner().invoke(app, ["opt", "-"], input=first)
    assert again.stdout == first


def test_opt_reads_the_language_from_standard_input() -> None:
    result = CliRunner().invoke(app, ["opt", "-"], input=tiny_space.TEXT)
    assert result.exit_code == 0
    assert result.stdout.startswith("module @tiny {")


def test_opt_writes_a_file(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ir"
    result = CliRunner().invoke(app, ["opt", str(space), "-p", "dce", "-o", str(out)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert parse_module(out.read_text(encoding="utf-8")).name == "tiny"


def test_opt_keeps_remarks_out_of_the_output(space: Path) -> None:
    arguments = ["opt", str(space), "-p", "dce,dce", "--print-after-all", "--time-passes"]
    result = CliRunner().invoke(app, arguments)
    assert parse_module(result.stdout).name == "tiny"
    assert result.stderr.count("# after dce") == 2
    assert "all passes" in result.stderr


def test_opt_points_at_a_mistake_in_the_pipeline(space: Path) -> None:
    result = CliRunner().invoke(app, ["opt", str(space), "-p", "dce,cannonicalize"])
    assert result.exit_code == 1
    assert "did you mean 'canonicalize'?" in result.stderr


def test_invalid_ir_is_the_inputs_fault(tmp_path: Path) -> None:
    path = tmp_path / "bad.ir"
    path.write_text("module @x {\n  network @x(%a: f32[3]) {\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["opt", str(path)])
    assert result.exit_code == 1
    assert "bad.ir" in result.stderr


def test_passes_lists_all() -> None:
    found = json.loads(CliRunner().invoke(app, ["passes", "--json"]).stdout)
    assert {entry["name"] for entry in found} == set(PASSES.names())


def test_ops_lists_all_and_explains_one() -> None:
    text = CliRunner().invoke(app, ["ops"]).stdout
    for name in OPS.names():
        assert f"\n{name} " in text
    assert "kernel" in CliRunner().invoke(app, ["ops", "conv2d"]).stdout
    unknown = CliRunner().invoke(app, ["ops", "conv2"])
    assert (unknown.exit_code, "did you mean 'conv2d'?" in unknown.stderr) == (1, True)


def test_strategies_and_targets() -> None:
    assert "regularized_evolution" in CliRunner().invoke(app, ["strategies"]).stdout
    targets = json.loads(CliRunner().invoke(app, ["targets", "--json"]).stdout)
    assert "cpu" in {entry["name"] for entry in targets}


def test_explain_shows_the_wrong_text_beside_the_right_one() -> None:
    text = CliRunner().invoke(app, ["explain", "e0101"]).stdout
    assert text.startswith("E0101: unknown name")
    assert 0 < text.index("imaeg |> relu") < text.index("image |> relu")
    found = json.loads(CliRunner().invoke(app, ["explain", "E0101", "--json"]).stdout)
    assert found["wrong"] in text
    assert found["right"] in text


def test_explain_without_a_code_lists_all() -> None:
    codes = [line.split()[0] for line in CliRunner().invoke(app, ["explain"]).stdout.splitlines()[1:]]
    assert codes == list(CODES)
    listed = json.loads(CliRunner().invoke(app, ["explain", "--json"]).stdout)
    assert [entry["code"] for entry in listed] == codes


def test_explain_of_a_misspelt_code_names_the_nearest() -> None:
    result = CliRunner().invoke(app, ["explain", "E9901"])
    assert result.exit_code == 1
    assert "did you mean 'E0901'?" in result.stderr
