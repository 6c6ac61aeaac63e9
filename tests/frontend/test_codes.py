"""Every diagnostic code is explained by a text that provokes it and that text repaired; both are executed."""

import re
from collections.abc import Callable

import pytest
from layers import ROOT

from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Source, parse_module
from drawloom.ir.codes import CODES, Code
from drawloom.passes import parse_pipeline

READERS: dict[str, Callable[[str], object]] = {
    "loom": lambda text: elaborate(Source("example.loom", text)),
    "ir": parse_module,
    "pipeline": parse_pipeline,
}


@pytest.mark.parametrize("code", CODES.values(), ids=lambda c: c.code)
def test_the_example_provokes_its_code_and_no_other(code: Code) -> None:
    with pytest.raises(DiagnosticError) as caught:
        READERS[code.kind](code.wrong)
    assert {d.code for d in caught.value.diagnostics} == {code.code}


@pytest.mark.parametrize("code", CODES.values(), ids=lambda c: c.code)
def test_the_repaired_example_is_good(code: Code) -> None:
    READERS[code.kind](code.right)
    assert code.right != code.wrong


def test_the_table_has_every_code_that_is_used_and_no_other() -> None:
    """A code that nothing can raise any more has to leave the table."""
    files = [p for folder in ("frontend", "ir", "passes", "driver") for p in (ROOT / folder).rglob("*.py")]
    texts = [p.read_text(encoding="utf-8") for p in files if p.parent.name != "codes"]
    used = {code for text in texts for code in re.findall(r'"(E\d{4})"', text)}
    assert used == set(CODES)


def test_explanations_are_complete() -> None:
    assert list(CODES) == sorted(CODES)
    for code in CODES.values():
        assert code.title
        assert code.explanation.endswith(".")


def test_every_code_is_in_a_filecheck_test() -> None:
    texts = [p.read_text(encoding="utf-8") for p in (ROOT / "tests" / "filecheck").rglob("*.*")]
    checked = {code for text in texts for code in re.findall(r"(?:expected-error.*|error\[)(E\d{4})", text)}
    assert set(CODES) - checked == set()
