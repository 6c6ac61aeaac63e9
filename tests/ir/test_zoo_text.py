"""Every network and space that is shipped verifies and survives printing and parsing."""

from pathlib import Path

import pytest
from layers import ROOT

from drawloom.frontend import load
from drawloom.ir import parse_module, print_module, structural_hash, verify

FILES = sorted(p for p in (ROOT / "zoo").rglob("*.loom") if p.parent.name != "parts")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_shipped_files_survive_printing_and_parsing(path: Path) -> None:
    module = load(path)
    verify(module)
    text = print_module(module)
    again = parse_module(text)
    assert print_module(again) == text
    assert structural_hash(again) == structural_hash(module)
