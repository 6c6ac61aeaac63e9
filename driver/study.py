"""A study: a search space, what it is searched for, and every trial so far; kept in a folder.

study = Study.create(Path("runs/mine"), space, objectives=["accuracy", "latency"], budget=24)
study.run(on_event=print)
for trial in study.front():
print(trial.number, trial.values)
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from drawloom.backends.files import folder_written_whole
from drawloom.ir import Module, UserError, print_module, unknown
from drawloom.strategies import make_strategy, parse_options
from drawloom.tasks import load_task

from .coordinator import Coordinator, SearchInterrupted, front_of
from .evaluation import EVALUATOR, warm_up_call
from .events import OnEvent, ignore
from .executor import Executor, default_workers
from .limits import Limits
from .objectives import METRICS, Metric, Source, parse_objectives, require_measurable
from .remeasurement import ROUNDS, Remeasurement, Subject, run_remeasurement
from .space import ModuleSpace
from .study_folder import (
    StudyConfig,
    StudyFolder,
    installed_versions,
    machine_facts,
    origin_of,
    write_json,
)
from .trial import TrialRecord

if TYPE_CHECKING:
    from .storage import TrialStore

__all__ = ["SearchInterrupted", "Study", "TrialRecord"]


class Study:
    """A search and its trials. Make one with `create`, or open one with `open`.

    Attributes:
        folder: where everything lies.
        config: what is searched and how.
        module: the search space.
        metrics: the objectives.
    """

    def __init__(self, folder: StudyFolder, config: StudyConfig, module: Module) -> None:
        """For `create` and `open`."""
        self.folder = folder
        self.config = config
        self.module = module
        self.metrics: tuple[Metric, ...] = parse_objectives(config.objectives)

    @classmethod
    def create(
        cls,
        path: Path | str,
        module: Module,
        *,
        space_path: Path | None = None,
        arguments: Mapping[str, Any] | None = None,
        task: str = "fashion_mnist",
        objectives: Sequence[str] = ("accuracy", "latency"),
        strategy: str = "regularized_evolution",
        options: Mapping[str, object] | None = None,
        seed: int = 0,
        budget: int = 24,
        target: str = "cpu",
        epochs: int | None = None,
        limits: Limits | None = None,
    ) -> Study:
        """Make a study in a new folder; no trial is run yet.

        Args:
            path: the folder, such as ``runs/mobile_fashion``. It appears complete or not at all.
            module: the search space.
            space_path: the file it was read from, which is remembered with its text.
            arguments: static arguments it was elaborated with.
            task: what networks are trained for.
            objectives: names of metrics; with several the study looks for a front.
            strategy: name.
            options: of the strategy; texts are converted.
            seed: of everything random.
            budget: number of trials.
            target: that latencies are measured on.
            epochs: of training, instead of those of the task's recipe.
            limits: of each trial.

        Raises:
            UserError: when the folder exists, a name is unknown, the space does not fit the task, or an
                objective cannot be measured here.
        """
        folder = StudyFolder(Path(path))
        if folder.root.exists():
            raise UserError(
                f"'{folder.root}' already exists", "continue it with --resume, or choose another name"
            )
        metrics = parse_objectives(objectives)
        require_measurable(metrics)
        if budget < 1:
            raise UserError(f"a budget of {budget} trials finds nothing", "it must be at least 1")
        if epochs is not None and epochs < 1:
            raise UserError(f"networks cannot be trained for {epochs} epochs", "it must be at least 1")
        ModuleSpace(module)
        load_task(task).check(module)
        _check_target(target, metrics)
        limits = limits or Limits()
        config = StudyConfig(
            space=origin_of(module, space_path, arguments or {}),
            task=task,
            objectives=tuple(metric.name for metric in metrics),
            strategy=strategy,
            options=vars(parse_options(strategy, options or {}).settled(budget)),
            seed=seed,
            budget=budget,
            target=target,
            epochs=epochs,
            seconds=limits.seconds,
            memory=limits.memory,
            created=datetime.now().astimezone().isoformat(timespec="seconds"),
            versions=installed_versions(),
            machine=machine_facts(),
        )
        study = cls(folder, config, module)
        study._write()
        return study

    @classmethod
    def open(cls, path: Path | str, module: Module | None = None) -> Study:
        """Open the study in a folder, also while a search runs in it.

        Args:
            path: the folder.
            module: the space that the caller believes it to be of.

        Raises:
            UserError: when there is no study, it is damaged, or it is of another space than `module`.
        """
        folder = StudyFolder(Path(path))
        config = folder.read_config()
        if module is not None:
            given = origin_of(module, None, {})
            if given.hash != config.space.hash:
                raise UserError(
                    f"'{folder.root}' is a study of another space: {config.space}, not {given}",
                    f"resume it with '{folder.space}', or choose another name for the new study",
                )
        study = cls(folder, config, folder.read_space(config))
        study._store().close()  # to notice damage now
        return study

    @property
    def name(self) -> str:
        """The last part of the folder's name."""
        return self.folder.root.name

    @cached_property
    def space(self) -> ModuleSpace:
        """The search space, as strategies see it."""
        return ModuleSpace(self.module)

    @property
    def trials(self) -> list[TrialRecord]:
        """All trials by number, read anew."""
        store = self._store()
        try:
            return [self._with_remeasurement(record) for record in store.records()]
        finally:
            store.close()

    def front(self) -> list[TrialRecord]:
        """The complete trials that no other dominates, by the first objective from best to worst.

        They are compared by what the search measured; `TrialRecord.settled` has later timings.
        """
        return list(front_of(self.trials, self.metrics))

    def run(
        self,
        budget: int | None = None,
        workers: int | None = None,
        on_event: OnEvent = ignore,
        evaluator: str = EVALUATOR,
    ) -> None:
        """Search until a number of trials is finished, counting those that are there already.

        Failed trials count; those that were interrupted are evaluated again. With one worker the same seed
        gives the same trials, however often the search is interrupted; with several, which trial ends first
        matters too.

        Args:
            budget: finished trials wanted in all; that of the study by default.
            workers: candidates evaluated at a time, each with one thread; the number of cores by default.
            on_event: told what happens, in this thread.
            evaluator: ``module:function`` that evaluates a candidate in another process; see
                `drawloom.evaluation`.

        Raises:
            SearchInterrupted: after Ctrl-C or a request to terminate.
            UserError: when another search runs in the folder, the database is damaged, or nothing can be
                evaluated.
        """
        require_measurable(self.metrics)
        wanted = self.config.budget if budget is None else budget
        count = default_workers() if workers is None else workers
        if count < 1:
            raise UserError(f"{count} workers evaluate nothing", "it must be at least 1")
        with self.folder.locked():
            store = self._store()
            try:
                self._search(store, wanted, count, on_event, evaluator)
            finally:
                store.close()

    @property
    def times_networks(self) -> bool:
        """Whether latency is an objective."""
        return any(metric.source is Source.TIMING for metric in self.metrics)

    def remeasure(
        self, numbers: Sequence[int] | None = None, rounds: int = ROUNDS, on_event: OnEvent = ignore
    ) -> list[TrialRecord]:
        """Time networks again, one after another with nothing else running, and keep the timings.

        Args:
            numbers: of complete trials; those of the front by default.
            rounds: in each of which every network is timed once; odd, so that one of them is the median.
            on_event: told of each round.

        Returns:
            The trials with their new timings in the place of the search's (`TrialRecord.settled`), in the
            given order.

        Raises:
            UserError: when TVM is missing, a search is running, a trial is not complete, or a timing fails.
        """
        require_measurable([METRICS["latency"]])
        records = {record.number: record for record in self.trials}
        chosen = [record.number for record in self.front()] if numbers is None else list(numbers)
        for number in chosen:
            if number not in records or not records[number].complete:
                raise UserError(f"trial {number} of '{self.folder.root}' is not complete")
        if not chosen:
            return []
        subjects = tuple(
            Subject(number, str(self.folder.network(number)), str(self.folder.weights(number)))
            for number in chosen
        )
        job = Remeasurement(subjects, self.config.target, rounds)
        limits = Limits(self.config.seconds * len(chosen), self.config.memory)
        with self.folder.locked(), Executor(limits=limits) as executor:
            found = run_remeasurement(executor, job, self.folder.root / "remeasurement.log", on_event)
        for number, measurement in found.items():
            write_json(self.folder.remeasurement(number), measurement)
        return [replace(records[number], remeasurement=found[number]).settled() for number in chosen]

    def _search(
        self, store: TrialStore, budget: int, workers: int, on_event: OnEvent, evaluator: str
    ) -> None:
        if budget != self.config.budget:
            self.config = replace(self.config, budget=budget)
            self.folder.write_config(self.config)
        strategy = make_strategy(
            self.config.strategy,
            self.space,
            objectives=len(self.metrics),
            seed=self.config.seed,
            options=self.config.options,
        )
        with _stop_requests() as stopping, self._executor(evaluator) as executor:
            Coordinator(
                folder=self.folder,
                config=self.config,
                metrics=self.metrics,
                space=self.space,
                store=store,
                strategy=strategy,
                executor=executor,
                evaluator=evaluator,
                on_event=on_event,
                stopping=stopping,
            ).run(budget, workers)

    def _executor(self, evaluator: str) -> Executor:
        sources = {metric.source for metric in self.metrics}
        warm_up = None
        if evaluator == EVALUATOR:
            warm_up = warm_up_call(
                self.config.task, train=Source.TRAINING in sources, time=Source.TIMING in sources
            )
        return Executor(warm_up, limits=Limits(self.config.seconds, self.config.memory))

    def _store(self, *, new: bool = False, folder: StudyFolder | None = None) -> TrialStore:
        from .storage import TrialStore

        database = (folder or self.folder).database
        return TrialStore(database, self.name, self.metrics, self.module.decisions, new=new)

    def _write(self) -> None:
        """Make the folder: under another name first, so that nobody ever finds half a study."""
        root = self.folder.root
        try:
            with folder_written_whole(root) as partial:
                folder = StudyFolder(partial)
                folder.write_text(folder.space, print_module(self.module))
                self._store(new=True, folder=folder).close()
                folder.write_config(self.config)
        except OSError as error:
            raise UserError(f"the study '{root}' cannot be made: {error.strerror}") from None

    def _with_remeasurement(self, record: TrialRecord) -> TrialRecord:
        return replace(record, remeasurement=self.folder.read_remeasurement(record.number))


def _check_target(target: str, metrics: Sequence[Metric]) -> None:
    if not any(metric.source is Source.TIMING for metric in metrics):
        return
    from drawloom.backends.tvm import target_entries

    known = target_entries()
    if target not in known:
        raise unknown("target", target, known)


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or a request to terminate (SIGTERM) came, so that the search can stop where it is safe.

    The second one is not waited with.
    """
    requests: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: bool(requests)  # only the main thread may set handlers
        return

    def request(number: int, frame: FrameType | None) -> None:
        if requests:
            raise KeyboardInterrupt
        requests.append(number)

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(requests)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
