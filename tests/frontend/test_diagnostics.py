"""What people read when a text is wrong: whole renderings, compared with files.

Each `golden/*.loom` is elaborated; `golden/*.txt` has what must be said. To accept changes, run once with
DRAWLOOM_UPDATE_GOLDEN=1 and read the difference.
"""

import os
from pathlib import Path

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Source

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.loom"))


def said(path: Path) -> str:
    """Everything that is said about a file."""
    with pytest.raises(DiagnosticError) as caught:
        elaborate(Source(path.name, path.read_text(encoding="utf-8")))
    return str(caught.value) + "\n"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_diagnostics(path: Path) -> None:
    expected = path.with_suffix(".txt")
    text = said(path)
    if os.environ.get("DRAWLOOM_UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_errors_come_in_the_order_of_the_text() -> None:
    lines = [line for path in GOLDEN for line in [path.with_suffix(".txt").read_text()]]
    for text in lines:
        firsts = [block.splitlines()[1] for block in text.split("\n\n") if block.startswith("error")]
        positions = [tuple(map(int, line.rsplit(":", 2)[1:])) for line in firsts]
        assert positions == sorted(positions)
