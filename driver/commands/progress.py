"""Shows a search while it runs: a bar with the running front on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from ..quantity import count_text, duration_text
from ..report_run import Measure
from .console import Column, is_terminal, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.progress import Progress

    from ..study import TrialRecord

_ROWS = 10
"""Networks of the front shown while the search runs."""


def result_columns(measures: Sequence[Measure]) -> list[Column]:
    """The columns of a table of networks."""
    prices = [
        name
        for name in ("parameters", "multiply-adds")
        if name.replace("-", "_") not in {m.name for m in measures}
    ]
    columns = [Column("network"), *(Column(m.title, numeric=True) for m in measures)]
    if any(m.name == "latency" for m in measures):
        columns.append(Column("middle half of timings", numeric=True))
    return [*columns, *(Column(name, numeric=True) for name in prices)]


def result_row(trial: TrialRecord, measures: Sequence[Measure]) -> list[str]:
    """A trial as a row below `result_columns`."""
    from ..report_run import spread_text

    names = {m.name for m in measures}
    row = [f"#{trial.number}", *(m.text(trial.values[m.name]) for m in measures)]
    if "latency" in names:
        row.append(spread_text(trial.measurement or {}))
    prices = [(name, getattr(trial, name)) for name in ("parameters", "multiply_adds") if name not in names]
    return [*row, *("-" if price is None else count_text(price) for _, price in prices)]


class SearchDisplay:
    """Follows a search. A context manager; tell it of each finished trial with `finished`.

    Args:
        total: trials of the whole study.
        done: trials that were there before.
        measures: the objectives.
    """

    def __init__(self, total: int, done: int, measures: Sequence[Measure]) -> None:
        """Prepare; nothing is shown before the context is entered."""
        self.total = total
        self.done = done
        self.measures = tuple(measures)
        self.failed = 0
        self.front: tuple[TrialRecord, ...] = ()
        self.began = time.monotonic()
        self.live: Live | None = None
        self.bar: Progress | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self.began = time.monotonic()
        if is_terminal():
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""
        if self.live is not None:
            self.live.__exit__(kind, error, trace)

    def finished(self, trial: TrialRecord, front: Sequence[TrialRecord]) -> None:
        """Show a trial that just ended, and the front with it."""
        self.done += 1
        self.failed += trial.state == "failed"
        self.front = tuple(front)
        if self.live is None:
            typer.echo(self._line(trial))
            return
        if trial.state == "failed":
            self.live.console.print(self._line(trial), style="yellow", markup=False)
        self.live.update(self._picture())

    def _line(self, trial: TrialRecord) -> str:
        head = f"[{self.done}/{self.total}] #{trial.number}"
        if trial.state == "failed":
            return f"{head} failed: {trial.reason}"
        numbers = ", ".join(f"{m.title} {m.text(trial.values[m.name])}" for m in self.measures)
        place = "  on the front" if any(t.number == trial.number for t in self.front) else ""
        return f"{head} {numbers}  ({duration_text(trial.seconds or 0.0)}){place}"

    def _open(self) -> None:
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
        )
        self.bar.add_task("searching", total=self.total, completed=self.done)
        self.live = Live(self._picture(), console=terminal(), refresh_per_second=4)
        self.live.__enter__()

    def _picture(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        assert self.bar is not None
        failed = f", {self.failed} failed" if self.failed else ""
        self.bar.update(self.bar.task_ids[0], completed=self.done, description=f"searching{failed}")
        if not self.front:
            return self.bar
        table = Table(
            title=f"the front: {len(self.front)} networks",
            title_justify="left",
            box=None,
            padding=(0, 2, 0, 0),
        )
        for column in result_columns(self.measures):
            table.add_column(
                column.title,
                justify="right" if column.numeric else "left",
                style="cyan" if not column.numeric else None,
            )
        for trial in self.front[:_ROWS]:
            table.add_row(*result_row(trial, self.measures))
        return Group(self.bar, table)
