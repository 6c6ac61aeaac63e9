"""docs/drawing.md: its commands make its pictures, its Python runs."""

import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import layers
import pytest
from typer.testing import CliRunner

from drawloom.cli import app

PAGE = (layers.ROOT / "docs" / "drawing.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    drawloom (.*)$", PAGE, flags=re.MULTILINE)


def shown(svg: str) -> list[str]:
    """What is written in a picture, without tips and style."""
    hidden = {"{http://www.w3.org/2000/svg}" + name for name in ("title", "style")}
    return [e.text or "" for e in ET.fromstring(svg).iter() if e.tag not in hidden]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_pictures_are_what_the_commands_draw(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layers.ROOT)
    *arguments, picture = shlex.split(command)
    made = tmp_path / "made.svg"
    result = CliRunner().invoke(app, [*arguments, str(made)])
    assert result.exit_code == 0, result.output
    assert shown(made.read_text(encoding="utf-8")) == shown(Path(picture).read_text(encoding="utf-8"))
    assert f"]({Path(picture).relative_to('docs')})" in PAGE


def test_the_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(layers.ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names: dict[str, str] = {}
    exec(code, names)
    assert ET.fromstring(names["svg"]).tag.endswith("svg")
