"""Files and what they import: which definitions each file sees, under which names.

Every file has names of its own: its definitions and those of the files it imports. A plain import adds the
definitions of a file (not those it imports itself) under their own names; `import "x.loom" as x` adds them as
``x.name``. One name for two definitions is an error, in one file or through imports: nothing hides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from drawloom.ir import Diagnostic, DiagnosticError, Label, Source, Span, UserError

from .frame import ERROR
from .parse import read as read_text
from .syntax import Definition, File, Import
from .values import Defined, Namespace

Reader = Callable[[Source, str], Source]
"""Reads an imported file: from the importing source and the text between the quotes.

Raises `UserError` when there is none.
"""

_CHAIN = 20
"""Longest chain of imports."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A parsed file with the files it imports.

    Attributes:
        file: what could be read of the file.
        imports: each import with what it names.
        broken: names of definitions that could not be read.
        complete: whether all imports could be read.
    """

    file: File
    imports: tuple[tuple[Import, Unit], ...]
    broken: frozenset[str] = frozenset()
    complete: bool = True

    @property
    def name(self) -> str:
        """The name of its source."""
        return self.file.source.name


def read_units(source: Source, read: Reader) -> tuple[list[Unit], list[Diagnostic]]:
    """A source and everything it imports, each once, imported files first.

    What cannot be read is left out, with its syntax errors and those of imports.
    """
    done: dict[str, Unit] = {}
    found: list[Diagnostic] = []

    def visit(current: Source, chain: tuple[str, ...]) -> None:
        reading = read_text(current)
        found.extend(reading.diagnostics)
        imports: list[tuple[Import, Unit]] = []
        for item in reading.file.imports:
            try:
                imported = _read(current, item, chain, read)
            except DiagnosticError as error:
                found.extend(error.diagnostics)
                continue
            if imported.name not in done:
                visit(imported, (*chain, imported.name))
            imports.append((item, done[imported.name]))
        complete = len(imports) == len(reading.file.imports)
        done[current.name] = Unit(reading.file, tuple(imports), reading.broken, complete)

    visit(source, (source.name,))
    return list(done.values()), found


def _read(current: Source, item: Import, chain: Sequence[str], read: Reader) -> Source:
    def refuse(message: str) -> DiagnosticError:
        return DiagnosticError([Diagnostic("E0107", message, Label(item.span))])

    path = PurePosixPath(item.path)
    if path.is_absolute() or path.suffix != ".loom" or "\\" in item.path or "\0" in item.path:
        raise refuse("an import is a relative path to a .loom file")
    try:
        imported = read(current, item.path)
    except UserError as error:
        raise refuse(str(error)) from None
    if imported.name in chain:
        raise refuse("this import leads back to this file")
    if len(chain) >= _CHAIN:
        raise refuse(f"imports in a chain of more than {_CHAIN} files")
    return imported


def scopes(
    units: Sequence[Unit], builtin: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[Diagnostic]]:
    """What each file sees, by the name of its source, and an error for every name that stands for two things.

    Args:
        units: imported files first.
        builtin: what all files see; definitions hide it.
    """
    own = {unit.name: _defined(unit) for unit in units}
    errors = [e for unit in units for e in (*_repeated(unit.file), *_clashes(unit, own))]
    return {unit.name: {**builtin, **_imported(unit, own), **own[unit.name]} for unit in units}, errors


_Own = Mapping[str, Mapping[str, Any]]
"""The definitions of each file by the name of its source."""


def _defined(unit: Unit) -> dict[str, Any]:
    """What a file defines: of two definitions of one name the first, for unreadable ones an error."""
    names: dict[str, Any] = dict.fromkeys(unit.broken, ERROR)
    names.update((d.name.name, Defined(d)) for d in reversed(unit.file.definitions))
    return names


def _imported(unit: Unit, own: _Own) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for item, imported in unit.imports:
        if item.alias is None:
            names.update(own[imported.name])
        else:
            names[item.alias.name] = Namespace(item.alias.name, own[imported.name])
    return names


def _repeated(file: File) -> Iterator[Diagnostic]:
    """Two definitions or two parameters of one name."""
    first: dict[str, Definition] = {}
    for definition in file.definitions:
        name = definition.name
        yield from _repeated_parameters(definition)
        if name.name in first:
            yield _twice(name.name, name.span, first[name.name].name.span)
        first.setdefault(name.name, definition)


def _repeated_parameters(definition: Definition) -> Iterator[Diagnostic]:
    first: dict[str, Span] = {}
    for name in [*(p.name for p in definition.tensors), *(p.name for p in definition.statics)]:
        if name.name in first:
            label = Label(first[name.name], "the first is here")
            yield Diagnostic("E0108", f"two parameters are named '{name.name}'", Label(name.span), (label,))
        first.setdefault(name.name, name.span)


def _clashes(unit: Unit, own: _Own) -> Iterator[Diagnostic]:
    """Names that an import brings and that stand for something else already."""
    known: dict[str, tuple[object, Span]] = {
        n: (d, d.definition.name.span) for n, d in own[unit.name].items() if d is not ERROR
    }
    for item, imported in unit.imports:
        if item.alias is not None:
            brought: Mapping[str, object] = {item.alias.name: item}
        else:
            brought = own[imported.name]
        for name, meaning in brought.items():
            if name not in known:
                place = meaning.definition.name.span if isinstance(meaning, Defined) else item.span
                known[name] = (meaning, place)
            elif known[name][0] != meaning:
                yield _brought_twice(name, item, meaning, known[name][1])


def _brought_twice(name: str, item: Import, meaning: object, first: Span) -> Diagnostic:
    if not isinstance(meaning, Defined):
        return _twice(name, item.span, first)
    stem = PurePosixPath(item.path).stem
    labels = (
        Label(meaning.definition.name.span, "this one is imported"),
        Label(first, "this one is there already"),
    )
    return Diagnostic(
        "E0102",
        f"'{name}' is defined twice",
        Label(item.span, "by this import"),
        labels,
        help=f'name the file, `import "{item.path}" as {stem}`, and write `{stem}.{name}`',
    )


def _twice(name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "E0102", f"'{name}' is defined twice", Label(span), (Label(first, "the first is here"),)
    )
