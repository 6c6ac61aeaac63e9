"""What Drawloom says to people: diagnostics with a place, and one-line user errors.

Everything a user can get wrong ends in one of the two; the command line prints them and exits with code 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .render import render
from .source import Span


class Severity(Enum):
    """How bad a diagnostic is; only errors make a file unusable."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A piece of text underlined by a diagnostic, with an optional remark."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing found wrong in a source text.

    Attributes:
        code: stable identifier such as ``E0101``; see `drawloom.ir.codes`.
        message: one line, without the place.
        label: the guilty text.
        others: further places that explain it ("first declared here").
        notes: background, one line each.
        help: a repair, when one can be guessed.
    """

    code: str
    message: str
    label: Label
    others: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return render(self)


class DiagnosticError(Exception):
    """One or more errors in a source text; carries them all."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Wrap the diagnostics, which must not be empty."""
        super().__init__(diagnostics)
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(render(d) for d in self.diagnostics)


class UserError(Exception):
    """A mistake outside any source text (a missing file, an unknown name), said in one line.

    Attributes:
        hint: what to do about it, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Say what is wrong, and optionally the way out."""
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.hint = hint


@dataclass
class DiagnosticSink:
    """Collects diagnostics so that all errors of a file are reported at once."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        others: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
    ) -> None:
        """Record an error."""
        found = Diagnostic(code, message, Label(span, label), tuple(others), tuple(notes), help)
        if found not in self.diagnostics:
            self.diagnostics.append(found)

    def raise_if_any(self) -> None:
        """Raise everything collected, in source order.

        Raises:
            DiagnosticError: when at least one diagnostic was recorded.
        """
        if self.diagnostics:
            raise DiagnosticError(
                sorted(self.diagnostics, key=lambda d: (d.label.span.source.name, d.label.span.start))
            )


def suggest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to a misspelt one, or None when nothing is near.

    Capitals and underscores do not count: the nearest to ``BatchNorm`` is ``batch_norm``.
    """
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(_folded(candidate), candidate)
    near = difflib.get_close_matches(_folded(name), list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist: names it, the nearest known one, or all of a few."""
    names = sorted(known)
    near = suggest(name, names)
    if near is not None:
        return UserError(f"unknown {kind} '{name}'", f"did you mean '{near}'?")
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return UserError(f"unknown {kind} '{name}'", f"known: {listed}" if names else "none is known")
