"""The page about latency tables: it prints what it shows."""

from pathlib import Path

import pytest
from pages import check

PAGE = Path(__file__).parents[2] / "docs" / "latency.md"


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check(PAGE, tmp_path) == 2
