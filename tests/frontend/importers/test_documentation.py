"""The examples of docs/importing.md run and print what stands there."""

import contextlib
import io
import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```output\n(.*?)```", TEXT, re.DOTALL)


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") == TEXT.count("```output") > 0


@pytest.mark.parametrize(("code", "expected"), EXAMPLES)
def test_example(code: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(code)
    printed = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        exec(compile(code, str(tmp_path / "example.py"), "exec"), {"__name__": "example"})
    assert printed.getvalue().strip() == expected.strip()
