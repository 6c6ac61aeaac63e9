"""``drawloom check``: are these files right?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..quantity import count_text, size_text
from . import console, options
from .failure import BAD_INPUT, diagnostics_json, diagnostics_text
from .networks import load_networks

if TYPE_CHECKING:
    from drawloom.ir import Constraint, DiagnosticError, Module, UserError


@dataclass
class Finding:
    """What was found about a network of a file, or about a file without one or with mistakes.

    Attributes:
        file: the file, or the name, as it was given.
        network: the network; None where the file was not read so far or has none.
        diagnostics: JSON objects.
        decisions: how many there are; this and the other numbers are None unless the network was made.
        candidates: how many there are.
        operations: how many there are, each function counted once.
        open_checks: dimension checks that were not shown for all candidates.
        sampled: how many candidates were drawn for them.
        needs: what keeps a network from being made that has no mistake in its text.
    """

    file: str
    network: str | None = None
    diagnostics: list[dict[str, Any]] = field(default_factory=list)
    decisions: int | None = None
    candidates: int | None = None
    operations: int | None = None
    open_checks: int = 0
    sampled: int = 0
    needs: str | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.diagnostics


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="The .loom or .ir files, or names that `drawloom zoo` lists.",
            show_default=False,
        ),
    ],
    network: options.NetworkName = None,
    arg: options.Arguments = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            min=1,
            metavar="N",
            help="Candidates drawn where a space leaves dimension checks open.",
        ),
    ] = 2000,
    seed: options.DrawSeed = 0,
    as_json: options.AsJson = False,
) -> None:
    """Check files and report everything that is wrong with them.

    All networks of a file are checked that need no arguments; of others, and of definitions that no network
    uses, only syntax and names are. With --json, diagnostics have the shape of the Language Server Protocol;
    lines count from 0.

    Where it cannot be shown for all candidates of a space that its dimensions fit, candidates are drawn and
    checked one by one, and the summary says how many.

    Examples:
      drawloom check zoo/spaces/mobile_fashion.loom
      drawloom check zoo/networks/darts.loom --network darts_v2 --arg channels=16
    """
    findings: list[Finding] = []
    for finding, text in (f for path in files for f in _check_file(path, network, arg, samples, seed)):
        findings.append(finding)
        if not as_json:
            typer.echo(text, err=not finding.good)
    if as_json:
        console.print_json([asdict(finding) for finding in findings])
    if not all(finding.good for finding in findings):
        raise typer.Exit(BAD_INPUT)


def _check_file(
    path: Path, network: str | None, arguments: Sequence[str] | None, samples: int, seed: int
) -> Iterator[tuple[Finding, str]]:
    """What is found, each with a text about it."""
    from drawloom.ir import DiagnosticError, UserError

    try:
        made = load_networks(path, network, arguments)
    except (DiagnosticError, UserError) as error:
        yield _faulty(Finding(str(path)), error)
        return
    if not made:
        yield Finding(str(path)), f"{path}: good, definitions without a network"
    for name, module in made.items():
        finding = Finding(str(path), name)
        if isinstance(module, UserError):
            finding.needs = str(module)
            yield finding, f"{path}: good, but {module} to be checked further"
            continue
        try:
            _describe(module, finding, samples, seed)
        except UserError as error:
            yield _faulty(finding, error)
        else:
            yield finding, _summary(finding, f"{path}" if len(made) == 1 else f"{path}: {name}")


def _faulty(finding: Finding, error: DiagnosticError | UserError) -> tuple[Finding, str]:
    from drawloom.ir import DiagnosticError

    finding.diagnostics = diagnostics_json(error)
    return finding, diagnostics_text(error) if isinstance(error, DiagnosticError) else f"error: {error}"


def _describe(module: Module, finding: Finding, samples: int, seed: int) -> None:
    from drawloom.passes import space_size

    finding.decisions = len(module.decisions)
    finding.candidates = space_size(module)
    finding.operations = len(module)
    unsettled = [c for c in module.constraints if not c.filters]
    finding.open_checks = len(unsettled)
    if unsettled:
        finding.sampled = samples
        _sample_checks(module, unsettled, samples, seed)


def _sample_checks(module: Module, checks: list[Constraint], samples: int, seed: int) -> None:
    """Evaluate open dimension checks on random candidates.

    Raises:
        UserError: when one does not hold, naming the candidate.
    """
    import numpy as np

    from drawloom.ir import Expr, UserError, choice_text
    from drawloom.passes import sample

    batch = sample(module, samples, seed)
    columns = {d: batch.positions[row] for row, d in enumerate(module.decisions.values())}
    for check in checks:
        holds = (
            check.condition.columns(columns)
            if isinstance(check.condition, Expr)
            else np.asarray(check.condition)
        )
        wrong = np.flatnonzero(~np.broadcast_to(holds, (samples,)).astype(bool))
        if len(wrong):
            guilty = batch.assignments()[int(wrong[0])]
            mentioned = check.condition.decisions if isinstance(check.condition, Expr) else ()
            choices = ", ".join(f"{d.name}={choice_text(guilty[d.name])}" for d in mentioned)
            place = f"{check.span}: " if check.span is not None else ""
            raise UserError(
                f"{place}{check.message}", f"{len(wrong)} of {samples} candidates drawn, such as {choices}"
            )


def _summary(finding: Finding, place: str) -> str:
    operations = f"{count_text(finding.operations or 0)} operations"
    if not finding.decisions:
        text = f"{place}: good, a network without open decisions, {operations}"
    else:
        candidates = f"{size_text(finding.candidates or 0)} candidates"
        text = f"{place}: good, {finding.decisions} decisions, {candidates}, {operations}"
    if finding.open_checks:
        drawn = f"all of {count_text(finding.sampled)} candidates drawn"
        text += f"; {finding.open_checks} dimension checks hold for {drawn}"
    return text
