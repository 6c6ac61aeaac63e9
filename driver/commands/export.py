"""``drawloom export``: networks for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .networks import load_network

if TYPE_CHECKING:
    pass


def export(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|FILE", help="The folder of a search, or a .loom or .ir file.", show_default=False
        ),
    ],
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="ir, safetensors, onnx, tvm, several separated by commas, or all.",
        ),
    ] = "all",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Where to write; RUN/front, or a folder named after FILE.",
            show_default=False,
        ),
    ] = None,
    trial: Annotated[
        list[int] | None,
        typer.Option(
            "--trial",
            metavar="N",
            help="Export this trial of the search instead of its front; may be repeated.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE.safetensors",
            help="Weights of the network in FILE, as `drawloom train` writes them.",
            show_default=False,
        ),
    ] = None,
    target: options.TargetName = "cpu",
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: options.FillSeed = None,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there even if it is damaged or something else.")
    ] = False,
) -> None:
    """Export networks as IR, weights, ONNX and compiled libraries.

    The best networks of a search, or one network of a file.

    Each network gets a folder of its own with a README, and a run.py that loads the library and runs it.

    Examples:
      drawloom export runs/mobile_fashion --format all
      drawloom export weights.ir --weights weights.safetensors --format onnx --out exported
    """
    from ..export import export_network, parse_formats

    chosen = parse_formats(formats)
    if source.is_dir():
        _export_run(source, chosen, out, trial, target, force)
        return
    module, _ = load_network(source, network, arg, assign, assignment, seed)
    job = _job_of_file(module, weights, target, source)
    typer.echo(str(export_network(job, out or Path(source.stem), chosen, force=force)))
