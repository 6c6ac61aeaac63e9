"""``drawloom export``: networks for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import console, options
from .networks import load_network

if TYPE_CHECKING:
    from drawloom.ir import Module

    from ..export import Job
    from ..study import Study
    from ..trial import TrialRecord


def export(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|FILE|NAME",
            help="The folder of a search, a .loom or .ir file, or a network of the zoo.",
            show_default=False,
        ),
    ],
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="ir, safetensors, onnx, torchscript (deprecated: PyTorch 2.13 warns when it loads one), "
            "python, tvm, several separated by commas, or all.",
        ),
    ] = "all",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Where to write; RUN/front, or a folder named after FILE or NAME.",
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
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="NAME",
            help="What libraries are compiled for; that of the search, or cpu.",
            show_default=False,
        ),
    ] = None,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: options.FillSeed = None,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there even if it is damaged or something else.")
    ] = False,
) -> None:
    """Export networks as IR, weights, ONNX, TorchScript, PyTorch source and compiled libraries.

    The best networks of a search, or one network of a file.

    Without --weights a network of the language has fresh ones, which the README of the export says; one that
    is given as textual IR, such as that of a search, needs its own.

    Each network gets a folder of its own with a README, and a run.py that loads the library and runs it.

    Examples:
      drawloom export runs/mobile_fashion --format all
      drawloom export mnasnet_a1 --arg classes=10 --format python,onnx
      drawloom export weights.ir --weights weights.safetensors --format onnx --out exported
      drawloom export candidate.ir --format python --out candidate
    """
    from ..export import WITHOUT_WEIGHTS, export_network, parse_formats, require_formats

    chosen = parse_formats(formats)
    require_formats(chosen)
    if source.is_dir():
        _export_run(source, chosen, out, trial, target, force)
        return
    module, _ = load_network(source, network, arg, assign, assignment, seed)
    origin = " with ".join(filter(None, (str(source), ", ".join(arg or ()))))
    # Textual IR is mostly that of a network which was trained: there fresh weights would be a mistake.
    fresh = source.suffix != ".ir" and not WITHOUT_WEIGHTS.issuperset(chosen)
    job = _job_of_file(module, weights, target or "cpu", origin, fresh=fresh)
    typer.echo(str(export_network(job, out or Path(source.stem), chosen, force=force)))


def _job_of_file(module: Module, weights: Path | None, target: str, origin: str, *, fresh: bool) -> Job:
    """One network from a file, with the weights that were named, else fresh ones or none."""
    from drawloom.backends.weights import initialise, load_weights

    from ..export import Job

    facts = {"made from": origin}
    if weights is not None:
        return Job(module, load_weights(module, weights), target, facts)
    if not fresh:
        return Job(module, None, target, facts)
    console.note("no --weights: what is written has fresh weights, for timing and for training elsewhere")
    return Job(module, initialise(module), target, facts | {"weights": "fresh, the network is untrained"})


def _export_run(
    run: Path,
    formats: tuple[str, ...],
    out: Path | None,
    trials: list[int] | None,
    target: str | None,
    force: bool,
) -> None:
    """Export the front of a study, or the trials asked for, and name each folder."""
    from ..export import export_trials
    from ..report_source import settled_front
    from ..study import Study

    study = Study.open(run)
    chosen = settled_front(study) if trials is None else [_trial(study, number) for number in trials]
    for folder in export_trials(study, chosen, formats, out=out, target=target, force=force):
        typer.echo(str(folder))


def _trial(study: Study, number: int) -> TrialRecord:
    """A complete trial of a study.

    Raises:
        UserError: when there is none of that number.
    """
    from drawloom.ir import UserError

    found = {trial.number: trial for trial in study.trials}
    if number not in found:
        raise UserError(f"study '{study.name}' has no trial {number}", f"it has {len(found)}")
    if not found[number].complete:
        raise UserError(
            f"trial {number} of '{study.name}' is not complete", found[number].reason or "it still runs"
        )
    return found[number].settled()
