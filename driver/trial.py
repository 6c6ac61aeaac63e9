"""What is known of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from drawloom.ir import Assignment

INTERRUPTED = "interrupted"
"""The reason of trials whose search was stopped; another trial evaluates their candidate again."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One evaluation of one candidate.

    Attributes:
        number: counted from 0; names the trial.
        state: ``complete``, ``failed`` or ``running``.
        assignment: the candidate.
        architecture: structural hash of the resolved network.
        origin: where it comes from: ``random`` or ``mutation of #3``.
        proposal: which proposal of the strategy it evaluates; a trial that replaces an interrupted one has
            the same.
        reason: why it failed, one line; None otherwise.
        values: what was measured, by name: objectives in their units (see `drawloom.objectives`), and what
            else is known, such as ``test_accuracy``. Empty unless complete.
        parameters: trainable numbers.
        multiply_adds: of one image.
        measurement: the timing behind ``latency``, as the backend gives it, with the load under which it was
            taken.
        remeasurement: a later timing on the idle machine, or None.
        intermediate: epoch (from 1), training loss, and validation accuracy after it.
        seconds: that the evaluation took, without waiting for the machine; None while it runs.
        started: local time.
        finished: local time.
    """

    number: int
    state: str
    assignment: Assignment
    architecture: str
    origin: str = ""
    proposal: int = 0
    reason: str | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    measurement: Mapping[str, Any] | None = None
    remeasurement: Mapping[str, Any] | None = None
    intermediate: tuple[tuple[int, float, float], ...] = ()
    seconds: float | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def complete(self) -> bool:
        """Whether it has values."""
        return self.state == "complete"

    @property
    def interrupted(self) -> bool:
        """Whether it says nothing about its candidate, because the search was stopped."""
        return self.state == "failed" and self.reason == INTERRUPTED

    def settled(self) -> TrialRecord:
        """The trial with the timing of the idle machine in the place of the search's, where there is one."""
        if self.remeasurement is None:
            return self
        values = {**self.values, "latency": self.remeasurement["median"]}
        return replace(self, values=values, measurement=self.remeasurement)
