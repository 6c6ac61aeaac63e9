"""The facts a report is made of, with everything derived from them that more than one section needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .objectives import Direction, Metric, parse_objectives
from .quantity import count_text, duration_text, latency_text, power_text

if TYPE_CHECKING:
    from drawloom.ir import Module

    from .trial import TrialRecord


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as people read it.

    Attributes:
        metric: what it is.
        title: for headings and axes.
        unit: of the axis, after `scale`.
        scale: from the stored number to the axis.
        better: the comparative in a sentence.
    """

    metric: Metric
    title: str
    unit: str
    scale: float
    better: str

    @property
    def name(self) -> str:
        """As on the command line, and the key in the values of a trial."""
        return self.metric.name

    @property
    def maximise(self) -> bool:
        """Whether more is better."""
        return self.metric.direction is Direction.MAXIMIZE

    @property
    def axis(self) -> str:
        """The title of an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def text(self, value: float) -> str:
        """A value as it stands in tables."""
        return self.metric.text(value)

    def best(self, values: Sequence[float]) -> float:
        """The best of some values."""
        return max(values) if self.maximise else min(values)


_WORDS: dict[str, tuple[str, str, float, str]] = {
    "accuracy": ("validation accuracy", "%", 100, "more accurate"),
    "latency": ("latency", "ms", 1e3, "faster"),
    "parameters": ("parameters", "millions", 1e-6, "smaller"),
    "multiply_adds": ("multiply-adds", "millions", 1e-6, "cheaper"),
    "activation_bytes": ("activation memory", "MiB", 1 / 2**20, "leaner"),
    "depth": ("depth", "operations", 1, "shallower"),
}
"""Title, unit of the axis, factor to that unit, and comparative of each metric."""


def measure(name: str) -> Measure:
    """How a metric is called and written.

    Raises:
        UserError: when there is no such metric.
    """
    (metric,) = parse_objectives([name])
    title, unit, scale, better = _WORDS.get(name, (name.replace("_", " "), metric.unit, 1.0, "better"))
    return Measure(metric, title, unit, scale, better)


_SHORT = 2e-4
"""Seconds; when no latency is longer, axes are in microseconds."""


@dataclass(frozen=True)
class Run:
    """A finished or interrupted search.

    Attributes:
        name: of the study.
        space: name of the network in the space.
        space_path: the file it was read from.
        space_text: its text.
        module: the elaborated space, or None when its text can no longer be read.
        candidates: size of the space.
        task: name of what the networks were trained for.
        task_help: what that is.
        strategy: name of the search algorithm.
        objectives: names, the first being the one that matters most.
        budget: trials asked for.
        seed: of the search.
        command: the command line that reproduces it.
        versions: of the libraries, by name.
        machine: facts about the computer, by name.
        trials: every trial, by number.
        front: numbers of the trials on the front, best first objective first.
        exports: for trials of the front, the folder with their files, relative to the report.
        started: date and time as text.
        notes: further remarks for the reader, one line each.
    """

    name: str
    space: str
    space_path: str
    space_text: str
    module: Module | None
    candidates: int
    task: str
    task_help: str
    strategy: str
    objectives: tuple[str, ...]
    budget: int
    seed: int
    command: str
    trials: tuple[TrialRecord, ...]
    front: tuple[int, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[int, str] = field(default_factory=dict)
    started: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The objectives; short latencies on an axis in microseconds."""
        found = (measure(name) for name in self.objectives)
        return tuple(replace(m, unit="µs", scale=1e6) if self._is_short(m) else m for m in found)

    def _is_short(self, m: Measure) -> bool:
        return m.name == "latency" and all(t.values["latency"] < _SHORT for t in self.complete)

    @cached_property
    def complete(self) -> tuple[TrialRecord, ...]:
        """Trials that were evaluated."""
        return tuple(t for t in self.trials if t.state == "complete")

    @cached_property
    def failed(self) -> tuple[TrialRecord, ...]:
        """Trials that failed."""
        return tuple(t for t in self.trials if t.state == "failed")

    @cached_property
    def best(self) -> tuple[TrialRecord, ...]:
        """The trials of the front."""
        by_number = {t.number: t for t in self.trials}
        return tuple(by_number[number] for number in self.front)

    @property
    def seconds(self) -> float:
        """Time spent in trials, summed over workers."""
        return sum(t.seconds or 0.0 for t in self.trials)

    @property
    def epochs(self) -> int:
        """Of the longest training; 0 when nothing was trained."""
        return max((len(t.intermediate) for t in self.complete), default=0)

    @cached_property
    def tested(self) -> bool:
        """Whether networks were also judged on the test images."""
        return any("test_accuracy" in t.values for t in self.complete)

    def headline(self) -> str:
        """What came out, in one sentence."""
        if not self.complete:
            return f"No network was evaluated: all {len(self.trials)} trials failed."
        first, top = self.measures[0], self.best[0]
        others = " and ".join(m.text(top.values[m.name]) for m in self.measures[1:])
        tail = f" at {others}" if others else ""
        if first.name == "accuracy" and "test_accuracy" in top.values:
            reached = f"{first.text(top.values['test_accuracy'])} test accuracy"
            return f"{len(self.complete)} networks tried; the one that validates best has {reached}{tail}."
        best = f"{first.text(top.values[first.name])} {first.title}"
        return f"{len(self.complete)} networks tried; the best has {best}{tail}."

    def tiles(self) -> list[tuple[str, str, str]]:
        """The figures a reader wants first: value, what it is, remark."""
        failed = f"{len(self.failed)} failed" if self.failed else "none failed"
        tiles = [
            (_short_size(self.candidates), "networks in the space", f"{len(self.trials)} of them tried"),
            (count_text(len(self.complete)), "trained and measured", failed),
        ]
        for m in self.measures if self.complete else ():
            values = [t.values[m.name] for t in self.complete]
            worst = max(values) if not m.maximise else min(values)
            tiles.append((m.text(m.best(values)), f"best {m.title}", f"worst {m.text(worst)}"))
        tiles.append(
            (
                duration_text(self.seconds),
                "in all trials together",
                f"{duration_text(self.seconds / max(1, len(self.trials)))} a network",
            )
        )
        return tiles


def _short_size(value: int) -> str:
    return count_text(value) if value < 10**6 else power_text(value)


def spread_text(measurement: Mapping[str, Any]) -> str:
    """The range of the middle half of the repeats of a timing; empty when it was not measured."""
    low, high = measurement.get("lower_quartile"), measurement.get("upper_quartile")
    if low is None or high is None:
        return ""
    return f"{latency_text(low)} to {latency_text(high)}"
