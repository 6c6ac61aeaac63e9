"""Repairs for what people write who come from other languages; `golden/habits_*` has what is said."""

import time
from pathlib import Path

import pytest

from drawloom.frontend import habits
from drawloom.frontend.habits import HABITS, find

TEXTS = sorted((Path(__file__).parent / "golden").glob("habits_*.loom"))


def test_every_habit_is_in_a_golden_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from drawloom.frontend import elaborate
    from drawloom.ir import DiagnosticError, Source

    found: set[int] = set()

    def observed(text: str, offset: int, expected: frozenset[str]) -> habits.Found | None:
        for i, habit in enumerate(HABITS):
            monkeypatch.setattr(habits, "HABITS", (habit,))
            if find(text, offset, expected) is not None:
                found.add(i)
                break
        return None

    monkeypatch.setattr("drawloom.frontend.syntax_errors.find", observed)
    for path in TEXTS:
        with pytest.raises(DiagnosticError):
            elaborate(Source(path.name, path.read_text(encoding="utf-8")))
    assert [HABITS[i].message for i in range(len(HABITS)) if i not in found] == []


def test_a_long_line_is_searched_quickly() -> None:
    text = "x = " + "a.b // is in " * 30_000 + "def f("
    start = time.perf_counter()
    find(text, len(text) - 6, {"COLON", "EQUAL", "OP", "RSQB", "_FROM", "SEMICOLON"})
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("text", ["x = relu(y) y", "z = [1 2]", "w = conv(x; 3", "q = x |> 3"])
def test_plain_mistakes_are_no_habits(text: str) -> None:
    assert find(text, len(text) - 1, {"COMMA", "RPAR"}) is None
