"""The pages about the language: every example elaborates, every command runs and prints what is shown."""

import re
import shlex
from pathlib import Path

import pytest
from loom import codes
from pages import Block, blocks
from typer.testing import CliRunner

from drawloom.cli import app
from drawloom.frontend import elaborate, limits
from drawloom.ir import Source, verify

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "language.md", ROOT / "docs" / "tutorial-fbnet.md")


BLOCKS = [b for page in PAGES for b in blocks(page)]
TEXTS = [b for b in BLOCKS if b.language == "loom"]


@pytest.mark.parametrize("block", TEXTS, ids=str)
def test_an_example_elaborates(block: Block) -> None:
    text = block.text
    if block.words == "body":
        text = f"network n(image: f32[8, 16, 16]) {{\n{text}}}"
    if block.words.startswith("error="):
        assert codes(text) == [block.words.removeprefix("error=")]
        return
    _, asked, network = block.words.partition("network=")
    assert asked or block.words in ("", "body")
    verify(elaborate(Source(str(block), text), network=network or None))


def test_the_tutorial_ends_with_the_file_of_the_zoo() -> None:
    text = (ROOT / "zoo" / "spaces" / "fbnet.loom").read_text(encoding="utf-8")
    assert text in [b.text for b in TEXTS]


def test_the_commands_of_the_tutorial_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zoo").symlink_to(ROOT / "zoo")
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in blocks(PAGES[1]):
        if block.language == "loom":
            (tmp_path / "tutorial.loom").write_text(block.text, encoding="utf-8")
            continue
        for session in filter(None, block.text.split("$ drawloom ")):
            command, *shown = session.splitlines()
            done = CliRunner().invoke(app, shlex.split(command))
            assert done.exit_code == 0, done.output
            assert not shown or done.stdout.splitlines() == shown
            ran += 1
    assert ran >= 6


def test_the_limits_are_those_of_the_compiler() -> None:
    table = PAGES[0].read_text(encoding="utf-8").partition("<!-- limits -->")[2].partition("\n\nDef")[0]
    shown = [int(v.replace(",", "")) for v in re.findall(r"\| ([\d,]+) \|", table)]
    assert shown == [
        limits.SOURCE_CHARACTERS,
        limits.SYNTAX_DEPTH,
        limits.CALL_DEPTH,
        limits.LIST_LENGTH,
        limits.GRAPH_NODES,
        limits.GRAPH_CELLS,
        limits.LOOSE_ENDS,
        limits.SCAN_STEPS,
        limits.STEPS,
        limits.OPERATIONS,
        limits.FUNCTIONS,
        limits.DECISIONS,
        limits.DOMAIN,
        limits.EXPRESSION_DEPTH,
        limits.EXPRESSION_SIZE,
    ]
