"""``drawloom check``: are these files right?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..quantity import count_text, size_text
from . import console, options
from .failure import BAD_INPUT, diagnostics_json, diagnostics_text
from .networks import load_module

if TYPE_CHECKING:
    from drawloom.ir import Constraint, Module


@dataclass
class Finding:
    """What was found about one file; `diagnostics` are JSON objects, the numbers stay None for a bad file."""

    file: str
    diagnostics: list[dict[str, Any]] = field(default_factory=list)
    decisions: int | None = None
    candidates: int | None = None
    operations: int | None = None
    open_checks: int = 0
    sampled: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.diagnostics


def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="The .loom or .ir files.", show_default=False)
    ],
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

    With --json, diagnostics have the shape of the Language Server Protocol; lines count from 0.

    Where it cannot be shown for all candidates of a space that its dimensions fit, candidates are drawn and
    checked one by one, and the summary says how many.

    Example:
      drawloom check zoo/spaces/mobile_fashion.loom
    """
    findings = [_check_file(path, samples, seed, quiet=as_json) for path in files]
    if as_json:
        console.print_json([asdict(finding) for finding in findings])
    if not all(finding.good for finding in findings):
        raise typer.Exit(BAD_INPUT)


def _check_file(path: Path, samples: int, seed: int, *, quiet: bool) -> Finding:
    from drawloom.ir import DiagnosticError, UserError

    finding = Finding(str(path))
    try:
        module = load_module(path)
        _describe(module, finding, samples, seed)
    except DiagnosticError as error:
        finding.diagnostics += diagnostics_json(error)
        text = diagnostics_text(error)
    except UserError as error:
        finding.diagnostics += diagnostics_json(error)
        text = f"error: {error}"
    else:
        text = _summary(finding)
    if not quiet:
        typer.echo(text, err=not finding.good)
    return finding


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


def _summary(finding: Finding) -> str:
    operations = f"{count_text(finding.operations or 0)} operations"
    if not finding.decisions:
        text = f"{finding.file}: good, a network without open decisions, {operations}"
    else:
        candidates = f"{size_text(finding.candidates or 0)} candidates"
        text = f"{finding.file}: good, {finding.decisions} decisions, {candidates}, {operations}"
    if finding.open_checks:
        drawn = f"all of {count_text(finding.sampled)} candidates drawn"
        text += f"; {finding.open_checks} dimension checks hold for {drawn}"
    return text
