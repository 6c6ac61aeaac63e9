"""Reads text into a syntax tree; every definition reports its own syntax error."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lark import Lark, UnexpectedInput

from drawloom.ir import Diagnostic, DiagnosticError, Label, Source, Span

from . import limits
from .build import build
from .scan import depth, pieces
from .syntax import Definition, File, Import, Require
from .syntax_errors import explain


def parse(source: Source) -> File:
    """Parse a source text.

    Raises:
        DiagnosticError: with one syntax error for each definition that has one.
    """
    _check_size(source)
    try:
        items = _parse_piece(source, 0, len(source.text))
    except DiagnosticError as whole:
        raise DiagnosticError(_piecewise(source) or whole.diagnostics) from None
    return File(
        source,
        tuple(i for i in items if isinstance(i, Import)),
        tuple(i for i in items if isinstance(i, Require)),
        tuple(i for i in items if isinstance(i, Definition)),
    )


def _check_size(source: Source) -> None:
    if len(source.text) > limits.SOURCE_CHARACTERS:
        label = Label(
            Span(source, 0, 1), f"{len(source.text)} characters; the limit is {limits.SOURCE_CHARACTERS}"
        )
        raise DiagnosticError([Diagnostic("E0006", "this text is too long", label)])
    levels, where = depth(source.text)
    if levels > limits.SYNTAX_DEPTH:
        label = Label(Span(source, where, where + 1), f"more than {limits.SYNTAX_DEPTH} levels")
        raise DiagnosticError([Diagnostic("E0006", "this is nested too deeply", label)])


def _piecewise(source: Source) -> list[Diagnostic]:
    """The first error of each piece of a source that does not parse as a whole."""
    found: list[Diagnostic] = []
    for start, end in pieces(source.text):
        try:
            _parse_piece(source, start, end)
        except DiagnosticError as error:
            found += error.diagnostics
        if len(found) >= limits.ERRORS:
            break
    return found


def _parse_piece(source: Source, start: int, end: int) -> tuple[Any, ...]:
    text = source.text[start:end]
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise DiagnosticError([explain(error, source, start, text)]) from None
    return build(tree, source, start)


@cache
def _grammar() -> Lark:
    """The parser; its tables are kept in the user's cache folder, as they take a quarter of a second."""
    text = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    folder = _cache_folder()
    if folder is None:
        return _make(text, False)
    # lark logs a failed read or write of its cache, which only costs the time to compute the tables again
    logging.getLogger("lark").addHandler(logging.NullHandler())
    return _make(text, str(folder / "grammar.lark-cache"))


def _make(text: str, cache_file: str | bool) -> Lark:
    return Lark(
        text,
        parser="lalr",
        lexer="contextual",
        propagate_positions=True,
        maybe_placeholders=True,
        cache=cache_file,
    )


def _cache_folder() -> Path | None:
    """A writable folder of the user's own, or None."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drawloom"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
