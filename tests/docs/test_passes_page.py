"""The page about passes: its commands and its Python print what it shows, and it knows its passes."""

import re
from pathlib import Path

import pytest
from pages import run

from drawloom.passes import PASSES

PAGE = Path(__file__).parents[2] / "docs" / "passes.md"


def comparable(text: str) -> str:
    """A text without the folder of the sources, and without line numbers in them."""
    return re.sub(r"[^\s(]*passes/(\w+\.py):\d+", r"passes/\1", text)


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = list(run(PAGE, tmp_path))
    for each in shown:
        assert comparable(each.printed) == comparable(each.shown), str(each.block)
    assert len(shown) > 20


def test_the_sections_are_passes() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## The passes")[2].partition("\n## ")[0]
    sections = re.findall(r"^### `(.*)`$", text, flags=re.MULTILINE)
    assert len(sections) == len(set(sections)) >= 15
    assert set(sections) <= set(PASSES.names())
