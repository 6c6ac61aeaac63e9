"""The page about counting: it prints what it shows, and its words are those there are."""

import re
from pathlib import Path

import pytest
from pages import check

from drawloom.ir.counting import WORDS

PAGE = Path(__file__).parents[2] / "docs" / "counting.md"


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check(PAGE, tmp_path) == 2


def test_the_words_are_those_there_are() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- words -->")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, flags=re.MULTILINE)) == {
        word: help for word, (help, _) in WORDS.items()
    }
