"""Options that several commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def a_file(path: Path | None) -> Path | None:
    """Checks where something is written that is no text.

    Raises:
        BadParameter: when it is ``-``, standard output.
    """
    if path is not None and str(path) == "-":
        raise typer.BadParameter("weights are no text, and are not written to standard output: name a file")
    return path


NetworkFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A .loom file, the textual IR in a .ir file, or a name that `drawloom zoo` lists.",
        show_default=False,
    ),
]
NetworkName = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME",
        help="Which network of the file, when it has several.",
        show_default=False,
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option(
        "--arg",
        metavar="NAME=VALUE",
        help="A static argument of the network; may be repeated.",
        show_default=False,
    ),
]
Assign = Annotated[
    list[str] | None,
    typer.Option(
        "--assign",
        metavar="DECISION=VALUE",
        help="Decide a decision, such as 'stage[0].kernel=5'; may be repeated.",
        show_default=False,
    ),
]
AssignmentFile = Annotated[
    Path | None,
    typer.Option(
        "--assignment",
        metavar="FILE.json",
        help="Decide the decisions in a JSON object; --assign overrides it.",
        show_default=False,
    ),
]
FillSeed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        help="Draw the decisions that are left open at random, with this seed.",
        show_default=False,
    ),
]
DrawSeed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the random numbers.")]
Count = Annotated[
    str,
    typer.Option(
        "--count",
        metavar="WORDS",
        help="What multiply-adds are, joined by +: conv+linear, as in papers, and of bn, bias, pool, "
        "activation, arithmetic, elementwise (both), and auxiliary (heads, in parameters too).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Threads = Annotated[int, typer.Option("--threads", min=1, metavar="N", help="Threads to use.")]
TaskName = Annotated[str, typer.Option("--task", metavar="NAME", help="What the network is trained for.")]
TargetName = Annotated[
    str,
    typer.Option(
        "--target", metavar="NAME", help="What the network is compiled for; `drawloom targets` lists them."
    ),
]
