"""``drawloom train``: trains one network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..quantity import duration_text, share_text
from . import console, options
from .networks import load_network

if TYPE_CHECKING:
    from drawloom.backends.training import EpochResult


def train(
    file: options.NetworkFile,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of weights and batches, and of decisions left open.")] = 0,
    task: options.TaskName = "fashion_mnist",
    epochs: Annotated[Optional[int], typer.Option("--epochs", min=1, metavar="N", help="Passes over the training data; the task's own number by default.", show_default=False)] = None,  # noqa: UP045
    threads: options.Threads = 1,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write the weights.")] = Path("weights.safetensors"),
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a network and write its weights, with PyTorch's names, as safetensors.

    The architecture is written beside the weights as .ir, so that the two can be used together later.

    \b
    Examples:
      drawloom train zoo/spaces/mobile_fashion.loom --seed 3 --epochs 2
      drawloom train zoo/spaces/mobile_fashion.loom --assignment candidate.json --out candidate.safetensors
    """
    from drawloom.backends.weights import save_weights
    from drawloom.ir import print_module
    from drawloom.tasks import load_task

    job = load_task(task)
    module, _ = load_network(file, network, arg, assign, assignment, seed)
    began = time.perf_counter()
    result, weights = _fit(module, job, epochs, seed, threads, quiet=as_json)
    save_weights(out, weights, module)
    beside = out.with_suffix(".ir")
    beside.write_text(print_module(module), encoding="utf-8")
    seconds = time.perf_counter() - began
    if as_json:
        console.print_json({"accuracy": result.accuracy, "loss": result.loss, "seconds": seconds, "weights": str(out), "network": str(beside)})
        return
    typer.echo(f"test accuracy {share_text(result.accuracy)} after {duration_text(seconds)}; wrote {out} and {beside}")
