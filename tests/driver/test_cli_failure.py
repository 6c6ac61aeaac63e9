"""Failures end in one message and the right exit code, never in a traceback."""

import inspect
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import tiny_space
import typer
from typer.testing import CliRunner

from drawloom.cli import COMMANDS, app
from drawloom.commands.failure import BUG, diagnostics_text, guarded
from drawloom.frontend import load
from drawloom.ir import DiagnosticError, UserError


def command(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return guarded(run)


def exit_code(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as stopped:
        command(error)()
    return stopped.value.exit_code


def test_a_user_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(UserError("unknown task 'x'", "did you mean 'y'?")) == 1
    assert capsys.readouterr().err == "error: unknown task 'x' (did you mean 'y'?)\n"


def test_a_missing_library_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ModuleNotFoundError("No module named 'tvm.relax'", name="tvm.relax")) == 1
    assert "pip install 'drawloom[tvm]'" in capsys.readouterr().err


def test_a_bug_says_so_and_keeps_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(KeyError("stage")) == BUG == 70
    message = capsys.readouterr().err
    assert "bug in Drawloom" in message
    assert "Traceback (most" not in message
    (path,) = re.findall(r"traceback is in (\S+\.txt)", message)
    text = Path(path).read_text(encoding="utf-8")
    Path(path).unlink()
    assert "Traceback (most recent call last)" in text
    assert "KeyError: 'stage'" in text


def test_an_import_error_of_our_own_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ImportError("cannot import name 'x'", name="drawloom.ir")) == BUG
    (path,) = re.findall(r"traceback is in (\S+\.txt)", capsys.readouterr().err)
    Path(path).unlink()


@pytest.mark.parametrize("name", ["show", "price", "sample", "opt", "check", "train", "bench", "export"])
def test_a_missing_file_is_named_with_its_neighbour(name: str, tmp_path: Path) -> None:
    tiny_space.write(tmp_path)
    result = CliRunner().invoke(app, [name, str(tmp_path / "tyny.loom")])
    assert result.exit_code == 1
    assert "tyny.loom" in result.stderr
    assert "tiny.loom" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["show", "price", "sample", "opt", "check", "train", "bench", "export"])
def test_a_bad_file_is_diagnosed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.loom"
    path.write_text("network bad(image: f32[1, 28, 28]) { return image |> relux }", encoding="utf-8")
    result = CliRunner().invoke(app, [name, str(path)])
    assert result.exit_code == 1
    assert f"{path}:1:" in result.stderr
    assert "^" in result.stderr
    assert "Traceback" not in result.output


JSON_COMMANDS = sorted(
    command.__name__
    for commands in COMMANDS.values()
    for command in commands
    if {"file", "as_json"} <= set(inspect.signature(command).parameters)
)


@pytest.mark.parametrize("name", JSON_COMMANDS)
def test_a_bad_file_is_json_for_those_who_asked_for_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.loom"
    path.write_text("network bad(image: f32[1, 28, 28]) { return image |> relux }", encoding="utf-8")
    result = CliRunner().invoke(app, [name, str(path), "--json"])
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["diagnostics"]
    assert (found["code"], found["help"]) == ("E0101", "did you mean 'relu'?")
    assert found["range"]["start"] == {"line": 0, "character": 53}
    assert "error" not in result.stderr


def test_commands_that_read_a_file_have_json() -> None:
    assert {"show", "price", "sample", "train", "bench"} <= set(JSON_COMMANDS)


def test_a_missing_file_is_json_without_a_place(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["show", str(tmp_path / "none.loom"), "--json"])
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["diagnostics"]
    assert found["range"] is None
    assert "there is no file" in found["message"]


def test_check_gives_every_file_and_every_label_as_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.loom"
    path.write_text('# "😀"\nop f(x) = relu(x)  # 😀\nop f(x) = tanh(x)\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(path), str(tiny_space.write(tmp_path)), "--json"])
    assert result.exit_code == 1
    bad, good = json.loads(result.stdout)
    assert good["diagnostics"] == []
    (found,) = bad["diagnostics"]
    (first,) = found["relatedInformation"]
    assert found["range"]["start"] == {"line": 2, "character": 3}
    assert first["location"]["uri"] == path.as_uri()
    assert first["location"]["range"]["start"] == {"line": 1, "character": 3}


def test_the_colours_are_for_terminals(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.loom"
    path.write_text("network bad(image: f32[1, 28, 28]) { return image |> relux }", encoding="utf-8")
    with pytest.raises(DiagnosticError) as caught:
        load(path)
    with (
        mock.patch.object(sys.stderr, "isatty", return_value=True),
        mock.patch.dict("os.environ", TERM="xterm"),
    ):
        os.environ.pop("NO_COLOR", None)
        assert "\x1b[1;31merror[E0101]" in diagnostics_text(caught.value)
        os.environ["NO_COLOR"] = "1"
        assert "\x1b" not in diagnostics_text(caught.value)
    assert "\x1b" not in diagnostics_text(caught.value)


@pytest.mark.parametrize("name", ["show", "price", "train", "bench", "export"])
def test_an_unknown_decision_is_named_with_the_nearest(name: str, tmp_path: Path) -> None:
    path = tiny_space.write(tmp_path)
    result = CliRunner().invoke(app, [name, str(path), "--assign", "steem=4"])
    assert result.exit_code == 1
    assert "unknown decision 'steem' (did you mean 'stem'?)" in result.stderr


@pytest.mark.parametrize("name", ["train", "bench", "export"])
def test_an_open_decision_is_named(name: str, tmp_path: Path) -> None:
    path = tiny_space.write(tmp_path)
    arguments = [name, str(path), "--assign", "stem=4"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "decision 'stage[0].depth' is not assigned" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"stem": ', "is not JSON: "),
        (b"[1]", "is no JSON object of decision names to values (got list)"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b'{"stam": 8}', "unknown decision 'stam' (did you mean 'stem'?)"),
        (b'{"stem": 7}', "'7' is not a value of decision 'stem'"),
        (None, "(did you mean "),
    ],
)
def test_a_bad_assignment_file_is_one_line(content: bytes | None, message: str, tmp_path: Path) -> None:
    space, file = tiny_space.write(tmp_path), tmp_path / "candidate.json"
    if content is None:
        (tmp_path / "candidat.json").write_text("{}", encoding="utf-8")
    else:
        file.write_bytes(content)
    done = CliRunner().invoke(app, ["show", str(space), "--assignment", str(file)])
    assert done.exit_code == 1
    assert message in done.stderr
    assert ("decision" in message) or f"'{file}'" in done.stderr
    assert done.stderr.count("\n") == 1
