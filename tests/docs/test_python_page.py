"""docs/python-api.md is one program: it runs, and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"^```python\n((?s:.*?))^```$(?:\n\n```output\n((?s:.*?))^```$)?", PAGE, flags=re.MULTILINE
)


def test_the_examples_run_and_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tvm")
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {"__name__": "example", "folder": tmp_path}
    assert len(BLOCKS) == PAGE.count("```python")
    for code, output in BLOCKS:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/python-api.md", "exec"), names)
        assert printed.getvalue() == output, code
