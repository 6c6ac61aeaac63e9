"""A network of every file that is shipped, and every space, verifies and survives printing and parsing."""

import pytest
from zoo_files import ENTRIES, small

from drawloom.ir import parse_module, print_module, structural_hash, verify


@pytest.mark.parametrize("name", ENTRIES)
def test_shipped_files_survive_printing_and_parsing(name: str) -> None:
    module = small(name)
    verify(module)
    text = print_module(module)
    again = parse_module(text)
    assert print_module(again) == text
    assert structural_hash(again) == structural_hash(module)
