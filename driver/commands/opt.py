"""``drawloom opt``: runs passes, for their authors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import console, options
from .networks import load_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from drawloom.ir import Module
    from drawloom.passes import PassManager


def opt(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A .loom or .ir file, or - for standard input.", show_default=False
        ),
    ],
    pipeline: Annotated[
        str | None,
        typer.Option(
            "-p",
            "--pipeline",
            metavar="PIPELINE",
            help="Passes separated by commas; `drawloom passes` lists them. Reproducers bring their own.",
            show_default=False,
        ),
    ] = None,
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    seed: options.DrawSeed = 0,
    print_after_all: Annotated[
        bool, typer.Option("--print-after-all", help="Print the IR after each pass to standard error.")
    ] = False,
    time_passes: Annotated[
        bool, typer.Option("--time-passes", help="Print the time of each pass to standard error.")
    ] = False,
    verify_each: Annotated[
        bool,
        typer.Option(
            "--verify-each/--no-verify-each", help="Verify the IR before the first and after each pass."
        ),
    ] = True,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="IN.safetensors",
            help="Weights of the network, for passes that carry them over.",
            show_default=False,
        ),
    ] = None,
    weights_out: Annotated[
        Path | None,
        typer.Option(
            "--weights-out",
            metavar="OUT.safetensors",
            help="Write the weights that the passes leave to a file.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Write the IR to a file.", show_default=False),
    ] = None,
) -> None:
    """Run a pipeline of passes on a file and print the IR it leaves.

    Examples:
      drawloom opt zoo/spaces/mobile_fashion.loom -p 'sample{seed=1},canonicalize,fixpoint(cse,dce)'
      drawloom opt network.ir -p fold-batch-norm --print-after-all -o folded.ir
      drawloom opt network.ir -p 'widen{factor=2}' --weights in.safetensors --weights-out out.safetensors
    """
    from drawloom.backends.files import written_whole
    from drawloom.backends.weights import load_weights
    from drawloom.ir import print_module
    from drawloom.passes import PASSES, Context, PassManager

    if weights_out is not None and weights is None:
        raise typer.BadParameter("goes with --weights: there are none to write", param_hint="--weights-out")
    text, module = _input(file, network, arg)
    context = Context(PASSES, seed=seed, weights=None if weights is None else load_weights(module, weights))
    manager = PassManager.from_text(
        text if pipeline is None else pipeline,
        verify=verify_each,
        print_after=console.note if print_after_all else None,
        reproducer=Path(tempfile.gettempdir()),
    )
    transformed = manager.run(module, context)
    result = print_module(transformed)
    if time_passes:
        _print_times(manager)
    if weights_out is not None and context.weights is not None:
        _save_weights(transformed, context.weights, weights_out)
    if output is None:
        typer.echo(result.rstrip("\n"))
    else:
        with written_whole(output) as temporary:
            temporary.write_text(result, encoding="utf-8")


def _input(file: Path, network: str | None, arg: list[str] | None) -> tuple[str, Module]:
    """The module of a file, and the pipeline it asks for: that of a reproducer, of any other file none."""
    from drawloom.passes.manager import reproducer_pipeline

    kept = file.suffix == ".ir" and file.is_file()
    pipeline = reproducer_pipeline(file.read_text(encoding="utf-8")) if kept else None
    return pipeline or "", load_module(file, network, arg)


def _save_weights(module: Module, weights: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write the weights that the module still reads; passes may leave more."""
    from drawloom.backends.weights import save_weights, weight_specs

    needed = weight_specs(module)
    save_weights(module, {name: w for name, w in weights.items() if name in needed}, path)


def _print_times(manager: PassManager) -> None:
    total = sum(report.seconds for report in manager.reports)
    for report in manager.reports:
        share = report.seconds / total if total else 0.0
        changed = f"{report.before} -> {report.after} operations" if report.changed else "nothing to do"
        console.note(f"{1e3 * report.seconds:9.3f} ms {share:6.1%}  {report.spec}  ({changed})")
    console.note(f"{1e3 * total:9.3f} ms 100.0%  all passes")
