"""``drawloom opt``: runs passes, for their authors."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..catalogue import asked, named
from . import console, expectations, options
from .emit import FORMATS
from .failure import BAD_INPUT, tell
from .networks import read_arguments, read_text
from .pieces import SEPARATOR, split

if TYPE_CHECKING:
    import numpy.typing as npt

    from drawloom.ir import Module, Source
    from drawloom.passes import Context, Pass, PassManager, PassReport, Rewrite


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
    emit: Annotated[
        str,
        typer.Option(
            "--emit",
            metavar="FORMAT",
            help="What to print: " + "; ".join(f"{name}: {f.help}" for name, f in FORMATS.items()) + ".",
        ),
    ] = "ir",
    print_before_all: Annotated[
        bool, typer.Option("--print-before-all", help="Print the IR before each pass to standard error.")
    ] = False,
    print_after_all: Annotated[
        bool, typer.Option("--print-after-all", help="Print the IR after each pass to standard error.")
    ] = False,
    print_after: Annotated[
        list[str] | None,
        typer.Option(
            "--print-after",
            metavar="PASS",
            help="Print the IR after this pass to standard error; may be repeated.",
            show_default=False,
        ),
    ] = None,
    print_rewrites: Annotated[
        bool,
        typer.Option(
            "--print-rewrites",
            help="Print what each rule rewrote, and where the rule is defined, to standard error.",
        ),
    ] = False,
    time_passes: Annotated[
        bool, typer.Option("--time-passes", help="Print the time of each pass to standard error.")
    ] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Print what each pass counted to standard error.")
    ] = False,
    verify_each: Annotated[
        bool,
        typer.Option(
            "--verify-each/--no-verify-each", help="Verify the IR before the first and after each pass."
        ),
    ] = True,
    split_input_file: Annotated[
        bool,
        typer.Option(
            "--split-input-file",
            help=f"Run each piece between lines '{SEPARATOR}' by itself; the output is separated alike.",
        ),
    ] = False,
    verify_diagnostics: Annotated[
        bool,
        typer.Option(
            "--verify-diagnostics",
            help="Expect just the errors in comments such as `# expected-error@+1 {{E0101: unknown name}}`.",
        ),
    ] = False,
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
            callback=options.a_file,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="Where to write the output; standard output (-) by default.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a pipeline of passes on a file and print the IR it leaves.

    Examples:
      drawloom opt zoo/spaces/mobile_fashion.loom -p 'sample{seed=1},canonicalize,fixpoint(cse,dce)'
      drawloom opt zoo/spaces/darts.loom -p 'narrow{*.op=-none},canonicalize,dce' --emit json --stats
      drawloom opt network.ir -p canonicalize --print-rewrites --emit none
      drawloom opt network.ir -p 'widen{factor=2}' --weights in.safetensors --weights-out out.safetensors
    """
    if weights_out is not None and weights is None:
        raise typer.BadParameter("goes with --weights: there are none to write", param_hint="--weights-out")
    if weights is not None and split_input_file:
        raise typer.BadParameter("does not go with --split-input-file", param_hint="--weights")
    if emit not in FORMATS:
        raise typer.BadParameter(f"'{emit}' is none of {', '.join(FORMATS)}", param_hint="--emit")
    entry = named(file)
    arguments: Mapping[str, Any] = read_arguments(arg)
    if entry is not None:
        file, (network, arguments) = entry.path, asked(entry, arguments, network)
    source = read_text(file)
    job = _Job(
        _manager(source, pipeline, verify_each, print_before_all, print_after_all, print_after or []),
        _context(source, seed, print_rewrites),
        {"network": network, "arguments": arguments},
        emit,
        weights,
        weights_out,
    )
    pieces = split(source) if split_input_file else [source]
    texts, good = _checked(job, pieces) if verify_diagnostics else _run(job, pieces)
    if time_passes:
        _print_times(job.reports)
    if stats:
        _print_statistics(job.context.statistics)
    console.write_text(f"{SEPARATOR}\n".join(texts), output)
    if not good:
        raise typer.Exit(BAD_INPUT)


def _manager(
    source: Source,
    pipeline: str | None,
    verify_each: bool,
    print_before_all: bool,
    print_after_all: bool,
    print_after: Sequence[str],
) -> PassManager:
    """The manager of a pipeline; without one of that which a reproducer asks for."""
    from drawloom.ir import print_module, unknown
    from drawloom.passes import PASSES, PassManager, reproducer_pipeline

    for name in print_after:
        if name not in PASSES:
            raise unknown("pass", name, PASSES.names())

    def before(p: Pass, module: Module) -> None:
        console.note(f"# before {p.spec()}\n{print_module(module)}")

    def after(p: Pass, module: Module) -> None:
        if print_after_all or p.name in print_after:
            console.note(f"# after {p.spec()}\n{print_module(module)}")

    return PassManager.from_text(
        (reproducer_pipeline(source.text) or "") if pipeline is None else pipeline,
        verify=verify_each,
        before=before if print_before_all else None,
        after=after if print_after_all or print_after else None,
        reproducer=Path(tempfile.gettempdir()),
    )


def _context(source: Source, seed: int, print_rewrites: bool) -> Context:
    from drawloom.passes import PASSES, Context
    from drawloom.passes.manager import reproducer_seed

    def tell_rewrite(rewrite: Rewrite) -> None:
        console.note(str(rewrite))

    return Context(
        PASSES,
        seed=seed or reproducer_seed(source.text),
        on_rewrite=tell_rewrite if print_rewrites else None,
    )


@dataclass
class _Job:
    """What is done with each piece of a file.

    Attributes:
        manager: runs the passes.
        context: what they share.
        choice: which network, and its static arguments.
        emit: name of a format.
        weights: file of the weights to give to the passes, or None.
        weights_out: file for those that they leave, or None.
        reports: of all passes that ran.
    """

    manager: PassManager
    context: Context
    choice: Mapping[str, Any]
    emit: str
    weights: Path | None
    weights_out: Path | None
    reports: list[PassReport] = field(default_factory=list)

    def run(self, piece: Source) -> str:
        """The output for a piece.

        Raises:
            DiagnosticError: when its text is at fault.
            UserError: when the passes, the weights or the format do not fit it.
        """
        from drawloom.backends.weights import load_weights
        from drawloom.frontend.load import module_of

        module = module_of(piece, **self.choice)
        if self.weights is not None:
            self.context.weights = load_weights(module, self.weights)
        try:
            result = self.manager.run(module, self.context)
        finally:
            self.reports += self.manager.reports
        text = FORMATS[self.emit].text(result)
        if self.weights_out is not None and self.context.weights is not None:
            _save_weights(result, self.context.weights, self.weights_out)
        return text


def _run(job: _Job, pieces: Sequence[Source]) -> tuple[list[str], bool]:
    """The outputs, and whether no piece was at fault; the errors of each of several pieces are told."""
    from drawloom.ir import DiagnosticError, UserError

    if len(pieces) == 1:
        return [job.run(pieces[0])], True
    texts, good = [], True
    for piece in pieces:
        try:
            texts.append(job.run(piece))
        except (DiagnosticError, UserError) as error:
            tell(error)
            good = False
    return texts, good


def _checked(job: _Job, pieces: Sequence[Source]) -> tuple[list[str], bool]:
    """The outputs of good pieces, and whether all errors were expected and all expected ones found."""
    from drawloom.ir import DiagnosticError, UserError

    texts, problems = [], []
    for piece in pieces:
        wanted = expectations.expected(piece)
        given: list[expectations.Remark] = []
        try:
            texts.append(job.run(piece))
        except (DiagnosticError, UserError) as error:
            given = expectations.found(error, piece)
        problems += expectations.differences(wanted, given, piece)
    for problem in problems:
        console.note(problem)
    return texts, not problems


def _save_weights(module: Module, weights: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write the weights that the module still reads; passes may leave more."""
    from drawloom.backends.weights import save_weights, weight_specs

    needed = weight_specs(module)
    save_weights(module, {name: w for name, w in weights.items() if name in needed}, path)


def _print_times(reports: Sequence[PassReport]) -> None:
    total = sum(report.seconds for report in reports)
    for report in reports:
        share = report.seconds / total if total else 0.0
        changed = f"{report.before} -> {report.after} operations" if report.changed else "nothing to do"
        console.note(f"{1e3 * report.seconds:9.3f} ms {share:6.1%}  {report.spec}  ({changed})")
    console.note(f"{1e3 * total:9.3f} ms 100.0%  all passes")


def _print_statistics(statistics: Mapping[str, Mapping[str, int]]) -> None:
    for name, counts in statistics.items():
        for what, count in counts.items():
            console.note(f"{count:9,}  {name}: {what}")
