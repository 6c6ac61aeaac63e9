"""Every diagnostic code is explained, and the example of its explanation provokes it."""

import re

import pytest
from layers import ROOT

from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Source
from drawloom.ir.codes import CODES

EXAMPLES = [c for c in CODES.values() if c.example]


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda c: c.code)
def test_the_example_provokes_the_code(code) -> None:
    with pytest.raises(DiagnosticError) as caught:
        elaborate(Source("example.loom", code.example))
    assert code.code in {d.code for d in caught.value.diagnostics}


def test_the_table_has_every_code_that_is_used_and_no_other() -> None:
    files = [p for folder in ("frontend", "ir", "passes") for p in (ROOT / folder).rglob("*.py")]
    texts = [p.read_text(encoding="utf-8") for p in files if not p.name.startswith("codes")]
    used = {code for text in texts for code in re.findall(r'"(E\d{4})"', text)}
    assert used == set(CODES)


def test_explanations_are_complete() -> None:
    for code in CODES.values():
        assert code.title
        assert code.explanation.endswith(".")
