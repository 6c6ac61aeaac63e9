"""``drawloom opt``: runs passes, for their authors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from . import options
from .networks import load_module


def opt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .loom or .ir file, or - for standard input.", show_default=False)],
    pipeline: Annotated[str, typer.Option("-p", "--pipeline", metavar="PIPELINE", help="The passes, separated by commas; `drawloom passes` lists them.")] = "",
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    seed: options.DrawSeed = 0,
    print_after_all: Annotated[bool, typer.Option("--print-after-all", help="Print the IR after each pass to standard error.")] = False,
    time_passes: Annotated[bool, typer.Option("--time-passes", help="Print the time of each pass to standard error.")] = False,
    verify_each: Annotated[bool, typer.Option("--verify-each/--no-verify-each", help="Verify the IR before the first and after each pass.")] = True,
    output: Annotated[Optional[Path], typer.Option("-o", "--output", metavar="OUT", help="Write the IR to a file.", show_default=False)] = None,  # noqa: UP045
) -> None:
    """Run a pipeline of passes on a file and print the IR it leaves.

    \b
    Examples:
      drawloom opt zoo/spaces/mobile_fashion.loom -p 'sample{seed=1},canonicalize,fixpoint(cse,dce)'
      drawloom opt network.ir -p fold-batch-norm --print-after-all -o folded.ir
    """
    from drawloom.ir import print_module
    from drawloom.passes import PassManager, parse_pipeline

    passes = parse_pipeline(pipeline)
    module = load_module(file, network, arg)
    manager = PassManager(passes, verify_each=verify_each, print_after_all=print_after_all, time_passes=time_passes)
    text = print_module(manager.run(module, seed=seed))
    if output is None:
        typer.echo(text.rstrip("\n"))
    else:
        output.write_text(text, encoding="utf-8")
