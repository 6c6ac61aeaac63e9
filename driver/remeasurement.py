"""Times the networks of finished trials again, one after another on the otherwise idle machine.

During a search other trials run while one is timed. For the final table the networks are timed in rounds,
each round every network once, so that a drift of the machine's clock meets all of them alike.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from drawloom.ir import UserError

from .evaluation import read_network
from .events import OnEvent, Remeasuring
from .executor import Ended, Executor
from .warm import Call, Reporter

ROUNDS = 5
REPEATS = 15
"""Samples of each network in each round."""

_SPREADS = ("cpu", "wall", "sentinel")


@dataclass(frozen=True, slots=True)
class Subject:
    """A network to time: files with the resolved network and, unless the trial trained none, its weights."""

    number: int
    network: str
    weights: str


@dataclass(frozen=True, slots=True)
class Remeasurement:
    """What is to be timed, on which target, and how often."""

    subjects: tuple[Subject, ...]
    target: str
    rounds: int


def remeasure(job: Remeasurement, report: Reporter) -> dict[int, dict[str, Any]]:
    """Compile all networks, then time them in rounds; gives a measurement for each trial number."""
    from drawloom.backends.tvm import compile_network, time_network
    from drawloom.backends.weights import initialise, load_weights

    bound = {}
    for subject in job.subjects:
        module = read_network(Path(subject.network))
        weights = Path(subject.weights)
        found = load_weights(module, weights) if weights.exists() else initialise(module, 0)
        bound[subject.number] = compile_network(module, job.target).bind(found)
    taken: dict[int, list[dict[str, Any]]] = {number: [] for number in bound}
    for done in range(1, job.rounds + 1):
        for number, network in bound.items():
            taken[number].append(time_network(network, repeats=REPEATS).to_json())
        report.note("round", done=done)
    load = os.getloadavg()[0]
    return {
        number: {**merged(rounds), "other_jobs": 0, "load_average": load} for number, rounds in taken.items()
    }


def merged(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """One measurement of several: each statistic is the median of those of the rounds.

    The medians of the rounds themselves are kept under ``rounds``: how far they lie apart is what one timing
    of the network may be wrong by.
    """
    result = dict(rounds[0])
    for name in _SPREADS:
        result[name] = _merged_spread([taken[name] for taken in rounds])
    return {**result, **result["cpu"], "rounds": [taken["median"] for taken in rounds]}


def _merged_spread(spreads: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(spread[name] for spread in spreads) for name in spreads[0]}


def run_remeasurement(
    executor: Executor, job: Remeasurement, log: Path, on_event: OnEvent
) -> dict[int, dict[str, Any]]:
    """Have it done in a process of its own.

    Raises:
        UserError: when it fails.
    """
    executor.submit(Call("drawloom.remeasurement:remeasure", job), log)
    while True:
        for happened in executor.poll(0.5):
            if not isinstance(happened, Ended):
                on_event(Remeasuring(happened.payload["done"], job.rounds))
            elif happened.reason is not None:
                raise UserError(f"the networks could not be timed again: {happened.reason}", f"see {log}")
            else:
                found: dict[int, dict[str, Any]] = happened.result
                return found
