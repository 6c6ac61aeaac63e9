"""``drawloom show``: what is in a search space, or in a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..quantity import count_text, price_title, size_text
from . import console, options
from .console import Column
from .networks import load_module, partial_assignment

if TYPE_CHECKING:
    from drawloom.ir import Assignment, Counting, Decision, Module, TensorType

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
        int | None,
        typer.Option(
            "--levels",
            min=1,
            metavar="N",
            help="Look into calls, that many levels deep; left out, into blocks that are made of cells.",
            show_default=False,
        ),
    ] = None,
    ranges: Annotated[
        bool,
        typer.Option("--range", help="Show between what bounds the prices of the candidates lie instead."),
    ] = False,
    count: options.Count = "conv+linear",
    as_json: options.AsJson = False,
) -> None:
    """Show the decisions of a space, or the stages of a network with shapes and prices.

    A row of the table is a part of the network, or n parts of one loop that follow one another and are of
    one kind and output; where they differ in an argument, it has the value of each. Prices are those of all
    n together. --json has each part.

    A space becomes a network when its decisions are decided: by --assign and --assignment, and by --seed at
    random.

    With --range each price has its least and largest value and quantiles. All candidates are priced where
    there are few; else 10,000 random ones, and bounds are exact where prices are sums over independent parts.

    Examples:
      drawloom show zoo/spaces/mobile_fashion.loom
      drawloom show zoo/spaces/mobile_fashion.loom --seed 7 --levels 2
      drawloom show zoo/spaces/fbnet.loom --range
      drawloom show zoo/networks/mobilenet_v2.loom --count conv+linear+bn+bias
    """
    from drawloom.ir import Counting

    counting = Counting.parse(count)
    module = load_module(file, network, arg)
    chosen = partial_assignment(module, assign, assignment, seed)
    if chosen:
        module = _decide(module, chosen)
    if ir:
        from drawloom.ir import print_module

        typer.echo(print_module(module).rstrip("\n"))
    elif ranges:
        _print_ranges(module, counting, as_json)
    elif as_json:
        console.print_json(network_json(module, levels, counting) if module.resolved else _space_json(module))
    elif module.resolved:
        print_network(module, levels, counting)
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


def print_network(module: Module, levels: int | None, counting: Counting) -> None:
    """Print the stages of a network as a table, and below it inputs, outputs and prices."""
    from ..anatomy import parts, rows

    table = [
        [
            "  " * r.depth + r.stage,
            r.kind,
            " ".join(f"{name}={text}" for name, text in r.details.items() if text != "false"),
            _shape_text(r.output),
            str(r.repeats),
            count_text(r.parameters),
            count_text(r.multiply_adds),
        ]
        for r in rows(parts(module, levels, counting))
    ]
    numeric = ("n", "parameters", "multiply-adds")
    heads = ("stage", "operation", "arguments", "output", *numeric)
    console.print_table([Column(head, numeric=head in numeric) for head in heads], table)
    inputs = ", ".join(str(v.type) for v in module.entry.inputs)
    outputs = ", ".join(str(v.type) for v in module.entry.outputs)
    typer.echo(f"\n{module.name}: {inputs} -> {outputs}, {_prices_text(module, counting)}")


def _shape_text(type: TensorType) -> str:
    """A shape as people write it, such as ``24 x 56 x 56``; types of other than floats in full."""
    from drawloom.ir import DType

    return " x ".join(map(str, type.shape)) if type.dtype is DType.F32 else str(type)


def _prices_text(module: Module, counting: Counting) -> str:
    """Parameters and multiply-adds, what is counted if it is not the custom, and what heads have besides."""
    from drawloom.ir import PAPERS, Counting
    from drawloom.passes import network_cost

    cost = network_cost(module, counting)
    counted = "" if counting == PAPERS else f" ({counting})"
    text = (
        f"{count_text(cost.parameters)} parameters, {count_text(cost.multiply_adds)} multiply-adds{counted}"
    )
    if counting.auxiliary:
        return text
    whole = network_cost(module, Counting((*counting.words, "auxiliary")))
    if whole == cost:
        return text
    parameters, multiply_adds = (
        count_text(b - a)
        for a, b in ((cost.parameters, whole.parameters), (cost.multiply_adds, whole.multiply_adds))
    )
    return f"{text}; auxiliary heads besides: {parameters} parameters, {multiply_adds} multiply-adds"


def _print_ranges(module: Module, counting: Counting, as_json: bool) -> None:
    """Print the bounds and quantiles of all prices."""
    from drawloom.passes import QUANTILES, price_ranges

    found = price_ranges(module, counting)
    if as_json:
        console.print_json(
            {
                "name": module.name,
                "count": str(counting),
                "priced": found.priced,
                "complete": found.complete,
                "prices": {
                    name: {
                        "min": r.minimum,
                        "max": r.maximum,
                        "exact": r.exact,
                        "quantiles": dict(zip(map(str, QUANTILES), r.quantiles, strict=True)),
                    }
                    for name, r in found.prices.items()
                },
            }
        )
        return
    heads = ("min", *(f"{q:.0%}" for q in QUANTILES), "max")
    rows = [
        [
            price_title(name),
            *(count_text(round(v)) for v in (r.minimum, *r.quantiles, r.maximum)),
            "exact" if r.exact else "sampled",
        ]
        for name, r in found.prices.items()
    ]
    columns = [Column("price"), *(Column(head, numeric=True) for head in heads), Column("bounds")]
    console.print_table(columns, rows)
    priced = count_text(found.priced)
    which = f"all {priced} candidates" if found.complete else f"quantiles of {priced} random candidates"
    typer.echo(f"\n{module.name}: {which}")


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


def network_json(module: Module, levels: int | None, counting: Counting) -> dict[str, Any]:
    """The same as plain data, with every part, and with other counts of parameters."""
    from drawloom.passes import FURTHER_METRICS, price

    from ..anatomy import flattened, parts

    prices = price(module, [{}], counting)
    return {
        "name": module.name,
        "inputs": [str(v.type) for v in module.entry.inputs],
        "outputs": [str(v.type) for v in module.entry.outputs],
        "count": str(counting),
        **{name: int(prices[name][0]) for name in ("parameters", *FURTHER_METRICS, "multiply_adds")},
        "parts": [
            {
                "path": p.path,
                "depth": p.depth,
                "kind": p.kind,
                "arguments": dict(p.details),
                "output": str(p.output),
                "parameters": p.parameters,
                "multiply_adds": p.multiply_adds,
            }
            for p in flattened(parts(module, levels, counting))
        ],
    }
