"""The command as a whole: help, version, start-up."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import drawloom
from drawloom.cli import COMMANDS, app

NAMES = [command.__name__ for commands in COMMANDS.values() for command in commands]


def test_the_help_lists_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for name in NAMES:
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_an_example(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output
    # An example keeps its line, so that it can be copied.
    assert f"\n    drawloom {name}" in result.output


def test_no_arguments_is_help() -> None:
    assert "Usage: drawloom" in CliRunner().invoke(app, []).output


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.output == f"drawloom {drawloom.__version__}\n"


@pytest.mark.parametrize("arguments", [["frobnicate"], ["show"], ["show", "a.loom", "--frobnicate"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_python_dash_m_is_the_command() -> None:
    found = subprocess.run([sys.executable, "-m", "drawloom", "--version"], capture_output=True, text=True)
    assert (found.returncode, found.stdout.split()[0]) == (0, "drawloom")


def test_public_names_exist() -> None:
    for name in drawloom.__all__:
        assert getattr(drawloom, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        _ = drawloom.frobnicate
