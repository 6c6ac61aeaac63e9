"""How commands that are printed for the reader to type are written."""

import os
import sys
from pathlib import Path

import pytest

from drawloom.commands.console import tool


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment: its python is a link to that of the system, as everywhere."""
    for folder in ("system", "project/.venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "system" / "python").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "system" / "python").chmod(0o755)
    folder = tmp_path / "project" / ".venv" / "bin"
    (folder / "python").symlink_to(tmp_path / "system" / "python")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "system"))
    monkeypatch.chdir(tmp_path / "project")
    return folder


def test_a_program_that_the_shell_does_not_find_is_named_by_its_path(environment: Path) -> None:
    assert tool("python") == ".venv/bin/python"


def test_from_elsewhere_the_whole_path_is_given(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "system")
    assert tool("python") == str(environment / "python")


def test_in_an_active_environment_the_name_is_enough(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment), prepend=os.pathsep)
    assert tool("python") == "python"


def test_a_program_that_is_not_in_the_environment_keeps_its_name(environment: Path) -> None:
    assert tool("drawloom") == "drawloom"
