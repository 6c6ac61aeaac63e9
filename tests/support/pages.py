"""The fenced blocks of a page of the documentation, and running those of a page about commands and Python.

An ``ir`` or ``loom`` block is the file `example.ir` or `example.loom` of the blocks after it. A ``console``
block has commands behind ``$ ``, each with what it prints; a ``python`` block prints the ``text`` block
after it, if there is one; all of a page share their names.
"""

import contextlib
import io
import re
import shlex
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from drawloom.cli import app


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, the words behind that, and its text."""

    page: Path
    line: int
    language: str
    words: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w+) ?(.*)\n((?s:.*?))^```$", text, flags=re.MULTILINE)
    return [Block(page, text.count("\n", 0, m.start()) + 1, m[1], m[2], m[3]) for m in found]


@dataclass(frozen=True)
class Shown:
    """A block with output: as the page shows it, and as it is."""

    block: Block
    shown: str
    printed: str


def run(page: Path, folder: Path) -> Iterator[Shown]:
    """Run a page in a folder, which must be the current one."""
    module = types.ModuleType(f"page_{page.stem}")
    sys.modules[module.__name__] = module
    printed = None
    for block in blocks(page):
        if block.language in ("ir", "loom"):
            (folder / f"example.{block.language}").write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            yield Shown(block, block.text, console(block))
        elif block.language == "python":
            printed = python(block, module)
        elif block.language == "text" and printed is not None:
            yield Shown(block, block.text, printed)
            printed = None


def check(page: Path, folder: Path) -> int:
    """Hold what a page shows against what is printed in a folder, the current one; gives how often."""
    shown = list(run(page, folder))
    for each in shown:
        assert each.printed == each.shown, str(each.block)
    return len(shown)


def console(block: Block) -> str:
    """A session of commands with what they print."""
    text = ""
    for line in re.findall(r"^\$ drawloom (.*)$", block.text, flags=re.MULTILINE):
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, done.output
        text += f"$ drawloom {line}\n{done.output}"
    return text


def python(block: Block, module: types.ModuleType) -> str:
    """What a piece of Python prints."""
    output = io.StringIO()
    code = compile("\n" * block.line + block.text, str(block.page), "exec")
    with contextlib.redirect_stdout(output):
        exec(code, module.__dict__)
    return re.sub(r"\n\n+", "\n\n", output.getvalue()).rstrip("\n") + "\n"
