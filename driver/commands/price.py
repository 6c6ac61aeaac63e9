"""``drawloom price``: what candidates cost, without building any of them."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ..quantity import count_text, price_title
from . import console, options
from .console import Column
from .networks import complete_assignment, load_module

if TYPE_CHECKING:
    from drawloom.ir import Module
    from drawloom.passes import Batch


def price(
    file: options.NetworkFile,
    random: Annotated[
        int | None,
        typer.Option("--random", min=1, metavar="N", help="Price N random candidates.", show_default=False),
    ] = None,
    seed: options.DrawSeed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write every candidate and its prices: .csv, .npz, or .parquet with pyarrow; - prints that "
            "as CSV and nothing else.",
            show_default=False,
        ),
    ] = None,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    count: options.Count = "conv+linear",
    latency: Annotated[
        list[Path] | None,
        typer.Option(
            "--latency",
            metavar="TABLE.json",
            help="A table of measured times; adds the price latency_ns_NAME. May be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Price candidates: parameters, multiply-adds, bytes of activations, depth, and latency from tables.

    Prices of a whole batch are computed at once, millions a second. Without --random, --assign and
    --assignment 10,000 random candidates are priced.

    A latency is the sum of the times, in nanoseconds, of what a latency table has measured as one; all that
    the space may need must be in the table.

    Examples:
      drawloom price zoo/spaces/mobile_fashion.loom --random 1000000
      drawloom price zoo/spaces/mobile_fashion.loom --random 1000 --out prices.csv
      drawloom price zoo/spaces/mobile_fashion.loom --assignment candidate.json --json
      drawloom price zoo/networks/mobilenet_v2.loom --count conv+linear+bn
      drawloom price zoo/spaces/fbnet.loom --latency pixel3.json --latency raspi4.json
    """
    from drawloom.ir import Counting
    from drawloom.passes import LatencyTable
    from drawloom.passes import price as price_batch

    counting = Counting.parse(count)
    tables = [LatencyTable.read(path) for path in latency or ()]
    writer = None if out is None else _writer(out)
    module = load_module(file, network, arg)
    batch = _batch(module, random, seed, assign, assignment)
    started = time.perf_counter()
    columns = price_batch(module, batch, counting, tables).columns()
    seconds = time.perf_counter() - started
    if out is not None and writer is not None:
        writer(out, batch, columns)
        if not console.is_file(out):
            return
    _print(columns, len(batch), seconds, as_json)


def _batch(
    module: Module, random: int | None, seed: int, assign: list[str] | None, assignment: Path | None
) -> Batch:
    from drawloom.passes import Batch, sample

    if random is None and (assign or assignment is not None or not module.decisions):
        return Batch.of(module, [complete_assignment(module, assign, assignment)])
    if assign or assignment is not None:
        raise typer.BadParameter("--random does not go together with --assign and --assignment")
    return sample(module, 10_000 if random is None else random, seed)


def _print(columns: dict[str, Any], n: int, seconds: float, as_json: bool) -> None:
    import numpy as np

    if as_json and n == 1:
        console.print_json({name: int(column[0]) for name, column in columns.items()})
        return
    summary = {
        name: {"min": int(column.min()), "median": float(np.median(column)), "max": int(column.max())}
        for name, column in columns.items()
    }
    if as_json:
        console.print_json({"candidates": n, "seconds": seconds, "prices": summary})
        return
    if n == 1:
        rows = [[price_title(name), count_text(int(column[0]))] for name, column in columns.items()]
        console.print_table([Column("price"), Column("value", numeric=True)], rows)
        return
    rows = [
        [price_title(name), *(count_text(round(row[k])) for k in ("min", "median", "max"))]
        for name, row in summary.items()
    ]
    console.print_table([Column("price"), *(Column(k, numeric=True) for k in ("min", "median", "max"))], rows)
    speed = count_text(round(n / max(seconds, 1e-9)))
    typer.echo(f"\n{count_text(n)} candidates in {seconds:.2f} s: {speed} a second")


def _writer(path: Path) -> Callable[[Path, Batch, dict[str, Any]], None]:
    """What writes files of this ending.

    Raises:
        UserError: when nothing does.
    """
    from drawloom.ir import unknown

    if not console.is_file(path):
        return _print_csv
    if path.suffix not in _WRITERS:
        raise unknown("file ending", path.suffix, _WRITERS)
    return _WRITERS[path.suffix]


def _write_csv(path: Path, batch: Batch, columns: dict[str, Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        _to_csv(file, batch, columns)


def _print_csv(path: Path, batch: Batch, columns: dict[str, Any]) -> None:
    _to_csv(sys.stdout, batch, columns)


def _to_csv(file: TextIO, batch: Batch, columns: dict[str, Any]) -> None:
    from drawloom.ir import choice_text

    decisions = list(batch.decisions)
    texts = [[choice_text(v) for v in d.domain] for d in decisions]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*columns, *(d.name for d in decisions)])
    for position, prices in enumerate(zip(*(c.tolist() for c in columns.values()), strict=True)):
        chosen = batch.positions[:, position].tolist()
        writer.writerow([*prices, *(text[i] for text, i in zip(texts, chosen, strict=True))])


def _write_npz(path: Path, batch: Batch, columns: dict[str, Any]) -> None:
    """Prices, domain positions ``[decision, candidate]``, and the decisions as one JSON text."""
    import numpy as np

    decisions = console.json_text([{"name": d.name, "domain": d.domain} for d in batch.decisions])
    with path.open("wb") as file:
        np.savez(file, positions=batch.positions, decisions=np.array(decisions), **columns)


def _write_parquet(path: Path, batch: Batch, columns: dict[str, Any]) -> None:
    import pyarrow  # type: ignore[import-not-found, unused-ignore]
    import pyarrow.parquet  # type: ignore[import-not-found, unused-ignore]

    from drawloom.ir import choice_text

    table: dict[str, Any] = dict(columns)
    for row, decision in enumerate(batch.decisions):
        values = pyarrow.array([choice_text(v) for v in decision.domain])
        table[decision.name] = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(batch.positions[row]), values
        )
    pyarrow.parquet.write_table(pyarrow.table(table), path)


_WRITERS: dict[str, Callable[[Path, Batch, dict[str, Any]], None]] = {
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".parquet": _write_parquet,
}
