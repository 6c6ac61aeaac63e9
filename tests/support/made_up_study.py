"""A study whose trials were made up instead of trained, in the same files as a real one."""

from pathlib import Path

import numpy as np
import tiny_space

from drawloom import load
from drawloom.backends.weights import initialise, save_weights
from drawloom.ir import print_module
from drawloom.passes import resolve, sample
from drawloom.space import ModuleSpace
from drawloom.storage import TrialStore
from drawloom.study import Study
from drawloom.trial import TrialRecord

FAILED = 3
"""The trial that failed."""
REASON = "took longer than its limit of <300> s"
"""Why; with characters that HTML must escape."""


def make(folder: Path, n: int = 12, name: str = "made_up") -> Study:
    """Make a study of the tiny space with `n` different networks, one of which failed."""
    space = tiny_space.write(folder)
    module = load(space)
    study = Study.create(folder / "runs" / name, module, space_path=space, budget=n, epochs=1)
    store = TrialStore(study.folder.database, study.name, study.metrics, module.decisions)
    rng = np.random.default_rng(0)
    for number, assignment in enumerate(_different(study.space, n)):
        _store(study, store, number, assignment, rng)
    store.close()
    return study


def _different(space: ModuleSpace, n: int) -> list[dict]:
    drawn = sample(space.module, 20 * n, seed=0).assignments()
    return list({space.key(assignment): assignment for assignment in drawn}.values())[:n]


def _store(study: Study, store: TrialStore, number: int, assignment: dict, rng: np.random.Generator) -> None:
    candidate = study.space.candidate(assignment)
    prices = dict(candidate.prices)
    record = TrialRecord(
        number,
        "running",
        assignment,
        candidate.key,
        origin="random",
        proposal=number,
        parameters=prices["parameters"],
        multiply_adds=prices["multiply_adds"],
    )
    assert store.start(record) == number
    study.folder.trial(number).mkdir(parents=True)
    study.folder.network(number).write_text(print_module(candidate.network), encoding="utf-8")
    if number == FAILED:
        store.fail(number, REASON, {"seconds": 300.0})
        return
    latency = 2e-5 + prices["multiply_adds"] * 1e-9
    accuracy = float(0.6 + 0.02 * np.log(prices["multiply_adds"]) + 0.02 * rng.random())
    store.epoch(number, [(1, 1.0, accuracy)])
    network = resolve(study.module, assignment)
    save_weights(network, initialise(network, number), study.folder.weights(number))
    values = {**prices, "accuracy": accuracy, "test_accuracy": accuracy - 0.01, "latency": latency}
    store.complete(number, values, {"measurement": measurement(latency), "seconds": 2.5})


def measurement(latency: float) -> dict:
    """A measurement as the TVM backend gives it."""
    return {
        "median": latency,
        "lower_quartile": 0.9 * latency,
        "upper_quartile": 1.2 * latency,
        "repeats": 30,
        "threads": 1,
        "target": "cpu",
        "versions": {"apache-tvm": "0.27"},
    }
