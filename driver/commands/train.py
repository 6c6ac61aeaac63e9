"""``drawloom train``: trains one network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..quantity import duration_text, share_text
from . import console, options
from .networks import load_network

if TYPE_CHECKING:
    from drawloom.backends.training import EpochResult, TrainingResult
    from drawloom.backends.weights import Weights
    from drawloom.ir import Module
    from drawloom.tasks import Task


def train(
    file: options.NetworkFile,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            help="Seed of weights and batches (0 by default); draws the decisions that are left open, too.",
            show_default=False,
        ),
    ] = None,
    task: options.TaskName = "fashion_mnist",
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            metavar="N",
            help="Passes over the training data; the task's own number by default.",
            show_default=False,
        ),
    ] = None,
    threads: options.Threads = 1,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where to write the weights.", callback=options.a_file
        ),
    ] = Path("weights.safetensors"),
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a network and write its weights.

    Weights are written as safetensors, under the names that PyTorch would give them.

    The architecture is written beside the weights as .ir, so that the two can be used together later.

    Examples:
      drawloom train zoo/spaces/mobile_fashion.loom --seed 3 --epochs 2
      drawloom train zoo/spaces/mobile_fashion.loom --assignment candidate.json --out candidate.safetensors
    """
    from drawloom.backends.weights import save_weights
    from drawloom.ir import print_module
    from drawloom.tasks import load_task

    job = load_task(task)
    module, _ = load_network(file, network, arg, assign, assignment, seed)
    job.check(module)
    began = time.perf_counter()
    result, weights = _fit(module, job, epochs, seed or 0, threads, quiet=as_json)
    save_weights(module, weights, out)
    beside = out.with_suffix(".ir")
    beside.write_text(print_module(module), encoding="utf-8")
    seconds = time.perf_counter() - began
    if as_json:
        console.print_json(
            {
                "accuracy": result.accuracy,
                "epochs": [asdict(e) for e in result.epochs],
                "seconds": seconds,
                "weights": str(out),
                "network": str(beside),
            }
        )
        return
    reached = f"test accuracy {share_text(result.accuracy)} after {duration_text(seconds)}"
    typer.echo(f"{reached}; wrote {out} and {beside}")


def _fit(
    module: Module, job: Task, epochs: int | None, seed: int, threads: int, *, quiet: bool
) -> tuple[TrainingResult, Weights]:
    """Train a network on a task, telling of each epoch."""
    from drawloom.backends.torch import to_torch, weights_of
    from drawloom.backends.torch import train as fit
    from drawloom.tasks import Effort

    recipe = job.recipe(Effort.FINAL, seed=seed, threads=threads)
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    network = to_torch(module, seed=seed)
    with _progress(recipe.epochs, quiet=quiet) as tell:
        result = fit(network, job.data(), recipe, on_epoch=tell)
    return result, weights_of(network)


@contextmanager
def _progress(epochs: int, *, quiet: bool) -> Iterator[Callable[[EpochResult], None]]:
    """What to call after each epoch: moves a bar on a terminal, prints a line elsewhere."""
    if quiet or not console.is_terminal():
        yield lambda epoch: None if quiet else typer.echo(_epoch_text(epoch, epochs))
        return
    from rich.progress import Progress

    with Progress(console=console.terminal()) as bar:
        task = bar.add_task("training", total=epochs)

        def tell(epoch: EpochResult) -> None:
            bar.console.print(_epoch_text(epoch, epochs))
            bar.advance(task)

        yield tell


def _epoch_text(epoch: EpochResult, epochs: int) -> str:
    return (
        f"epoch {epoch.epoch}/{epochs}: loss {epoch.loss:.4f}, "
        f"training accuracy {share_text(epoch.train_accuracy)}, "
        f"test accuracy {share_text(epoch.test_accuracy)} ({duration_text(epoch.seconds)})"
    )
