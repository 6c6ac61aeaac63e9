"""``drawloom passes``, ``ops``, ``targets``, ``strategies`` and ``explain``: what there is to use."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import Annotated

import typer

from . import console, options
from .console import Column


def passes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Print what one pass does, and its options.", show_default=False
        ),
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="List the rewrite rules of `canonicalize` instead.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """List the passes that `drawloom opt -p` knows, print the description of one, or list the rewrite rules.

    Examples:
      drawloom passes
      drawloom passes narrow
      drawloom passes --rules
    """
    from drawloom.passes import PASSES

    if rules:
        _print_rules(as_json)
        return
    if name is not None:
        typer.echo(inspect.getdoc(PASSES.load(name)))
        return
    entries = sorted(PASSES, key=lambda entry: entry.name)
    if as_json:
        console.print_json([{"name": e.name, "help": e.help} for e in entries])
        return
    console.print_table([Column("pass"), Column("what it does")], [[e.name, e.help] for e in entries])


def _print_rules(as_json: bool) -> None:
    from drawloom.passes import RULES

    if as_json:
        keys = ("name", "operations", "rule", "file", "line")
        rows = [(r.name, r.roots, r.statement, r.place.file, r.place.line) for r in RULES]
        console.print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    console.print_table(
        [Column("rule"), Column("before --> after"), Column("defined at")],
        [[r.name, r.statement, str(r.place)] for r in RULES],
    )


def ops(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Print the specification of one operation.", show_default=False
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the operations of the IR, or print the specification of one.

    Examples:
      drawloom ops
      drawloom ops conv2d
    """
    from drawloom.ir import OPS

    if name is not None:
        typer.echo(inspect.getdoc(type(OPS[name])))
        return
    rows = [
        [d.name, ", ".join(d.operands), ", ".join(a.name for a in d.attributes), _headline(d)] for d in OPS
    ]
    if as_json:
        console.print_json(
            [dict(zip(("name", "operands", "attributes", "help"), row, strict=True)) for row in rows]
        )
        return
    console.print_table(
        [Column("operation"), Column("operands"), Column("attributes"), Column("what it is")], rows
    )


def _headline(definition: object) -> str:
    text = inspect.getdoc(type(definition)) or ""
    return " ".join(text.partition("\n\n")[0].split())


def targets(as_json: options.AsJson = False) -> None:
    """List what networks can be compiled for and timed on.

    Example:
      drawloom targets
    """
    from drawloom.backends.tvm import target_entries

    rows = [[entry.name, entry.about] for entry in target_entries().values()]
    if as_json:
        console.print_json([{"name": n, "help": h} for n, h in rows])
        return
    console.print_table([Column("target"), Column("what it is")], rows)


def strategies(as_json: options.AsJson = False) -> None:
    """List the search strategies.

    Example:
      drawloom strategies
    """
    from drawloom.strategies import STRATEGIES

    rows = [[entry.name, entry.help] for entry in STRATEGIES]
    if as_json:
        console.print_json([{"name": n, "help": h} for n, h in rows])
        return
    console.print_table([Column("strategy"), Column("what it is")], rows)


def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="[CODE]", help="The code of a diagnostic, such as E0101.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Explain a diagnostic code by a text that provokes it and that text repaired, or list all codes.

    Examples:
      drawloom explain
      drawloom explain E0101
    """
    from drawloom.ir import unknown
    from drawloom.ir.codes import CODES

    if code is None:
        _list_codes(as_json)
        return
    if code.upper() not in CODES:
        raise unknown("diagnostic code", code.upper(), CODES)
    found = CODES[code.upper()]
    if as_json:
        console.print_json(asdict(found))
    else:
        typer.echo(found.text().rstrip())


def _list_codes(as_json: bool) -> None:
    from drawloom.ir.codes import CODES

    if as_json:
        console.print_json([{"code": c.code, "title": c.title} for c in CODES.values()])
        return
    console.print_table(
        [Column("code"), Column("what is wrong")], [[c.code, c.title] for c in CODES.values()]
    )
