"""The metrics that a search can optimise: direction, unit, and what has to be done to know one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from drawloom.ir import UserError, unknown

from .quantity import bytes_text, latency_text, share_text, short_count


class Direction(Enum):
    """Which values are good."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Source(Enum):
    """How a metric of a candidate becomes known."""

    PRICING = "pricing"
    """Counted without building the network."""
    TRAINING = "training"
    """Train the network."""
    TIMING = "timing"
    """Compile the network and run it on the target."""


@dataclass(frozen=True, slots=True)
class Library:
    """An optional library: its import name, what people call it, and how to get it."""

    module: str
    title: str
    install: str

    @property
    def installed(self) -> bool:
        """Whether it can be found, without importing it."""
        return importlib.util.find_spec(self.module) is not None


NEEDS: dict[Source, Library] = {
    Source.TRAINING: Library("torch", "PyTorch", "pip install 'drawloom[torch]'"),
    Source.TIMING: Library("tvm", "Apache TVM", "pip install 'drawloom[tvm]'"),
}
"""What must be installed."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is known of a finished trial, as a number.

    Attributes:
        name: as users write it, and the key in the values of a trial.
        direction: which values are good.
        unit: of the number: ``s``, ``B``, ``share`` (0 to 1), or nothing for counts.
        source: how it becomes known.
        help: one line for lists.
    """

    name: str
    direction: Direction
    unit: str
    source: Source
    help: str

    def cost(self, value: float) -> float:
        """The value as a cost, where smaller is better."""
        return -value if self.direction is Direction.MAXIMIZE else value

    def text(self, value: float) -> str:
        """The value as people read it: ``91.2 %``, ``0.342 ms``, ``1.2 M``."""
        return _TEXTS[self.unit](value)


_TEXTS: dict[str, Callable[[float], str]] = {
    "": short_count,
    "s": latency_text,
    "B": bytes_text,
    "share": share_text,
}
"""How values are written, by unit."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in [
        Metric(
            "accuracy",
            Direction.MAXIMIZE,
            "share",
            Source.TRAINING,
            "share of validation images classified rightly",
        ),
        Metric("latency", Direction.MINIMIZE, "s", Source.TIMING, "median time of one image on the target"),
        Metric("parameters", Direction.MINIMIZE, "", Source.PRICING, "trainable numbers"),
        Metric(
            "multiply_adds",
            Direction.MINIMIZE,
            "",
            Source.PRICING,
            "multiply-adds of convolutions and linear layers for one image",
        ),
        Metric(
            "activation_bytes",
            Direction.MINIMIZE,
            "B",
            Source.PRICING,
            "bytes that all operations write for one image",
        ),
        Metric("depth", Direction.MINIMIZE, "", Source.PRICING, "operations on the longest path"),
    ]
}
"""Every metric by name."""


def parse_objectives(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of some names, in order.

    Raises:
        UserError: when there is none, one is unknown (naming the nearest), or one is given twice.
    """
    chosen: dict[str, Metric] = {}
    for name in names:
        if name not in METRICS:
            raise unknown("objective", name, METRICS)
        if name in chosen:
            raise UserError(f"objective '{name}' is given twice")
        chosen[name] = METRICS[name]
    if not chosen:
        raise UserError("a search needs an objective", f"known: {', '.join(METRICS)}")
    return tuple(chosen.values())


def require_measurable(metrics: Iterable[Metric]) -> None:
    """Refuse metrics that this installation cannot measure.

    Raises:
        UserError: naming the metric, the library that is missing and how to install it.
    """
    for metric in metrics:
        library = NEEDS.get(metric.source)
        if library is not None and not library.installed:
            raise UserError(
                f"objective '{metric.name}' needs {library.title}, which is not installed",
                f"install it: {library.install}",
            )


def costs(metrics: Sequence[Metric], values: Mapping[str, float]) -> tuple[float, ...]:
    """The costs of a trial, one a metric, smaller is better; NaN for a value that is missing."""
    return tuple(metric.cost(values.get(metric.name, float("nan"))) for metric in metrics)
