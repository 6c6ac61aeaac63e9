"""``drawloom sample``: random candidates of a space."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from . import console, options
from .networks import load_module


def sample(
    file: options.NetworkFile,
    n: Annotated[int, typer.Option("-n", "--number", min=1, metavar="N", help="How many.")] = 5,
    seed: options.DrawSeed = 0,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    as_json: options.AsJson = False,
) -> None:
    """Draw random candidates and print each assignment with its prices.

    One candidate a line; with --json each line is a JSON object that can be given back with --assignment.

    Examples:
      drawloom sample zoo/spaces/mobile_fashion.loom -n 3
      drawloom sample zoo/spaces/mobile_fashion.loom -n 1 --json > candidate.json
    """
    from drawloom.passes import price
    from drawloom.passes import sample as draw

    module = load_module(file, network, arg)
    batch = draw(module, n, seed)
    columns = price(module, batch).columns()
    for position, assignment in enumerate(batch.assignments()):
        prices = {name: int(column[position]) for name, column in columns.items()}
        typer.echo(_json_line(assignment, prices) if as_json else _text_line(assignment, prices))


def _json_line(assignment: dict[str, Any], prices: dict[str, int]) -> str:
    return console.json_text({"assignment": assignment, **prices})


def _text_line(assignment: dict[str, Any], prices: dict[str, int]) -> str:
    from drawloom.ir import choice_text

    choices = " ".join(f"{name}={choice_text(value)}" for name, value in assignment.items())
    return f"{' '.join(f'{name}={value}' for name, value in prices.items())}  {choices}"
