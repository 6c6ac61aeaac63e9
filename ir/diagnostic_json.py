"""Diagnostics as data for programs, in the shape of the Language Server Protocol.

Lines and characters count from 0, characters in UTF-16 code units; see the protocol's `Diagnostic`. Beyond
it, each object names its ``file`` as the command was given it, and has ``notes`` and ``help``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .diagnostic import Diagnostic, Label, Severity
from .source import Span

SEVERITIES = {Severity.ERROR: 1, Severity.WARNING: 2}
"""The protocol's numbers."""


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as an object of texts, numbers, lists and objects."""
    span = diagnostic.label.span
    return {
        "file": span.source.name,
        "range": range_json(span),
        "severity": SEVERITIES[diagnostic.severity],
        "code": diagnostic.code,
        "source": "drawloom",
        "message": full_message(diagnostic),
        "relatedInformation": [_related(label) for label in diagnostic.others],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
    }


def full_message(diagnostic: Diagnostic) -> str:
    """The message with the remark beside the guilty text, as one line."""
    remark = diagnostic.label.text
    return f"{diagnostic.message}: {remark}" if remark else diagnostic.message


def range_json(span: Span) -> dict[str, dict[str, int]]:
    """The place of a span."""
    ends = (span.source.editor_position(offset) for offset in (span.start, span.end))
    start, end = ({"line": line, "character": character} for line, character in ends)
    return {"start": start, "end": end}


def uri(name: str) -> str:
    """The address of a source: a ``file:`` URI, or the name itself of no file, such as ``<stdin>``."""
    return name if name.startswith("<") else Path(name).absolute().as_uri()


def _related(label: Label) -> dict[str, Any]:
    location = {"uri": uri(label.span.source.name), "range": range_json(label.span)}
    return {"location": location, "message": label.text or "here"}
