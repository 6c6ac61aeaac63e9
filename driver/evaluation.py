"""The evaluation of one candidate, in a process of its own: train it, time it, keep its weights.

Nothing but what is asked for is done. The candidate is read from its folder as textual IR, so an evaluation
can be repeated by hand with ``drawloom train`` and ``drawloom bench`` on the same file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawloom.ir import Module, UserError, parse_module
from drawloom.ir import Source as SourceText
from drawloom.tasks import load_task

from .warm import Call, Reporter

if TYPE_CHECKING:
    from drawloom.backends.training import EpochResult, Recipe
    from drawloom.backends.weights import Weights

EVALUATOR = "drawloom.evaluation:evaluate"
"""The usual evaluator: a function of an `Evaluation` and a `Reporter` that gives a `Result`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is to be found out about a candidate.

    Attributes:
        network: file with the resolved network.
        weights: file that the trained weights are written to.
        task: name.
        train: whether to train it and know its accuracy.
        time: whether to compile it and know its latency.
        target: what it is compiled for.
        seed: of initial weights and training.
        epochs: instead of those of the task's recipe.
        prices: what was counted already.
    """

    network: str
    weights: str
    task: str
    train: bool
    time: bool
    target: str
    seed: int
    epochs: int | None = None
    prices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What was found out.

    Attributes:
        values: metrics by name.
        measurement: the timing behind the latency.
    """

    values: Mapping[str, float]
    measurement: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What evaluations will need: libraries and data."""

    task: str
    train: bool
    time: bool


def warm_up(needs: Needs) -> None:
    """Import the libraries and read the data, once for all evaluations."""
    if needs.train:
        load_task(needs.task).data()
        load_task(needs.task).search_data()
    if needs.time:
        from drawloom.backends.tvm import warm_up as warm_up_tvm

        warm_up_tvm()


def warm_up_call(task: str, *, train: bool, time: bool) -> Call:
    """`warm_up` as a call in another process."""
    return Call("drawloom.evaluation:warm_up", Needs(task, train, time))


def evaluate(job: Evaluation, report: Reporter) -> Result:
    """Evaluate a candidate.

    Raises:
        UserError: when training diverges, or an operation cannot be run on the target.
    """
    module = read_network(Path(job.network))
    values: dict[str, float] = dict(job.prices)
    weights: Weights | None = None
    if job.train:
        report.note("stage", stage="training")
        found, weights = _train(module, job, report)
        values |= found
    if not job.time:
        return Result(values)
    measurement = _time(module, weights, job, report)
    return Result({**values, "latency": measurement["median"]}, measurement)


def read_network(path: Path) -> Module:
    """The module in a file of textual IR.

    Raises:
        UserError: when there is no such file.
        DiagnosticError: when its text is at fault.
    """
    try:
        return parse_module(SourceText(str(path), path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' cannot be read: {error}") from None


def _train(module: Module, job: Evaluation, report: Reporter) -> tuple[dict[str, float], Weights]:
    """Train; gives the accuracies, and the weights, which are written too."""
    from drawloom.backends.torch import evaluate as accuracy_of
    from drawloom.backends.torch import to_torch, train, weights_of
    from drawloom.backends.weights import save_weights

    task = load_task(job.task)
    recipe = _recipe(job)

    def on_epoch(result: EpochResult) -> None:
        report.note(
            "epoch",
            epoch=result.epoch,
            epochs=recipe.epochs,
            loss=result.loss,
            accuracy=round(
                result.test_accuracy, 6
            ),  # of the validation images, which stand in the place of the test's
        )

    network = to_torch(module, seed=job.seed)
    result = train(network, task.search_data(), recipe, on_epoch)
    data = task.data()
    test_accuracy = accuracy_of(network, data.test_images, data.test_labels, recipe.mean, recipe.std)
    weights = weights_of(network)
    save_weights(module, weights, Path(job.weights))
    # A share of some thousand images, without the digits that come from float32.
    return {"accuracy": round(result.accuracy, 6), "test_accuracy": round(test_accuracy, 6)}, weights


def _recipe(job: Evaluation) -> Recipe:
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    recipe = load_task(job.task).recipe(seed=job.seed, threads=threads)
    return recipe if job.epochs is None else replace(recipe, epochs=job.epochs)


def _time(module: Module, weights: Weights | None, job: Evaluation, report: Reporter) -> dict[str, Any]:
    """Compile and time; the load under which it was timed is part of the measurement."""
    from drawloom.backends.tvm import compile_network, time_network
    from drawloom.backends.weights import initialise

    report.note("stage", stage="compiling")
    bound = compile_network(module, job.target).bind(weights or initialise(module, job.seed))
    report.note("stage", stage="waiting to be timed")
    with report.alone() as others:
        report.note("stage", stage="timing")
        measurement = time_network(bound).to_json()
    return {**measurement, "other_jobs": others, "load_average": os.getloadavg()[0]}
