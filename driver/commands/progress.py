"""Shows a search while it runs: on a terminal a bar with the front, elsewhere a line a trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

from ..events import (
    EpochFinished,
    Event,
    Remeasuring,
    SearchStarted,
    SpaceExhausted,
    StageStarted,
    TrialEnded,
    TrialStarted,
)
from ..quantity import count_text, duration_text, share_text
from ..report_run import Measure, spread_text
from .console import Column, is_terminal, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress import Progress

    from ..trial import TrialRecord

_ROWS = 10
"""Networks of the front shown while the search runs."""


def result_columns(measures: Sequence[Measure], *, tested: bool) -> list[Column]:
    """The columns of a table of networks; `tested` ones have an accuracy on the test images."""
    names = {m.name for m in measures}
    columns = [Column("network")]
    columns += [Column("test accuracy", numeric=True)] if tested else []
    columns += [Column(m.title, numeric=True) for m in measures]
    columns += [Column("spread (middle half)", numeric=True)] if "latency" in names else []
    columns += [Column("parameters", numeric=True)] if "parameters" not in names else []
    return columns + ([Column("multiply-adds", numeric=True)] if "multiply_adds" not in names else [])


def result_row(trial: TrialRecord, measures: Sequence[Measure], *, tested: bool) -> list[str]:
    """A trial as a row below `result_columns`."""
    names = {m.name for m in measures}
    row = [f"#{trial.number}"]
    row += [_share(trial.values.get("test_accuracy"))] if tested else []
    row += [m.text(trial.values[m.name]) for m in measures]
    row += [spread_text(trial.measurement or {})] if "latency" in names else []
    row += [_count(trial.parameters)] if "parameters" not in names else []
    return row + ([_count(trial.multiply_adds)] if "multiply_adds" not in names else [])


def _share(value: float | None) -> str:
    return "-" if value is None else share_text(value)


def _count(value: int | None) -> str:
    return "-" if value is None else count_text(value)


class SearchDisplay:
    """Follows a search: a context manager that is called with each event."""

    def __init__(self, measures: Sequence[Measure]) -> None:
        """Prepare for a search with these objectives; nothing is shown before the context is entered."""
        self.measures = tuple(measures)
        self.total = self.done = self.failed = 0
        self.front: tuple[TrialRecord, ...] = ()
        self.doing: dict[int, str] = {}
        self.phase = "searching"
        self._live: Live | None = None
        self._bar: Progress | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            SearchStarted: self._on_start,
            TrialStarted: self._on_trial,
            StageStarted: self._on_stage,
            EpochFinished: self._on_epoch,
            TrialEnded: self._on_end,
            SpaceExhausted: self._on_exhausted,
            Remeasuring: self._on_remeasuring,
        }

    def __enter__(self) -> Self:
        """Begin to show."""
        if is_terminal():
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""
        self.doing.clear()
        self._refresh()
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def __call__(self, event: Event) -> None:
        """Show what happened."""
        self._handlers[type(event)](event)
        self._refresh()

    def _on_start(self, event: SearchStarted) -> None:
        self.total, self.done = event.budget, event.finished
        kept = f", {event.finished} of them done before" if event.finished else ""
        workers = f"{event.workers} worker{'s' * (event.workers > 1)}"
        self._say(f"{event.budget} trials{kept}, {workers}")

    def _on_trial(self, event: TrialStarted) -> None:
        self.doing[event.trial.number] = "starting"

    def _on_stage(self, event: StageStarted) -> None:
        self.doing[event.number] = event.stage

    def _on_epoch(self, event: EpochFinished) -> None:
        self.doing[event.number] = (
            f"training, epoch {event.epoch} of {event.epochs}, accuracy {share_text(event.accuracy)}"
        )

    def _on_end(self, event: TrialEnded) -> None:
        trial = event.trial
        self.doing.pop(trial.number, None)
        self.done += 1
        self.failed += trial.state == "failed"
        self.front = event.front
        if self._live is None or trial.state == "failed":
            self._say(self._line(trial))

    def _on_exhausted(self, event: SpaceExhausted) -> None:
        self.total = self.done
        self._say(f"the space is exhausted: {event.reason}")

    def _on_remeasuring(self, event: Remeasuring) -> None:
        self.phase = f"timing the front again, round {event.done} of {event.rounds}"
        if self._live is None and event.done == event.rounds:
            self._say("timed the front again on the idle machine")

    def _line(self, trial: TrialRecord) -> str:
        head = f"[{self.done}/{self.total}] #{trial.number}"
        if trial.state == "failed":
            return f"{head} failed: {trial.reason}"
        numbers = ", ".join(f"{m.title} {m.text(trial.values[m.name])}" for m in self.measures)
        place = "  on the front" if any(t.number == trial.number for t in self.front) else ""
        return f"{head} {numbers}  ({duration_text(trial.seconds or 0.0)}){place}"

    def _say(self, text: str) -> None:
        if self._live is None:
            typer.echo(text)
        else:
            self._live.console.print(text, markup=False, highlight=False)

    def _open(self) -> None:
        from rich.live import Live
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed
        from rich.progress import TimeRemainingColumn as Remaining

        texts = TextColumn("{task.description}"), TextColumn("left:")
        self._bar = Progress(
            SpinnerColumn(), texts[0], BarColumn(), MofNCompleteColumn(), Elapsed(), texts[1], Remaining()
        )
        self._bar.add_task(self.phase, total=None)
        self._live = Live(self._picture(), console=terminal(), refresh_per_second=4)
        self._live.__enter__()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._picture())

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        assert self._bar is not None
        failed = f", {self.failed} failed" if self.failed else ""
        self._bar.update(
            self._bar.task_ids[0],
            completed=self.done,
            total=self.total or None,
            description=f"{self.phase}{failed}",
        )
        doing = (Text(f"  #{number} {what}", style="dim") for number, what in sorted(self.doing.items()))
        return Group(self._bar, *doing, *self._front_table())

    def _front_table(self) -> list[RenderableType]:
        from rich.table import Table

        if not self.front:
            return []
        title = f"the front so far: {len(self.front)} network{'s' * (len(self.front) > 1)}"
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 2))
        for column in result_columns(self.measures, tested=False):
            table.add_column(column.title, justify="right" if column.numeric else "left")
        for trial in self.front[:_ROWS]:
            table.add_row(*result_row(trial, self.measures, tested=False))
        return [table]
