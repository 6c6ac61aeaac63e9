"""Reads the facts of a report from the folder of a study."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from .export import MANIFEST, front_folder
from .front import pareto_front
from .objectives import costs
from .report_run import Run
from .study import Study
from .study_folder import StudyConfig
from .trial import TrialRecord


def read_run(root: Path, *, relative_to: Path | None = None) -> Run:
    """The facts of a study, finished or not.

    Args:
        root: the folder of the study; nothing in it is changed.
        relative_to: where the report will lie, for links to exported networks; the study's folder by default.

    Raises:
        UserError: when there is no study, or something in it is damaged.
    """
    from drawloom.tasks import load_task

    study = Study.open(root)
    config = study.config
    trials = tuple(trial.settled() for trial in study.trials)
    front = tuple(trial.number for trial in settled_front(study))
    return Run(
        name=study.name,
        space=config.space.name,
        space_path=config.space.path or "memory",
        space_text=config.space.text,
        module=study.module,
        candidates=study.space.size,
        task=config.task,
        task_help=load_task(config.task).help,
        strategy=config.strategy,
        objectives=config.objectives,
        budget=config.budget,
        seed=config.seed,
        command=command_line(config),
        trials=tuple(trial for trial in trials if not trial.interrupted),
        front=front,
        versions=config.versions,
        machine=config.machine,
        exports=_exports(root, front, relative_to or root),
        started=_date(config.created),
    )


def settled_front(study: Study) -> list[TrialRecord]:
    """The front of a study, with the timings of the idle machine where there are any.

    The best in the first objective comes first. A network that turns out to be dominated under these
    timings is left out.
    """
    members = [trial.settled() for trial in study.front()]
    kept = pareto_front([costs(study.metrics, trial.values) for trial in members])
    return [members[position] for position in kept]


def command_line(config: StudyConfig) -> str:
    """The command that makes such a study again, for a POSIX shell."""
    words = ["drawloom", "search", config.space.path or "SPACE.loom", "--budget", str(config.budget)]
    words += _pairs("--objective", config.objectives)
    words += ["--strategy", config.strategy]
    words += _pairs("--option", _written(config.options))
    words += _pairs("--arg", _written(config.space.arguments))
    words += ["--task", config.task, "--target", config.target, "--seed", str(config.seed)]
    words += ["--epochs", str(config.epochs)] if config.epochs is not None else []
    words += ["--timeout", f"{config.seconds:g}", "--memory", f"{config.memory / 2**30:g}"]
    return shlex.join(words)


def _pairs(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _written(options: Mapping[str, int | float | bool | str]) -> Iterable[str]:
    from drawloom.ir import choice_text

    return (f"{name}={choice_text(value)}" for name, value in options.items())


def _exports(root: Path, front: Iterable[int], relative_to: Path) -> dict[int, str]:
    """The folders of exported networks, as links from where the report lies."""
    folders = {number: front_folder(root) / f"{number:04d}" for number in front}
    return {
        number: os.path.relpath(folder, relative_to)
        for number, folder in folders.items()
        if (folder / MANIFEST).is_file()
    }


def _date(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return f"{moment.day} {moment:%B %Y, %H:%M}"
