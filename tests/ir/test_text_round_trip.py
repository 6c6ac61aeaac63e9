"""Printing and parsing are inverse to each other, for spaces and for resolved networks."""

from generators import modules
from hypothesis import given, settings
from hypothesis import strategies as st

from drawloom.ir import Module, parse_module, print_module, structural_hash, structurally_equal, verify


@given(st.booleans().flatmap(lambda resolved: modules(resolved=resolved)))
@settings(max_examples=150)
def test_generated_modules_survive_printing_and_parsing(module: Module) -> None:
    verify(module)
    text = print_module(module)
    again = parse_module(text)
    assert print_module(again) == text
    assert structural_hash(again) == structural_hash(module)
    assert structurally_equal(again, module)
    assert list(again.decisions.values()) == list(module.decisions.values())
    assert [d.labels for d in again.decisions.values()] == [d.labels for d in module.decisions.values()]
    assert len(again) == len(module)
