"""``drawloom search``: the whole path, from a space to a trained and measured front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..catalogue import named
from . import console, options
from .networks import load_module, read_arguments

if TYPE_CHECKING:
    from ..events import OnEvent
    from ..study import Study
    from ..trial import TrialRecord


_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def search(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="SPACE",
            help="The search space: a .loom or .ir file, or a name that `drawloom zoo` lists.",
            show_default=False,
        ),
    ],
    budget: Annotated[
        int, typer.Option("--budget", min=1, metavar="N", help="Networks to train and measure in all.")
    ] = 24,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="NAME",
            help="What to optimise: accuracy, latency, parameters, multiply_adds, activation_bytes, depth; "
            "may be repeated. Both accuracy and latency by default.",
            show_default=False,
        ),
    ] = None,
    strategy: Annotated[
        str, typer.Option("--strategy", metavar="NAME", help="`drawloom strategies` lists them.")
    ] = "regularized_evolution",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="NAME=VALUE",
            help="An option of the strategy; may be repeated.",
            show_default=False,
        ),
    ] = None,
    task: options.TaskName = "fashion_mnist",
    target: options.TargetName = "cpu",
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            metavar="N",
            help="Training of each candidate; the task's own number by default.",
            show_default=False,
        ),
    ] = None,
    seed: options.DrawSeed = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            metavar="N",
            help="Candidates evaluated at a time; as many as cores by default.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Time limit of each candidate.")
    ] = 300,
    memory: Annotated[
        float, typer.Option("--memory", min=0.1, metavar="GIB", help="Memory limit of each candidate.")
    ] = 4,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of the study; that of the space by default."),
    ] = None,
    runs_dir: Annotated[
        Path, typer.Option("--runs-dir", metavar="DIR", help="Where studies are kept, a folder each.")
    ] = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the study of this name, up to the budget.")
    ] = False,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    as_json: options.AsJson = False,
) -> None:
    """Search a space: train and measure networks, and keep the best.

    Everything is written to a folder, runs/NAME: the trials (SQLite, read by Optuna and its dashboard too),
    report.html, and for each of the best networks the architecture, weights, an ONNX model and a compiled
    library. A search that was stopped in whatever way goes on with --resume, and nothing finished is lost.

    Examples:
      drawloom search zoo/spaces/mobile_fashion.loom --budget 24 --objective accuracy --objective latency
      drawloom search zoo/spaces/mobile_fashion.loom --strategy random --name baseline --seed 1
      drawloom search zoo/spaces/mobile_fashion.loom --budget 48 --resume
    """
    from drawloom.ir import UserError

    from ..limits import Limits
    from ..study import SearchInterrupted, Study

    module = load_module(file, network, arg)
    folder = _folder(runs_dir, name or module.name, fresh=not resume and name is None)
    if resume:
        study = Study.open(folder, module)
        _refuse_changes(context, study)
        budget = budget if _given(context, "budget") else study.config.budget
    else:
        study = Study.create(
            folder,
            module,
            space_path=entry.path if (entry := named(file)) else file,
            arguments=read_arguments(arg),
            task=task,
            objectives=objective or ("accuracy", "latency"),
            strategy=strategy,
            options=read_arguments(option),
            seed=seed,
            budget=budget,
            target=target,
            epochs=epochs,
            limits=Limits(timeout, int(memory * 2**30)),
        )
    try:
        _run(study, budget, workers, quiet=as_json)
    except SearchInterrupted as stopped:
        console.note(f"{stopped}")
        raise typer.Exit(_INTERRUPTED) from None
    if not any(trial.complete for trial in study.trials):
        raise UserError(
            f"no network of '{module.name}' could be evaluated", f"reasons are in {folder}/trials"
        )
    _keep(study, quiet=as_json)
    _print_result(study, as_json)


def _folder(runs: Path, name: str, *, fresh: bool) -> Path:
    """The folder of a study: of that name, or, for a fresh one, of that name with the next free number."""
    number = 1
    while fresh and (runs / name).exists():
        number += 1
        name = f"{name.rpartition('-')[0] if number > 2 else name}-{number}"
    return runs / name


def _given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_changes(context: typer.Context, study: Study) -> None:
    """Refuse to resume a study with other settings than it was begun with.

    Raises:
        UserError: naming both.
    """
    from drawloom.ir import UserError

    begun = {
        "objective": list(study.config.objectives),
        "strategy": study.config.strategy,
        "task": study.config.task,
        "target": study.config.target,
        "epochs": study.config.epochs,
        "seed": study.config.seed,
    }
    for name, value in begun.items():
        asked = context.params[name]
        if _given(context, name) and asked != value:
            raise UserError(
                f"study '{study.name}' was begun with {name} {_shown(value)}, not {_shown(asked)}",
                "leave the option out, or begin another study with --name",
            )


def _shown(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _run(study: Study, budget: int, workers: int | None, *, quiet: bool) -> None:
    from ..events import ignore
    from ..report_run import measure
    from .progress import SearchDisplay

    if quiet:
        _search_and_settle(study, budget, workers, ignore)
        return
    with SearchDisplay([measure(name) for name in study.config.objectives]) as display:
        _search_and_settle(study, budget, workers, display)


def _search_and_settle(study: Study, budget: int, workers: int | None, on_event: OnEvent) -> None:
    """Search, then time the front again while nothing else runs."""
    study.run(budget, workers, on_event=on_event)
    if study.times_networks:
        study.remeasure(on_event=on_event)


def _keep(study: Study, *, quiet: bool) -> None:
    """Export the front and write the report; what cannot be exported is said and does not lose the search."""
    from ..export import FORMATS
    from ..report import write_report
    from ..report_source import settled_front

    front = settled_front(study)
    # Without training there are no weights, and without weights only the architecture.
    wanted = [f for f in FORMATS.values() if f.name == "ir" or "accuracy" in front[0].values]
    for left_out in (f for f in wanted if not f.available):
        console.note(f"not exported as {left_out.name}: that needs {' and '.join(left_out.needs)}")
    formats = [f.name for f in wanted if f.available]
    for trial in front if quiet else console.track(front, len(front), "exporting the front"):
        _export(study, trial, formats)
    write_report(study.folder.root)


def _export(study: Study, trial: TrialRecord, formats: Sequence[str]) -> None:
    from drawloom.ir import UserError

    from ..export import export_trials

    try:
        for _ in export_trials(study, [trial], formats):
            pass
    except UserError as error:
        console.note(f"warning: network #{trial.number} was not exported: {error}")


def _print_result(study: Study, as_json: bool) -> None:
    from ..report_source import settled_front

    front = settled_front(study)
    if as_json:
        console.print_json(_result_json(study, front))
        return
    _print_front(study, front)
    root = study.folder.root
    typer.echo(f"\nreport        {root / 'report.html'}")
    best = root / "front" / f"{front[0].number:04d}"
    runs = (best / "run.py").exists()
    typer.echo(f"networks      {root / 'front'}: a folder each, with README.md{' and run.py' * runs}")
    typer.echo(f"trials        {root / 'study.db'}")
    typer.echo("\nnext:")
    drawloom = console.tool("drawloom")
    if runs:
        typer.echo(f"  {console.tool('python')} {best / 'run.py'}")
    typer.echo(f"  {drawloom} show {best / 'network.ir'}")
    typer.echo(f"  {drawloom} train {best / 'network.ir'} --out final.safetensors")
    more = f"--name {study.name} --budget {2 * len(study.trials)} --resume"
    typer.echo(f"  {drawloom} search {study.config.space.path} {more}")


def _print_front(study: Study, front: Sequence[TrialRecord]) -> None:
    from ..report_run import measure
    from .progress import result_columns, result_row

    measures = [measure(name) for name in study.config.objectives]
    tested = any("test_accuracy" in trial.values for trial in front)
    rows = [result_row(trial, measures, tested=tested) for trial in front]
    title = f"\nthe front of {study.name}: {len(front)} network{'s' * (len(front) > 1)}"
    console.print_table(result_columns(measures, tested=tested), rows, title)


def _result_json(study: Study, front: Sequence[TrialRecord]) -> dict[str, Any]:
    trials = [trial for trial in study.trials if not trial.interrupted]
    return {
        "study": str(study.folder.root),
        "trials": len(trials),
        "failed": sum(trial.state == "failed" for trial in trials),
        "report": str(study.folder.root / "report.html"),
        "front": [
            {
                "number": trial.number,
                "assignment": trial.assignment,
                "values": dict(trial.values),
                "measurement": dict(trial.measurement or {}),
                "folder": str(study.folder.root / "front" / f"{trial.number:04d}"),
            }
            for trial in front
        ],
    }
