"""Expected errors in the comments of a file, and how they compare with what was found.

``# expected-error {{text}}`` expects an error on its own line whose code and message, ``E0101: unknown name
'imge'``, contain the text; ``@+1`` or ``@-2`` after the word moves the line, and ``@unknown`` stands for
errors that have no place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drawloom.ir import Source, UserError

_MARK = "expected-error"
_COMMENT = re.compile(rf"#\s*{_MARK}(?P<rest>.*)$", re.MULTILINE)
_REST = re.compile(r"(?:@(?P<place>[+-]\d+|unknown))?\s*\{\{(?P<text>.+?)\}\}\s*$")


@dataclass(frozen=True, slots=True)
class Remark:
    """An error, expected or found.

    Attributes:
        line: where in the file, counted from 1; None when it has no place there.
        text: the message, or a part of it.
    """

    line: int | None
    text: str

    def place(self, source: Source) -> str:
        """File and line, for messages."""
        return source.name if self.line is None else f"{source.name}:{self.line}"


def expected(source: Source) -> list[Remark]:
    """The errors that the comments of a text expect.

    Raises:
        UserError: when such a comment cannot be understood.
    """
    return list(_expected(source))


def _expected(source: Source) -> Iterator[Remark]:
    for comment in _COMMENT.finditer(source.text):
        line, _ = source.position(comment.start())
        found = _REST.match(comment["rest"])
        if found is None:
            raise _not_understood(source, line)
        place = found["place"] or "+0"
        yield Remark(None if place == "unknown" else line + int(place), found["text"])


def _not_understood(source: Source, line: int) -> UserError:
    from drawloom.ir import UserError

    return UserError(
        f"{source.name}:{line}: this '{_MARK}' cannot be understood",
        f"write `# {_MARK}@+1 {{{{E0101: unknown name}}}}`: an offset or 'unknown', or nothing; a text in "
        "double braces; the end of the line",
    )


def found(error: Exception, source: Source) -> list[Remark]:
    """What an error says about a text: every diagnostic, or the one line of a mistake without a place."""
    from drawloom.ir import DiagnosticError, VerificationError

    if isinstance(error, DiagnosticError):
        return [_remark(d.label.span, f"{d.code}: {d.message}", source) for d in error.diagnostics]
    if isinstance(error, VerificationError):
        return [_remark(p.span, p.message, source) for p in error.problems]
    return [Remark(None, str(error))]


def _remark(span: object, text: str, source: Source) -> Remark:
    from drawloom.ir import Span

    here = isinstance(span, Span) and span.source.name == source.name
    return Remark(source.position(span.start)[0] if here and isinstance(span, Span) else None, text)


def differences(wanted: list[Remark], given: list[Remark], source: Source) -> list[str]:
    """A line for each error that was expected and not found, and for each that was found unexpectedly."""
    unexpected = list(given)
    missing = []
    for remark in wanted:
        match = next((g for g in unexpected if g.line == remark.line and remark.text in g.text), None)
        if match is None:
            missing.append(f"{remark.place(source)}: expected an error with '{remark.text}', found none")
        else:
            unexpected.remove(match)
    return [*missing, *(f"{r.place(source)}: unexpected error: {r.text}" for r in unexpected)]
