"""What commands print: tables, numbers and JSON; rich on a terminal, plain and never cut off in a pipe."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and whether it holds numbers (set to the right)."""

    title: str
    numeric: bool = False


def is_terminal() -> bool:
    """Whether a person reads the standard output."""
    return sys.stdout.isatty()


def terminal() -> Console:
    """The rich console of the standard output."""
    from rich.console import Console

    return Console(highlight=False)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table; every cell is text already."""
    cells = [list(row) for row in rows]
    if is_terminal():
        _print_rich(columns, cells, title)
    else:
        _print_plain(columns, cells, title)


def _print_rich(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column.title, justify="right" if column.numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    terminal().print(table)


def _print_plain(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        typer.echo(title)
    widths = [
        max(len(c.title), *(len(r[i]) for r in rows)) if rows else len(c.title) for i, c in enumerate(columns)
    ]
    for row in [[c.title for c in columns], *rows]:
        cells = [
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        typer.echo("  ".join(cells).rstrip())


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; NumPy scalars become numbers, tuples lists."""
    typer.echo(json_text(value, indent=indent))


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON text; NumPy scalars become numbers, paths texts."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def track(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """The items one by one, under a progress bar on a terminal and a single line elsewhere."""
    if not is_terminal():
        typer.echo(f"{title}: {total}")
        yield from items
        return
    from rich.progress import track as rich_track

    yield from rich_track(items, description=title, total=total, console=terminal())


def tool(name: str) -> str:
    """How a program of this environment is called from a shell here.

    Args:
        name: ``python`` or ``drawloom``.

    Returns:
        The name where the shell finds this very program; otherwise its path, ready for the shell.
    """
    own = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    # Folders are compared: every environment's `python` is a link to the same file.
    if not own.exists() or (
        found is not None and os.path.realpath(Path(found).parent) == os.path.realpath(own.parent)
    ):
        return name
    near = os.path.relpath(own)
    return shlex.quote(str(own) if near.startswith(os.pardir) else near)


def is_file(out: Path | None) -> bool:
    """Whether output goes to a file; it goes to standard output for ``-``, and for None."""
    return out is not None and str(out) != "-"


def write_text(text: str, out: Path | None) -> None:
    """Write a text to a file, whole or not at all, or to standard output.

    Raises:
        UserError: when the file cannot be written.
    """
    from drawloom.backends.files import written_whole

    text = text.rstrip("\n")
    if out is None or not is_file(out):
        if text:
            typer.echo(text)
        return
    with written_whole(out) as temporary:
        temporary.write_text(f"{text}\n" if text else "", encoding="utf-8")


def note(text: str) -> None:
    """Print a remark to standard error, where it does not get between data."""
    typer.echo(text, err=True)
