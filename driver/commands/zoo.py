"""``drawloom zoo``: the published networks, counted, beside the figures that were published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from ..catalogue import Counted
from ..quantity import count_text, share_text
from . import console, options
from .console import Column


def zoo(
    pattern: Annotated[
        str,
        typer.Argument(metavar="PATTERN", help="Only networks of such names.", show_default=False),
    ] = "*",
    count: options.Count = "conv+linear",
    sources: Annotated[
        bool, typer.Option("--sources", help="Also say where figures were published, and what deviates.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """List the published networks with parameters and multiply-adds, counted and as published.

    Published multiply-adds are those of convolutions and linear layers where nothing else is said, so other
    words of --count are for comparing with other tools. A difference of "=" means that the count rounds to
    the published figure. Every name can be given to the other commands in place of a file.

    Examples:
      drawloom zoo
      drawloom zoo 'mobilenet*' --sources
      drawloom show mobilenet_v2
    """
    counted = list(_counted(pattern, count, quiet=as_json))
    if as_json:
        console.print_json([_json(found) for found in counted])
        return
    _print(counted, sources)


def _counted(pattern: str, count: str, *, quiet: bool) -> Iterator[Counted]:
    from drawloom.ir import Counting, unknown
    from drawloom.zoo import networks

    from ..catalogue import counted

    chosen = [e for e in networks().values() if fnmatchcase(e.name, pattern)]
    if not chosen:
        raise unknown("network of the zoo", pattern, networks())
    shown = chosen if quiet or not console.is_terminal() else console.track(chosen, len(chosen), "counting")
    counting = Counting.parse(count)
    yield from (counted(entry, counting) for entry in shown)


def _print(counted: Sequence[Counted], sources: bool) -> None:
    columns = [
        Column("network"),
        Column("parameters", numeric=True),
        Column("published", numeric=True),
        Column("difference", numeric=True),
        Column("multiply-adds", numeric=True),
        Column("published", numeric=True),
        Column("difference", numeric=True),
        Column("paper"),
    ]
    rows = [
        [
            found.entry.name,
            count_text(found.parameters),
            found.entry.published.parameters or "-",
            _difference(found.parameters, found.entry.published.parameters),
            count_text(found.multiply_adds),
            found.entry.published.multiply_adds or "-",
            _difference(found.multiply_adds, found.entry.published.multiply_adds),
            found.entry.paper,
        ]
        for found in counted
    ]
    console.print_table(columns, rows)
    if sources:
        for found in counted:
            said = [found.entry.published.source, found.entry.note]
            typer.echo(f"\n{found.entry.name}: " + ". ".join(s.rstrip(".") for s in said if s) + ".")


def _difference(count: int, published: str) -> str:
    from ..catalogue import difference

    if not published:
        return "-"
    found = difference(count, published)
    if found == 0:
        return "="
    sign, size = "+" if found > 0 else "−", abs(found)
    return f"{sign}{share_text(size)}" if size >= 5e-4 else f"{sign}{100 * size:.1g} %"


def _json(found: Counted) -> dict[str, Any]:
    from ..catalogue import difference

    entry = found.entry
    printed = {"parameters": entry.published.parameters, "multiply_adds": entry.published.multiply_adds}
    counts = {"parameters": found.parameters, "multiply_adds": found.multiply_adds}
    return {
        "name": entry.name,
        "file": str(entry.path),
        "network": entry.network,
        "arguments": entry.arguments,
        "paper": entry.paper,
        **counts,
        "published": {k: v for k, v in printed.items() if v},
        "difference": {k: difference(counts[k], v) for k, v in printed.items() if v},
        "source": entry.published.source,
        "note": entry.note,
    }
