"""`drawloom draw`: files, choices of what is drawn, errors."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import layers
import pytest
import tiny_space
from typer.testing import CliRunner

from drawloom.cli import app

DARTS = layers.ROOT / "zoo" / "spaces" / "darts.loom"
DARTS_V2 = layers.ROOT / "zoo" / "networks" / "darts_v2.json"


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tiny_space.write(tmp_path)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["draw", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def texts(svg: str) -> list[str]:
    return [text.strip() for text in ET.fromstring(svg).itertext()]


def fails(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["draw", *map(str, arguments)])
    assert result.exit_code == 1
    assert result.stdout == ""
    return result.stderr


def test_it_is_printed_or_written(space: Path, tmp_path: Path) -> None:
    printed = run(space)
    file = tmp_path / "tiny.svg"
    assert run(space, "--out", file) == f"{file}\n"
    assert file.read_text(encoding="utf-8") == printed


def test_the_network_comes_with_its_blocks(space: Path) -> None:
    found = texts(run(space))
    assert {"tiny", "separable", "depth"} <= set(found)
    assert any("k ∈ {3, 5}" in text for text in found)
    assert "depth" not in texts(run(space, "--function", "separable"))


def test_directions_differ(space: Path) -> None:
    right, down = (
        ET.fromstring(run(space, "--function", "separable", "--direction", d)) for d in ("right", "down")
    )
    size = {e: tuple(float(x) for x in e.attrib["viewBox"].split()[2:]) for e in (right, down)}
    assert size[right][0] > size[right][1]
    assert size[down][0] < size[right][0]
    assert size[down][1] > size[right][1]


def test_what_is_not_selected_can_be_left_out() -> None:
    marked = run(DARTS, "--function", "normal", "--assignment", DARTS_V2)
    alone = run(DARTS, "--function", "normal", "--assignment", DARTS_V2, "--only-selected")
    assert "avg3" in texts(marked)
    assert "avg3" not in texts(alone)
    assert texts(alone).count("dil3") == 2  # after a normal and after a reduction cell
    assert "pale" not in alone.partition("</style>")[2]


def test_strengths_are_written(space: Path, tmp_path: Path) -> None:
    file = tmp_path / "strengths.json"
    file.write_text(json.dumps({"stage[0].depth": [0.3, 0.7]}), encoding="utf-8")
    assert {"30 %", "70 %"} <= set(texts(run(space, "--strengths", file)))


def test_mistakes_are_told(space: Path, tmp_path: Path) -> None:
    assert "did you mean 'separable'" in fails(space, "--function", "seperable")
    assert "nothing is selected" in fails(space, "--only-selected")
    assert "no file" in fails(space, "--strengths", tmp_path / "none.json")
    assert "cannot write" in fails(space, "--out", tmp_path / "none" / "a.svg")
    file = tmp_path / "strengths.json"
    file.write_text(json.dumps({"stem": [0.3, 0.7]}), encoding="utf-8")
    assert "'stem' has 3 values" in fails(space, "--strengths", file)
    assert "together" in fails(space, "--strengths", file, "--seed", 1)
