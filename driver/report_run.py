"""The facts a report is made of, with everything derived from them that more than one section needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .quantity import count_text, duration_text, latency_text, power_text, share_text, short_count

if TYPE_CHECKING:
    from drawloom.ir import Module

    from .study import TrialRecord


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that can be an objective: how it is called and written, and which way is better.

    Attributes:
        name: as on the command line.
        title: for headings and axes.
        maximise: whether more is better.
        unit: of the axis, after `scale`.
        scale: from the stored number to the axis.
        better: the comparative in a sentence.
    """

    name: str
    title: str
    maximise: bool
    unit: str
    scale: float
    better: str

    def text(self, value: float) -> str:
        """A value as it stands in tables."""
        return _TEXTS.get(self.name, _plain)(value)

    def best(self, values: Sequence[float]) -> float:
        """The best of some values."""
        return max(values) if self.maximise else min(values)

    @property
    def axis(self) -> str:
        """The title of an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def _plain(value: float) -> str:
    return f"{value:.4g}"


_TEXTS = {
    "accuracy": share_text,
    "latency": latency_text,
    "parameters": short_count,
    "multiply_adds": short_count,
    "activation_bytes": short_count,
}

_MEASURES = {
    m.name: m
    for m in [
        Measure("accuracy", "test accuracy", True, "%", 100, "more accurate"),
        Measure("latency", "latency", False, "ms", 1e3, "faster"),
        Measure("parameters", "parameters", False, "M", 1e-6, "smaller"),
        Measure("multiply_adds", "multiply-adds", False, "M", 1e-6, "cheaper"),
        Measure("activation_bytes", "activation memory", False, "MiB", 1 / 2**20, "leaner"),
    ]
}


def measure(name: str) -> Measure:
    """How an objective is called and written; an expression over several is maximised and has no unit."""
    return _MEASURES.get(name) or Measure(name, name, True, "", 1, "better")


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
        task: name and description of what the networks were trained for.
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
        """The objectives."""
        return tuple(measure(name) for name in self.objectives)

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

    def headline(self) -> str:
        """What came out, in one sentence."""
        if not self.complete:
            return f"No network was evaluated: all {len(self.trials)} trials failed."
        first = self.measures[0]
        top = self.best[0]
        others = " and ".join(f"{m.text(top.values[m.name])}" for m in self.measures[1:])
        best = first.text(top.values[first.name])
        tail = f" at {others}" if others else ""
        return f"{len(self.complete)} networks tried; the best reaches {best} {first.title}{tail}."

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
        tiles.append((duration_text(self.seconds), "of evaluation", f"{duration_text(self.seconds / max(1, len(self.trials)))} a network"))
        return tiles


def _short_size(value: int) -> str:
    return count_text(value) if value < 10**6 else power_text(value)


def spread_text(measurement: Mapping[str, Any]) -> str:
    """The spread of a latency as the range of the middle half of its repeats; empty when it was not measured."""
    low, high = measurement.get("lower_quartile"), measurement.get("upper_quartile")
    return "" if low is None or high is None else f"{latency_text(low)} to {latency_text(high)}"
