"""The search itself: one process asks the strategy, has candidates evaluated, and stores what they became.

Nothing else writes to the study. Whatever is stored when it is killed is enough to go on exactly where it
stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drawloom.ir import UserError
from drawloom.strategies import ExhaustedError, Outcome, Proposal, Strategy

from .evaluation import Evaluation, Result
from .events import (
    EpochFinished,
    OnEvent,
    SearchStarted,
    SpaceExhausted,
    StageStarted,
    TrialEnded,
    TrialStarted,
)
from .executor import Ended, Executor, Note
from .front import pareto_front
from .objectives import Metric, Source, costs
from .space import Candidate, ModuleSpace
from .storage import TrialStore
from .study_folder import StudyConfig, StudyFolder
from .trial import INTERRUPTED, TrialRecord
from .warm import Call

POLL_SECONDS = 0.5


class SearchInterrupted(UserError):
    """The search was stopped by Ctrl-C or a request to terminate; everything that was finished is stored."""


@dataclass(frozen=True, slots=True)
class Task:
    """A proposal that is to be evaluated: a new one, or one whose trial was interrupted."""

    proposal: int
    assignment: Mapping[str, Any]
    origin: str


class Coordinator:
    """One run of a search, from what is stored to a number of finished trials."""

    def __init__(
        self,
        folder: StudyFolder,
        config: StudyConfig,
        metrics: Sequence[Metric],
        space: ModuleSpace,
        store: TrialStore,
        strategy: Strategy,
        executor: Executor,
        evaluator: str,
        on_event: OnEvent,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Read what is stored, fail what was left running, and bring the strategy to where it was."""
        self.folder = folder
        self.config = config
        self.metrics = tuple(metrics)
        self.space = space
        self.store = store
        self.strategy = strategy
        self.executor = executor
        self.evaluator = evaluator
        self.on_event = on_event
        self.stopping = stopping
        self.records = {record.number: record for record in store.records()}
        self.running: dict[int, TrialRecord] = {}
        """By token of the executor."""
        self._interrupt(record for record in self.records.values() if record.state == "running")
        self.again = _to_repeat(self.records.values())
        self._replay()
        self.next_proposal = 1 + max((record.proposal for record in self.records.values()), default=-1)
        self.exhausted = False

    @property
    def finished(self) -> int:
        """Trials that say something about their candidate."""
        return sum(record.state != "running" and not record.interrupted for record in self.records.values())

    def run(self, budget: int, workers: int) -> None:
        """Search until `budget` trials are finished or no architecture is left.

        Raises:
            SearchInterrupted: when it is to stop before.
        """
        self.on_event(SearchStarted(budget, self.finished, workers))
        try:
            while True:
                if self.stopping():
                    message = f"the search was interrupted after {self.finished} of {budget} trials"
                    raise SearchInterrupted(message, "nothing finished is lost; go on with --resume")
                while len(self.running) < workers and (task := self._next(budget)) is not None:
                    self._begin(task)
                if not self.running:
                    return
                for happened in self.executor.poll(POLL_SECONDS):
                    self._hear(happened)
        finally:
            self.executor.close()
            self._interrupt(self.running.values())

    def front(self) -> tuple[TrialRecord, ...]:
        """The best trials, by the first objective."""
        return front_of(self.records.values(), self.metrics)

    def _next(self, budget: int) -> Task | None:
        """What to evaluate next, if anything."""
        if self.again:
            return self.again.pop(0)
        if self.exhausted or self.finished + len(self.running) >= budget:
            return None
        try:
            proposal: Proposal = self.strategy.propose(self.next_proposal)
        except ExhaustedError as error:
            self.exhausted = True
            self.on_event(SpaceExhausted(str(error)))
            return None
        self.next_proposal += 1
        return Task(self.next_proposal - 1, proposal.assignment, proposal.origin)

    def _begin(self, task: Task) -> None:
        """Store a trial and have it evaluated."""
        candidate = self.space.candidate(dict(task.assignment))
        record = TrialRecord(
            number=-1,
            state="running",
            assignment=candidate.assignment,
            architecture=candidate.key,
            origin=task.origin,
            proposal=task.proposal,
            parameters=candidate.prices["parameters"],
            multiply_adds=candidate.prices["multiply_adds"],
        )
        record = replace(record, number=self.store.start(record))
        self.records[record.number] = record
        self.folder.trial(record.number).mkdir(parents=True, exist_ok=True)
        self.folder.write_text(self.folder.network(record.number), candidate.text)
        call = Call(self.evaluator, self._evaluation(record, candidate))
        token = self.executor.submit(call, self.folder.log(record.number))
        self.running[token] = record
        self.on_event(TrialStarted(record))

    def _evaluation(self, record: TrialRecord, candidate: Candidate) -> Evaluation:
        sources = {metric.source for metric in self.metrics}
        return Evaluation(
            network=str(self.folder.network(record.number)),
            weights=str(self.folder.weights(record.number)),
            task=self.config.task,
            train=Source.TRAINING in sources,
            time=Source.TIMING in sources,
            target=self.config.target,
            seed=training_seed(self.config.seed, record.proposal),
            epochs=self.config.epochs,
            prices=candidate.prices,
        )

    def _hear(self, happened: Note | Ended) -> None:
        record = self.running[happened.token]
        if isinstance(happened, Ended):
            del self.running[happened.token]
            self._end(record, happened)
        elif happened.kind == "epoch":
            self._epoch(happened.token, record, happened.payload)
        elif happened.kind == "stage":
            self.on_event(StageStarted(record.number, happened.payload["stage"]))

    def _epoch(self, token: int, record: TrialRecord, told: Mapping[str, Any]) -> None:
        latest = (int(told["epoch"]), float(told["loss"]), float(told["accuracy"]))
        record = replace(record, intermediate=(*record.intermediate, latest))
        self.running[token] = self.records[record.number] = record
        self.store.epoch(record.number, record.intermediate)
        self.on_event(EpochFinished(record.number, latest[0], int(told["epochs"]), latest[1], latest[2]))

    def _end(self, record: TrialRecord, ended: Ended) -> None:
        """Store what a trial came to, and only then tell the strategy."""
        reason = ended.reason or self._complaint(ended.result)
        seconds = round(ended.seconds, 3)
        if reason is not None:
            self.store.fail(record.number, reason, {"seconds": seconds})
            record = replace(record, state="failed", reason=reason, seconds=seconds)
        else:
            result: Result = ended.result
            attributes = {"measurement": result.measurement, "seconds": seconds}
            self.store.complete(record.number, result.values, attributes)
            record = replace(
                record,
                state="complete",
                values=result.values,
                measurement=result.measurement,
                seconds=seconds,
            )
        self.records[record.number] = record
        self.strategy.observe(self._outcome(record))
        self.on_event(TrialEnded(record, self.front()))

    def _complaint(self, result: Any) -> str | None:
        """What is wrong with a result, if anything."""
        if not isinstance(result, Result):
            return f"the evaluator gave {type(result).__name__} instead of a result"
        for metric in self.metrics:
            value = result.values.get(metric.name)
            if value is None or not math.isfinite(value):
                return f"{metric.name} is {'missing' if value is None else value}"
        return None

    def _outcome(self, record: TrialRecord) -> Outcome:
        found = costs(self.metrics, record.values) if record.complete else None
        return Outcome(record.number, record.proposal, dict(record.assignment), record.architecture, found)

    def _interrupt(self, left: Iterable[TrialRecord]) -> None:
        """Trials that will not come to an end: their proposals are evaluated again, by other trials."""
        for record in list(left):
            self.store.fail(record.number, INTERRUPTED, {})
            self.records[record.number] = replace(record, state="failed", reason=INTERRUPTED)

    def _replay(self) -> None:
        ended = [r for r in self.records.values() if not r.interrupted and r.state != "running"]
        ended.sort(key=lambda r: (r.finished is None, r.finished, r.number))
        self.strategy.replay(self._outcome(record) for record in ended)
        for task in self.again:
            self.strategy.expect(task.proposal, self.space.key(dict(task.assignment)))


def _to_repeat(records: Iterable[TrialRecord]) -> list[Task]:
    """Proposals of which every trial was interrupted."""
    known = list(records)
    answered = {record.proposal for record in known if not record.interrupted}
    lost = {r.proposal: Task(r.proposal, r.assignment, r.origin) for r in known if r.proposal not in answered}
    return [lost[proposal] for proposal in sorted(lost)]


def training_seed(seed: int, proposal: int) -> int:
    """The seed of a trial's weights and training, from those of the study: another for every proposal."""
    return (seed * 1_000_003 + proposal) % 2**31


def front_of(records: Iterable[TrialRecord], metrics: Sequence[Metric]) -> tuple[TrialRecord, ...]:
    """The complete trials that no other dominates, by the first objective from best to worst."""
    complete = [record for record in records if record.complete]
    return tuple(complete[i] for i in pareto_front([costs(metrics, record.values) for record in complete]))
