"""``drawloom fmt``: gives files in the language their one layout."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .failure import BAD_INPUT, tell

if TYPE_CHECKING:
    from drawloom.ir import Source

_STANDARD_INPUT = Path("-")


def fmt(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="The .loom files, folders with such files at any depth, or - for standard input.",
            show_default=False,
        ),
    ],
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; name the files that would change and exit with 1."),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print how the files would change.")
    ] = False,
) -> None:
    """Format files in place and name those that changed.

    There is one layout, without options. Files with syntax errors are reported and left as they are, the
    others are formatted all the same. Text from standard input is formatted to standard output.

    Examples:
      drawloom fmt zoo examples/space.loom
      drawloom fmt --check .
      drawloom fmt - < space.loom
    """
    write = not (check or diff)
    if paths == [_STANDARD_INPUT]:
        run = _Run(check, diff, write=False)
        run.standard_input()
    else:
        run = _Run(check, diff, write)
        for path in _files(paths):
            run.file(path)
        console.note(run.summary())
    if run.failed or (check and run.changed):
        raise typer.Exit(BAD_INPUT)


def _files(paths: list[Path]) -> Iterator[Path]:
    """The files that are meant, each once: those in folders by name, without hidden ones.

    Raises:
        UserError: when standard input is one of several, or a folder has no such files.
    """
    from drawloom.ir import UserError

    if _STANDARD_INPUT in paths:
        raise UserError("standard input is formatted alone", "give '-' or files, not both")
    seen: set[Path] = set()
    for path in paths:
        found = _in_folder(path) if path.is_dir() else [path]
        if not found:
            raise UserError(f"there are no .loom files in '{path}'")
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.loom"))
    return [f for f in files if not any(p.startswith(".") for p in f.relative_to(folder).parts)]


@dataclass
class _Run:
    """What the options ask for, and what was done so far.

    Attributes:
        check: whether changes are only counted, and named.
        diff: whether changes are shown.
        write: whether files are rewritten.
        changed: how many files were or would be changed.
        unchanged: how many had their layout already.
        failed: how many could not be formatted.
    """

    check: bool
    diff: bool
    write: bool
    changed: int = 0
    unchanged: int = 0
    failed: int = 0

    def file(self, path: Path) -> None:
        """Format one file, and tell what is wrong with it where it cannot be."""
        from drawloom.ir import DiagnosticError, UserError

        try:
            self._file(path)
        except (DiagnosticError, UserError, OSError) as error:
            self.failed += 1
            tell(error)

    def _file(self, path: Path) -> None:
        from drawloom.backends.files import written_whole
        from drawloom.frontend import read_source
        from drawloom.frontend.format import format_source
        from drawloom.ir import UserError

        if path.suffix == ".ir":
            raise UserError(
                f"'{path}' is textual IR, not the language", "`drawloom opt FILE` prints it in its one layout"
            )
        source = read_source(path)
        text = format_source(source)
        if text.encode() == path.read_bytes():
            self.unchanged += 1
            return
        self.changed += 1
        if self.write:
            with written_whole(path.resolve()) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
        self._show(source, text)

    def _show(self, source: Source, text: str) -> None:
        if self.diff:
            typer.echo(_difference(source, text), nl=False)
        if self.check:
            typer.echo(f"would change {source.name}")
        elif self.write:
            typer.echo(f"changed {source.name}")

    def standard_input(self) -> None:
        """Format standard input to standard output; with `check` or `diff` only say how it would change."""
        from drawloom.frontend.format import format_source
        from drawloom.ir import Source

        source = Source("<stdin>", sys.stdin.read())
        text = format_source(source)
        self.changed = int(text != source.text)
        if self.check or self.diff:
            self._show(source, text) if self.changed else None
        else:
            typer.echo(text, nl=False)

    def summary(self) -> str:
        """What was done, in one line."""
        would = "" if self.write else "would be "
        parts = [f"{_count(self.changed)} {would}changed", f"{self.unchanged} unchanged"]
        return ", ".join(parts + [f"{self.failed} with errors"] * bool(self.failed))


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _difference(source: Source, text: str) -> str:
    """The change as a unified diff, which `patch` and `git apply` understand."""
    before, after = (t.splitlines(keepends=True) for t in (source.text, text))
    lines = difflib.unified_diff(before, after, source.name, source.name)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
