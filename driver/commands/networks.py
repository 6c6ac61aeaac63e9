"""Reads what most commands are about: a network or a search space, and an assignment of its decisions."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue import load_entry, named

if TYPE_CHECKING:
    from drawloom.ir import Assignment, Module, Source, UserError


def load_module(path: Path, network: str | None = None, arguments: Sequence[str] | None = None) -> Module:
    """The module in a `.loom` or `.ir` file, or of a name of the zoo; ``-`` reads from standard input.

    Raises:
        DiagnosticError: when the text is at fault.
        UserError: when there is no such file or name, or an argument is not written ``NAME=VALUE``.
    """
    from drawloom.frontend.load import module_of

    entry = named(path)
    if entry is not None:
        return load_entry(entry, read_arguments(arguments), network)
    return module_of(read_text(path), network=network, arguments=read_arguments(arguments))


def load_networks(
    path: Path, network: str | None = None, arguments: Sequence[str] | None = None
) -> dict[str, Module | UserError]:
    """All networks of a file, or what a network, arguments or a name of the zoo ask for, as in `load_module`.

    Returns:
        Modules by the names of the networks; for a network that needs arguments, what says so.
    """
    from drawloom.frontend.inspection import inspect
    from drawloom.frontend.load import is_ir, read_import
    from drawloom.ir import DiagnosticError

    asked = network is not None or arguments or named(path) is not None
    source = None if asked else read_text(path)
    if source is None or is_ir(source):
        module = load_module(path, network, arguments)
        return {module.name: module}
    found = inspect(source, read_import)
    if found.diagnostics:
        raise DiagnosticError(found.diagnostics)
    return found.networks


def read_text(path: Path) -> Source:
    """The text of a file; of standard input for ``-``.

    Raises:
        UserError: when there is no such file.
    """
    from drawloom.frontend.load import read_source
    from drawloom.ir import Source

    return Source("<stdin>", sys.stdin.read()) if str(path) == "-" else read_source(path)


def read_arguments(texts: Sequence[str] | None) -> dict[str, Any]:
    """Values by name from texts such as ``width=0.5``: numbers, true, false and lists, and else texts.

    Raises:
        UserError: when one is not written so.
    """
    return {name: _literal(text) for name, text in map(_pair, texts or ())}


def _pair(text: str) -> tuple[str, str]:
    from drawloom.ir import UserError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"'{text}' is not of the form NAME=VALUE")
    return name.strip(), value.strip()


def _literal(text: str) -> object:
    """A number, true, false or a list where the text is one, else the text itself."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool, str, list)) else text


def read_assignment(assign: Sequence[str] | None, file: Path | None) -> dict[str, object]:
    """The decisions decided on the command line, unchecked: those of the file, overridden by the single ones.

    Raises:
        UserError: when there is no such file, or it or a flag cannot be understood.
    """
    from drawloom.frontend.load import read_source
    from drawloom.ir import load_assignment

    given: dict[str, object] = {}
    if file is not None:
        given.update(load_assignment(read_source(file).text, f"'{file}'"))
    given.update(_pair(text) for text in assign or ())
    return given


def partial_assignment(
    module: Module, assign: Sequence[str] | None, file: Path | None, seed: int | None = None
) -> Assignment:
    """The decisions that the command line decides, checked; all of the module when a seed is given.

    Raises:
        UserError: on an unknown decision or a value that is not in its domain.
    """
    from drawloom.ir import check_assignment

    given = check_assignment(module.decisions, read_assignment(assign, file), partial=True)
    if seed is None or not module.decisions:
        return given
    drawn = sample_within(module, given, seed)
    return {name: drawn[name] for name in module.decisions}


def sample_within(module: Module, fixed: Assignment, seed: int) -> Assignment:
    """A random assignment that agrees with the decisions already made."""
    from drawloom.passes import sample

    return {**sample(module, 1, seed).assignments()[0], **fixed}


def complete_assignment(
    module: Module, assign: Sequence[str] | None, file: Path | None, seed: int | None = None
) -> Assignment:
    """An assignment of every decision, from flags, a file and a seed for the rest.

    Raises:
        UserError: as for `partial_assignment`, and when a decision stays open.
    """
    from drawloom.ir import UserError, check_assignment

    given = partial_assignment(module, assign, file, seed)
    missing = [name for name in module.decisions if name not in given]
    if missing:
        raise UserError(
            f"decision '{missing[0]}' is not assigned",
            f"{len(missing)} of {len(module.decisions)} are open: use --assign, --assignment or --seed",
        )
    return check_assignment(module.decisions, given, partial=False)


def load_network(
    path: Path,
    network: str | None,
    arguments: Sequence[str] | None,
    assign: Sequence[str] | None,
    file: Path | None,
    seed: int | None,
) -> tuple[Module, Assignment]:
    """A resolved network, and the assignment that made it of the space in the file, if it took one."""
    module = load_module(path, network, arguments)
    assignment = complete_assignment(module, assign, file, seed)
    if module.resolved:
        return module, assignment
    from drawloom.passes import resolve

    return resolve(module, assignment), assignment
