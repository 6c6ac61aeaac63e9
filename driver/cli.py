"""The `drawloom` command: which commands there are. What each does is in `drawloom.commands`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from .commands.bench import bench
from .commands.catalogue import explain, ops, passes, strategies, targets
from .commands.check import check
from .commands.draw import draw
from .commands.export import export
from .commands.failure import guarded
from .commands.fmt import fmt
from .commands.import_ import import_
from .commands.lsp import lsp
from .commands.opt import opt
from .commands.price import price
from .commands.report import report
from .commands.sample import sample
from .commands.search import search
from .commands.show import show
from .commands.train import train
from .commands.zoo import zoo

COMMANDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Spaces and networks": (zoo, check, fmt, show, draw, price, sample),
    "One network": (import_, train, bench, export),
    "Search": (search, report, strategies),
    "The compiler": (opt, passes, ops, targets, explain, lsp),
}
"""Every command, by the heading under which the help lists it."""

_PIPE_WIDTH: dict[str, Any] = {} if sys.stdout.isatty() else {"terminal_width": 110}

app = typer.Typer(
    name="drawloom",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Panels and colours are for people; in a pipe the help is plain text.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110} | _PIPE_WIDTH,
)


_KEEP_LINES = "\b\n"
"""Stands before a paragraph whose lines are not to be filled."""


def _help(command: Callable[..., Any]) -> str:
    """The docstring of a command, with the lines of its examples kept."""
    text = inspect.getdoc(command) or ""
    return re.sub(r"^(?=(Examples?|Start here):$)", _KEEP_LINES, text, flags=re.MULTILINE)


def _print_version(wanted: bool) -> None:
    if wanted:
        from drawloom import __version__

        typer.echo(f"drawloom {__version__}")
        raise typer.Exit


def drawloom(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """A compiler for neural architecture search.

    A search space is a program; a candidate network is that program with its open decisions decided.

    Start here:
      drawloom search zoo/spaces/mobile_fashion.loom --budget 24 --objective accuracy --objective latency
    """


app.callback(help=_help(drawloom))(drawloom)
for _heading, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(_command.__name__, help=_help(_command), rich_help_panel=_heading)(guarded(_command))


def main() -> None:
    """Run the command line and exit: 0 good, 1 the input is at fault, 2 wrong usage, 70 a bug in Drawloom."""
    app(prog_name="drawloom")
