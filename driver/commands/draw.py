"""``drawloom draw``: networks, cells and blocks as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import console, options
from .networks import load_module, partial_assignment

if TYPE_CHECKING:
    from drawloom.ir import Assignment, Module

    from ..drawing import Beliefs, Picture


def draw(
    file: options.NetworkFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE.svg",
            help="Where to write; standard output (-) by default.",
            show_default=False,
        ),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            metavar="NAME",
            help="Draw this cell, block or op alone; by default the network and its cells and blocks.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        int,
        typer.Option(
            "--depth",
            min=1,
            metavar="N",
            help="Levels of the network that are drawn without boxes for calls.",
        ),
    ] = 1,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: options.FillSeed = None,
    strengths: Annotated[
        Path | None,
        typer.Option(
            "--strengths",
            metavar="FILE.json",
            help="How strong alternatives are: a JSON object of decisions to lists of numbers with sum 1.",
            show_default=False,
        ),
    ] = None,
    only_selected: Annotated[
        bool,
        typer.Option(
            "--only-selected", help="Leave out what an assignment does not select, instead of paling it."
        ),
    ] = False,
    direction: Annotated[
        Literal["right", "down"], typer.Option("--direction", help="Where edges lead.")
    ] = "right",
    network: options.NetworkName = None,
    arg: options.Arguments = None,
) -> None:
    """Draw a network or a search space as SVG, for papers and for reading.

    Hexagons and dashed boxes are choices, dashed edges exist in some networks of the space only. With an
    assignment what it selects is strong and the rest pale; with strengths each alternative is as strong as
    its probability.

    Examples:
      drawloom draw zoo/networks/mobilenet_v2.loom -o mobilenet_v2.svg
      drawloom draw zoo/spaces/darts.loom --function normal -o darts.svg
      drawloom draw zoo/spaces/darts.loom --assignment zoo/networks/darts_v2.json --only-selected
    """
    from drawloom.ir import UserError

    from ..drawing import Direction, render

    module = load_module(file, network, arg)
    chosen = partial_assignment(module, assign, assignment, seed)
    if strengths is not None and chosen:
        raise UserError("strengths and an assignment cannot be drawn together", "give one of them")
    if only_selected and not chosen and module.decisions:
        raise UserError("nothing is selected", "use --assign, --assignment or --seed with --only-selected")
    beliefs = _beliefs(module, chosen, strengths)
    pictures = _pictures(module, beliefs, function, depth, only_selected)
    label = f"{function} of {module.name}" if function else module.name
    console.write_text(render(pictures, label, direction=Direction(direction)), out)
    if console.is_file(out):
        typer.echo(str(out))


def _beliefs(module: Module, chosen: Assignment, strengths: Path | None) -> Beliefs:
    from drawloom.ir import UserError

    from ..drawing import load_strengths, selected

    if strengths is None:
        return selected(module.decisions, chosen)
    if not strengths.is_file():
        raise UserError(f"there is no file '{strengths}'")
    return load_strengths(strengths.read_text(encoding="utf-8"), module.decisions)


def _pictures(
    module: Module, beliefs: Beliefs, function: str | None, depth: int, only_selected: bool
) -> list[Picture]:
    from ..drawing import of_function, whole

    if function is not None:
        return of_function(module, function, beliefs, only_selected=only_selected)
    return whole(module, beliefs, depth=depth, heat=module.resolved, only_selected=only_selected)
