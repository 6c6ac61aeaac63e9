"""The garbage collector rests while a module is read, and never longer."""

import gc
from collections.abc import Iterator

import pytest
from ir_texts import TINY

from drawloom.ir import DiagnosticError, parse_module, parser
from drawloom.ir.collector import collector_paused
from drawloom.ir.source import Source


@pytest.fixture(autouse=True)
def running() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_rests_while_a_module_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    class Watched(parser._ModuleParser):
        def __init__(self, source: Source) -> None:
            seen.append(gc.isenabled())
            super().__init__(source)

    monkeypatch.setattr(parser, "_ModuleParser", Watched)
    parse_module(TINY)
    assert seen == [False]
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(DiagnosticError):
        parse_module("module @m {")
    assert gc.isenabled()


def test_one_that_is_off_stays_off_and_a_pause_within_a_pause_ends_nothing() -> None:
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()
