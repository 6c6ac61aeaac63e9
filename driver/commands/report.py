"""``drawloom report``: a search as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import console


def report(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="The folder of a search, such as runs/mobile_fashion.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.html",
            help="Where to write; RUN/report.html by default, - is standard output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the report of a search as one HTML file.

    The file needs no network and no other file. It can be written while the search runs, and as often as you
    like.

    Example:
      drawloom report runs/mobile_fashion
    """
    from ..report import report_text, write_report

    if out is not None and not console.is_file(out):
        console.write_text(report_text(run, Path()), out)
        return
    typer.echo(str(write_report(run, out)))
