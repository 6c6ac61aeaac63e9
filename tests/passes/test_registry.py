"""The registry names passes without importing them, and loads them by name."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drawloom.ir import Entry, UserError
from drawloom.passes import PASSES, Pass, PassRegistry


def test_listing_imports_no_pass() -> None:
    code = (
        "import sys; from drawloom.passes import PASSES; "
        "assert all(e.help for e in PASSES); print([m for m in sys.modules if m in sys.argv[1:]])"
    )
    modules = [e.target.partition(":")[0] for e in PASSES if e.name != "fixpoint"]
    importing = {m for m in modules if m in _imported_by_package()}
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) == importing


def _imported_by_package() -> set[str]:
    """Modules that `drawloom.passes` offers as functions, and so imports itself."""
    package = importlib.import_module("drawloom.passes")
    return {getattr(v, "__module__", "") for v in vars(package).values()}


@pytest.mark.parametrize("entry", list(PASSES), ids=lambda e: e.name)
def test_every_entry_is_a_documented_pass_of_that_name(entry: Entry) -> None:
    found = PASSES.load(entry.name)
    assert issubclass(found, Pass)
    assert found.name == entry.name
    assert found.__doc__
    assert len(entry.help) < 80


FILECHECK = Path(__file__).parent.parent / "filecheck" / "passes"


def test_every_pass_has_a_filecheck_test() -> None:
    lines = [line for path in FILECHECK.iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    runs = " ".join(line for line in lines if "RUN: drawloom opt" in line)
    tested = set(re.findall(r"[a-z][a-z-]*(?=[{(,\" ]|$)", runs))
    assert set(PASSES.names()) <= tested


def test_unknown_names() -> None:
    with pytest.raises(UserError, match=r"unknown pass 'dec' .did you mean 'dce'"):
        PASSES.load("dec")
    assert "dec" not in PASSES
    assert "dce" in PASSES


def test_one_name_is_one_pass() -> None:
    registry = PassRegistry([Entry("a", "x:A", "")])
    registry.register(Entry("a", "x:A", ""))
    with pytest.raises(UserError, match="pass 'a' is registered twice"):
        registry.register(Entry("a", "y:A", ""))
    assert registry.names() == ["a"]


def test_a_pass_that_cannot_be_imported() -> None:
    registry = PassRegistry([Entry("a", "drawloom.nowhere:A", ""), Entry("b", "drawloom.passes.base:B", "")])
    with pytest.raises(UserError, match=r"pass 'a' cannot be loaded from drawloom\.nowhere"):
        registry.load("a")
    with pytest.raises(UserError, match=r"pass 'b' cannot be loaded from drawloom\.passes\.base"):
        registry.load("b")


def test_loading_a_pass_hides_no_function_of_its_name() -> None:
    code = (
        "from drawloom.passes import PASSES; [PASSES.load(e.name) for e in PASSES]; "
        "from drawloom.passes import mutate, sample; assert callable(mutate) and callable(sample)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
