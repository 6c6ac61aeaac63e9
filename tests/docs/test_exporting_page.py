"""docs/exporting.md: its commands and its Python print what it shows, and it knows every format."""

import re
from pathlib import Path

import pytest
from pages import check

from drawloom.export import FORMATS

PAGE = Path(__file__).parents[2] / "docs" / "exporting.md"


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.chdir(tmp_path)
    check(PAGE, tmp_path)


def test_the_table_has_every_format() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == set(FORMATS)
