"""``drawloom show``: what is in a search space, or in a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..quantity import count_text, size_text
from . import console, options
from .console import Column
from .networks import load_module, partial_assignment

if TYPE_CHECKING:
    from drawloom.ir import Assignment, Decision, Module

_LONGEST_DOMAIN = 12
"""Values of a domain that a table shows."""


def show(
    file: options.NetworkFile,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    assign: options.Assign = None,
    assignment: options.AssignmentFile = None,
    seed: options.FillSeed = None,
    ir: Annotated[bool, typer.Option("--ir", help="Print the textual IR instead.")] = False,
    levels: Annotated[
        int, typer.Option("--levels", min=1, metavar="N", help="Look into calls, that many levels deep.")
    ] = 1,
    as_json: options.AsJson = False,
) -> None:
    """Show the decisions of a space, or the parts of a network with shapes and prices.

    A space becomes a network when its decisions are decided: by --assign and --assignment, and by --seed at
    random.

    Examples:
      drawloom show zoo/spaces/mobile_fashion.loom
      drawloom show zoo/spaces/mobile_fashion.loom --seed 7 --levels 2
    """
    module = load_module(file, network, arg)
    chosen = partial_assignment(module, assign, assignment, seed)
    if chosen:
        module = _decide(module, chosen)
    if ir:
        from drawloom.ir import print_module

        typer.echo(print_module(module).rstrip("\n"))
    elif as_json:
        console.print_json(network_json(module, levels) if module.resolved else _space_json(module))
    elif module.resolved:
        print_network(module, levels)
    else:
        _print_space(module)


def _decide(module: Module, chosen: Assignment) -> Module:
    """The network, or the smaller space, that some decisions leave."""
    from drawloom.passes import decide, resolve

    return (resolve if len(chosen) == len(module.decisions) else decide)(module, chosen)


def _print_space(module: Module) -> None:
    from drawloom.passes import space_size

    rows = [[d.name, str(len(d)), domain_text(d)] for d in module.decisions.values()]
    console.print_table([Column("decision"), Column("values", numeric=True), Column("domain")], rows)
    size = size_text(space_size(module))
    typer.echo(
        f"\n{module.name}: {len(rows)} decisions, {size} candidates, {count_text(len(module))} operations"
    )
    for constraint in (c for c in module.constraints if c.filters):
        typer.echo(f"require {constraint.condition}  # {constraint.message}")


def domain_text(decision: Decision) -> str:
    """The domain of a decision, with what the positions stand for where it chooses among tensors."""
    from drawloom.ir import choice_text

    shown = [choice_text(v) for v in decision.domain[:_LONGEST_DOMAIN]]
    rest = len(decision) - len(shown)
    labels = f"  of {', '.join(decision.labels)}" if decision.labels else ""
    return ", ".join(shown) + (f", ... ({rest} more)" if rest else "") + labels


def print_network(module: Module, levels: int) -> None:
    """Print the parts of a network as a table, and below it inputs, outputs and prices."""
    from drawloom.passes import network_cost

    from ..anatomy import nested_parts

    rows = [
        [
            "  " * p.depth + p.path,
            p.kind,
            p.detail,
            str(p.output),
            count_text(p.parameters),
            count_text(p.multiply_adds),
        ]
        for p in nested_parts(module, levels)
    ]
    columns = [
        Column("part"),
        Column("kind"),
        Column("attributes"),
        Column("output"),
        Column("parameters", numeric=True),
        Column("multiply-adds", numeric=True),
    ]
    console.print_table(columns, rows)
    cost = network_cost(module)
    inputs = ", ".join(str(v.type) for v in module.entry.inputs)
    outputs = ", ".join(str(v.type) for v in module.entry.outputs)
    prices = f"{count_text(cost.parameters)} parameters, {count_text(cost.multiply_adds)} multiply-adds"
    typer.echo(f"\n{module.name}: {inputs} -> {outputs}, {prices}")


def _space_json(module: Module) -> dict[str, Any]:
    from drawloom.passes import space_size

    return {
        "name": module.name,
        "candidates": space_size(module),
        "operations": len(module),
        "decisions": [
            {"name": d.name, "domain": d.domain, "labels": d.labels} for d in module.decisions.values()
        ],
        "constraints": [c.message for c in module.constraints if c.filters],
    }


def network_json(module: Module, levels: int) -> dict[str, Any]:
    """The same as plain data."""
    from drawloom.passes import network_cost

    from ..anatomy import nested_parts

    cost = network_cost(module)
    return {
        "name": module.name,
        "inputs": [str(v.type) for v in module.entry.inputs],
        "outputs": [str(v.type) for v in module.entry.outputs],
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "parts": [
            {
                "path": p.path,
                "depth": p.depth,
                "kind": p.kind,
                "attributes": p.detail,
                "output": str(p.output),
                "parameters": p.parameters,
                "multiply_adds": p.multiply_adds,
            }
            for p in nested_parts(module, levels)
        ],
    }
