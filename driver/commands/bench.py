"""``drawloom bench``: how fast is a network?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..quantity import count_text, duration_text, latency_text
from . import console, options
from .console import Column
from .networks import load_network

if TYPE_CHECKING:
    from drawloom.backends.tvm import CompiledNetwork, Measurement


def bench(
    file: options.NetworkFile,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: options.FillSeed = None,
    target: options.TargetName = "cpu",
    batch: Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Images computed at once.")] = 1,
    repeats: Annotated[
        int, typer.Option("--repeats", min=3, metavar="N", help="Samples to take, each of many runs.")
    ] = 30,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", help="When to give up timing.")
    ] = 60,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.json",
            help="Also write the measurement; - prints that and nothing else.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compile a network and measure its latency.

    It is timed on one thread, in a process of its own, with random weights; a small fixed kernel is timed
    in between and shows whether the machine was steady.

    Examples:
      drawloom bench zoo/networks/mobilenet_v2.loom
      drawloom bench zoo/spaces/mobile_fashion.loom --seed 3 --repeats 50 --json
    """
    from drawloom.backends.tvm import compile_network, find_target, measure_network

    found = find_target(target)
    module, _ = load_network(file, network, arg, assign, assignment, seed)
    compiled = compile_network(module, found, batch=batch)
    measurement = measure_network(compiled, repeats=repeats, timeout=timeout)
    if out is not None:
        console.write_text(measurement.document(), out)
    if out is not None and not console.is_file(out):
        return
    if as_json:
        console.print_json(measurement.to_json() | {"compile_seconds": compiled.seconds})
    else:
        _print(compiled, measurement)


def _print(compiled: CompiledNetwork, m: Measurement) -> None:
    heads = ("median", "lower quartile", "upper quartile", "90 % below", "shortest")
    columns = [Column("time"), *(Column(name, numeric=True) for name in heads)]
    rows = [
        [name, *map(latency_text, (s.median, s.lower_quartile, s.upper_quartile, s.p90, s.minimum))]
        for name, s in (("processor", m.cpu), ("wall", m.wall), ("sentinel", m.sentinel))
    ]
    typer.echo(f"{m.network} on {m.target} ({m.host}), batch {m.batch}, {m.threads} thread")
    kernels = (
        f"{count_text(compiled.compiled)} kernels compiled" if compiled.compiled else "all kernels were known"
    )
    typer.echo(f"{kernels}, ready in {duration_text(compiled.seconds)}\n")
    console.print_table(columns, rows)
    versions = ", ".join(f"{name} {version}" for name, version in m.versions.items())
    typer.echo(f"\n{m.repeats} samples of {m.number} runs, load {m.load:.2f}; {versions}")
    if abs(m.sentinel_drift - 1) > _STEADY:
        drift = f"{m.sentinel_drift - 1:+.0%}"
        console.note(f"warning: the machine was not steady: its speed changed by {drift} while measuring")


_STEADY = 0.1
"""Largest change of the sentinel's time, as a share, that goes without a warning."""
