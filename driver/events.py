"""What a search tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .trial import TrialRecord


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """The search begins; `finished` of its `budget` trials were there already."""

    budget: int
    finished: int
    workers: int


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins."""

    trial: TrialRecord


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A running trial begins to do something else.

    The stages are ``training``, ``compiling``, ``waiting to be timed`` and ``timing``.
    """

    number: int
    stage: str


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """A running trial was trained for one more of its `epochs` epochs."""

    number: int
    epoch: int
    epochs: int
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is complete or failed; `front` are the best trials now, by the first objective."""

    trial: TrialRecord
    front: tuple[TrialRecord, ...]


@dataclass(frozen=True, slots=True)
class SpaceExhausted:
    """No further architecture was found; the search ends before its budget."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remeasuring:
    """Round `done` of `rounds` in which the front's networks are timed on the idle machine is over."""

    done: int
    rounds: int


Event: TypeAlias = (
    "SearchStarted | TrialStarted | StageStarted | EpochFinished | TrialEnded | SpaceExhausted | Remeasuring"
)
OnEvent: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Watch nothing."""
