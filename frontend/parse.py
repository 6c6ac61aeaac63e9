"""Reads text into a syntax tree; every definition reports its own syntax error."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree, UnexpectedInput

from drawloom.ir import Diagnostic, DiagnosticError, Label, Source, Span

from . import limits
from .build import build
from .scan import depth, names_defined, pieces
from .syntax import Definition, File, Import, Require
from .syntax_errors import explain


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a source text.

    Attributes:
        file: its parts that follow the grammar.
        diagnostics: one syntax error for each definition that has one.
        broken: names of the definitions that do not follow the grammar.
    """

    file: File
    diagnostics: tuple[Diagnostic, ...] = ()
    broken: frozenset[str] = frozenset()


def parse(source: Source) -> File:
    """Parse a source text.

    Raises:
        DiagnosticError: with one syntax error for each definition that has one.
    """
    reading = read(source)
    if reading.diagnostics:
        raise DiagnosticError(reading.diagnostics)
    return reading.file


def read(source: Source) -> Reading:
    """Parse what can be parsed of a source text: a mistake in a definition leaves the others readable."""
    try:
        _check_size(source)
    except DiagnosticError as error:
        return Reading(_file(source, ()), error.diagnostics, frozenset(names_defined(source.text)))
    reading = _piecewise(source)
    return (_whole(source) or reading) if reading.diagnostics else reading


def _whole(source: Source) -> Reading | None:
    """A source read in one piece, None when it has mistakes: what looks like a new definition may be none."""
    try:
        return Reading(_file(source, _parse_piece(source, 0, len(source.text))))
    except DiagnosticError:
        return None


def _file(source: Source, items: Iterable[Any]) -> File:
    kept = tuple(items)
    return File(
        source,
        tuple(i for i in kept if isinstance(i, Import)),
        tuple(i for i in kept if isinstance(i, Require)),
        tuple(i for i in kept if isinstance(i, Definition)),
    )


def parse_concrete(source: Source) -> Tree[Token]:
    """The parse tree of a source with every token in it, for tools that keep the text as it is written.

    Raises:
        DiagnosticError: with one syntax error for each definition that has one.
    """
    _check_size(source)
    try:
        return _grammar(every_token=True).parse(source.text)
    except UnexpectedInput as error:
        found = read(source).diagnostics or (explain(error, source, 0, source.text),)
        raise DiagnosticError(found) from None


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


def _piecewise(source: Source) -> Reading:
    """The readable pieces of a source, and the first error of each other."""
    items: list[Any] = []
    found: list[Diagnostic] = []
    broken: set[str] = set()
    for start, end in pieces(source.text):
        try:
            items += _parse_piece(source, start, end)
        except DiagnosticError as error:
            found += error.diagnostics[: limits.ERRORS - len(found)]
            broken.update(names_defined(source.text[start:end]))
    return Reading(_file(source, items), tuple(found), frozenset(broken))


def _parse_piece(source: Source, start: int, end: int) -> tuple[Any, ...]:
    text = source.text[start:end]
    try:
        tree = _tree(text)
    except UnexpectedInput as error:
        raise DiagnosticError([explain(error, source, start, text)]) from None
    return build(tree, source, start)


@lru_cache(maxsize=1024)
def _tree(text: str) -> Tree[Token]:
    """The parse tree of a piece; the pieces of an edited text that did not change are not parsed again."""
    return _grammar(every_token=False).parse(text)


@cache
def _grammar(*, every_token: bool) -> Lark:
    """The parser; its tables are kept in the user's cache folder, as they take a quarter of a second.

    Args:
        every_token: whether its trees have all tokens, or only those that a syntax tree is built from.
    """
    text = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    folder = _cache_folder()
    if folder is None:
        return _make(text, False, every_token)
    # lark logs a failed read or write of its cache, which only costs the time to compute the tables again
    logging.getLogger("lark").addHandler(logging.NullHandler())
    name = "concrete-grammar" if every_token else "grammar"
    return _make(text, str(folder / f"{name}.lark-cache"), every_token)


def _make(text: str, cache_file: str | bool, every_token: bool) -> Lark:
    return Lark(
        text,
        parser="lalr",
        lexer="contextual",
        propagate_positions=True,
        maybe_placeholders=True,
        keep_all_tokens=every_token,
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
