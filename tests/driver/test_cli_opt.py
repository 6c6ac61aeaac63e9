"""`drawloom opt` and the lists of what there is."""

import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import tiny_space
from typer.testing import CliRunner

from drawloom.cli import app
from drawloom.ir import OPS, Entry, Module, parse_module
from drawloom.ir.codes import CODES
from drawloom.passes import PASSES, RULES, Context, Pass, PassRegistry


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


def test_one_pass_is_described() -> None:
    result = CliRunner().invoke(app, ["passes", "narrow"])
    assert result.stdout.strip() == inspect.getdoc(PASSES.load("narrow"))
    unknown = CliRunner().invoke(app, ["passes", "narow"])
    assert (unknown.exit_code, "did you mean 'narrow'?" in unknown.stderr) == (1, True)


def test_rules_are_listed() -> None:
    listed = json.loads(CliRunner().invoke(app, ["passes", "--rules", "--json"]).stdout)
    assert [r["name"] for r in listed] == RULES.names()
    assert listed[0]["operations"] == ["choice"]
    text = CliRunner().invoke(app, ["passes", "--rules"]).stdout
    for each in RULES:
        assert each.statement in text
        assert str(each.place) in text


@dataclass(frozen=True)
class Crash(Pass):
    """Has a bug that a sample brings to light."""

    name: ClassVar[str] = "crash"

    def run(self, module: Module, context: Context) -> Module:
        raise ZeroDivisionError(f"drawn: {context.rng().integers(2**40)}")


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The pass `crash` exists, and temporary files are made in the folder returned."""
    registry = PassRegistry([*PASSES, Entry("crash", f"{__name__}:Crash", "has a bug")])
    monkeypatch.setattr(PASSES, "_entries", registry._entries)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_crash_leaves_a_file_that_crashes_alike(space: Path, crashing: Path) -> None:
    arguments = ["opt", str(space), "-p", "assign{stem=8},crash,canonicalize", "--seed", "5"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 70
    assert "pass 'crash', run after assign{stem=8}, crashed: ZeroDivisionError: drawn:" in first.stderr
    (kept,) = crashing.glob("drawloom-reproducer-*.ir")
    assert str(kept) in first.stderr
    text = kept.read_text(encoding="utf-8")
    assert "# pipeline: crash,canonicalize\n" in text
    assert "stem" not in parse_module(text).decisions
    again = CliRunner().invoke(app, ["opt", str(kept)])
    assert again.exit_code == 70
    # the same bug, down to the number that the seed of the run gave
    drawn = re.search(r"drawn: \d+", first.stderr)
    assert drawn is not None
    assert f"run as the first pass, crashed: ZeroDivisionError: {drawn[0]}" in again.stderr
    # without the pass, what is left of the pipeline runs
    good = CliRunner().invoke(app, ["opt", str(kept), "-p", "canonicalize"])
    assert good.exit_code == 0, good.output


def test_a_reproducer_works_from_standard_input(space: Path, crashing: Path) -> None:
    CliRunner().invoke(app, ["opt", str(space), "-p", "crash"])
    (kept,) = crashing.glob("drawloom-reproducer-*.ir")
    again = CliRunner().invoke(app, ["opt", "-"], input=kept.read_text(encoding="utf-8"))
    assert (again.exit_code, "pass 'crash', run as the first pass" in again.stderr) == (70, True)


def test_an_expectation_that_cannot_be_understood_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.loom"
    path.write_text("network n(x: f32[4]) { return x }\n# expected-error@here {{text}}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["opt", str(path), "--verify-diagnostics"])
    assert result.exit_code == 1
    assert "odd.loom:2: this 'expected-error' cannot be understood" in result.stderr


def test_options_that_do_not_go_together_are_wrong_usage(space: Path) -> None:
    for arguments, message in {
        ("--emit", "irr"): "'irr' is none of ir, json, hash, python, none",
        ("--weights", "w.safetensors", "--split-input-file"): "does not go with --split-input-file",
    }.items():
        result = CliRunner().invoke(app, ["opt", str(space), *arguments])
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_times_are_those_of_all_pieces(space: Path) -> None:
    text = CliRunner().invoke(app, ["opt", str(space)]).stdout
    pieces = f"{text}\n# -----\n{text}"
    result = CliRunner().invoke(
        app, ["opt", "-", "-p", "dce", "--split-input-file", "--time-passes"], input=pieces
    )
    assert result.stdout == f"{text}# -----\n{text}"
    assert len(re.findall(r"ms .*% +dce", result.stderr)) == 2
