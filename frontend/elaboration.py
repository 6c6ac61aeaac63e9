"""Elaborates a parsed text into a module of the IR."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from drawloom.ir import (
    Diagnostic,
    DiagnosticError,
    Label,
    Module,
    Source,
    Span,
    UserError,
    Value,
    unknown,
)
from drawloom.ir.collector import collector_paused

from . import choose as _choose  # registers the evaluators of `choose`
from .builtins import builtins
from .calls import declared_type, instantiate, static_arguments
from .evaluate import unknown_name
from .frame import Elaboration, Fault, Frame
from .imports import Reader, Unit, read_units, scopes
from .primitives import primitives
from .statements import check_requirement
from .symbols import symbols_of
from .syntax import Definition, File
from .values import ListValue, Placed

assert _choose


def elaborate_with(
    source: Source, read: Reader, *, network: str | None = None, arguments: Mapping[str, Any] | None = None
) -> Module:
    """Elaborate a network of a source text.

    Args:
        source: the text.
        read: reads imported files.
        network: which network, needed when there are several.
        arguments: values for its static parameters: numbers, truth values, texts, or sequences of those.

    Raises:
        DiagnosticError: with everything found wrong in the text.
        UserError: when the network or an argument does not exist.
    """
    with deep_recursion(), collector_paused():
        try:
            return _elaborate(source, read, network, arguments or {})
        except RecursionError:
            raise DiagnosticError([nested_too_deeply(source)]) from None


def nested_too_deeply(source: Source) -> Diagnostic:
    """What is wrong with a text that exhausts the Python stack."""
    return Diagnostic("E0006", "this is nested too deeply", Label(Span(source, 0, 0)))


_RECURSION_LIMIT = 12_000
"""Python frames that the deepest text within the limits may need; pure Python calls do not use the C
stack."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow as many Python frames as the deepest text within the limits needs."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _elaborate(source: Source, read: Reader, network: str | None, arguments: Mapping[str, Any]) -> Module:
    units, shared = prepare(source, read)
    definition = _network(shared, units[-1], network)
    module = None if definition is None else elaborate_network(shared, units[-1].file, definition, arguments)
    check_unused(shared, units)
    shared.raise_errors()
    assert module is not None, "what keeps a network from being elaborated is reported"
    return module


def prepare(source: Source, read: Reader) -> tuple[list[Unit], Elaboration]:
    """A text and what it imports, ready to elaborate its networks; what is wrong so far is reported there.

    Raises:
        DiagnosticError: when an import cannot be read, for then most names would be unknown.
    """
    units, found = read_units(source, read)
    visible, clashes = scopes(units, {**builtins(), **primitives()})
    shared = Elaboration(visible)
    for diagnostic in (*found, *clashes):
        shared.report(diagnostic)
    if not all(unit.complete for unit in units):
        shared.raise_errors()
    return units, shared


def elaborate_network(
    shared: Elaboration, file: File, definition: Definition, arguments: Mapping[str, Any]
) -> Module | None:
    """The module of a network; None when it has errors, which are reported.

    Args:
        shared: made for this network alone.
        file: the file of the network.
        definition: the network.
        arguments: values for its static parameters.

    Raises:
        UserError: when a parameter does not exist or has no value, and nothing else is wrong.
        DiagnosticError: when errors are too many, or the network is too large.
    """
    frame = Frame(shared, definition, "")
    given = _given(shared, definition, arguments)
    try:
        statics = static_arguments(frame, definition, given, {}, definition.name.span)
        tensors = _inputs(frame, definition, statics)
        instance = instantiate(shared, definition, tensors, statics, "", None)
        if instance is not None:
            frame.inherit(instance)
        _global_requirements(frame, file)
    except Fault:
        return None
    requirements = (*frame.requirements, *frame.obligations)
    return (
        None
        if instance is None
        else Module(definition.name.name, shared.functions, shared.decisions, requirements)
    )


def _global_requirements(frame: Frame, file: File) -> None:
    """Check what a file demands of its networks; the files that it imports speak of theirs."""
    for requirement in file.requires:
        try:
            check_requirement(frame, requirement)
        except Fault:
            continue


def check_unused(shared: Elaboration, units: Sequence[Unit]) -> None:
    """Report unknown names in definitions that nothing has called, which no first use would find."""
    called = {key[0] for key, _ in shared.instances}
    for use in (use for symbols in symbols_of(units).values() for use in symbols.unknown):
        if use.owner is not None and use.owner not in called:
            predefined = shared.names_in(use.owner)
            if use.name.name not in predefined:
                message, repair = unknown_name(use.name, (*predefined, *use.scope))
                shared.report(Diagnostic("E0101", message, Label(use.name.span), help=repair))


def networks(file: File) -> dict[str, Definition]:
    """The networks that a file defines, by name."""
    return {d.name.name: d for d in file.definitions if d.kind == "network"}


def _network(shared: Elaboration, unit: Unit, wanted: str | None) -> Definition | None:
    """The network to elaborate; None when the file has none or several, which is reported.

    Raises:
        UserError: when there is none of the wanted name, and nothing else is wrong.
    """
    found = networks(unit.file)
    if wanted is not None:
        if wanted not in found:
            shared.raise_errors()
            raise unknown("network", wanted, found)
        return found[wanted]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        first, *others = found.values()
        labels = tuple(Label(d.name.span) for d in others)
        repair = f"ask for one of them: {', '.join(found)}"
        label = Label(first.name.span)
        shared.report(Diagnostic("E0106", "this file defines several networks", label, labels, help=repair))
    elif not shared.diagnostics:
        end = len(unit.file.source.text.rstrip())
        label = Label(Span(unit.file.source, end, end))
        shared.report(Diagnostic("E0106", "this file defines no network", label))
    return None


def _given(shared: Elaboration, definition: Definition, arguments: Mapping[str, Any]) -> dict[str, Placed]:
    """Arguments from outside the text, as bound parameters; what is wrong with the text comes first."""
    try:
        return _checked_arguments(definition, arguments)
    except UserError:
        shared.raise_errors()
        raise


def _checked_arguments(definition: Definition, arguments: Mapping[str, Any]) -> dict[str, Placed]:
    names = [p.name.name for p in definition.statics]
    for name, value in arguments.items():
        if name not in names:
            raise unknown(f"parameter of network {definition.name.name}", name, names)
        if not _acceptable(value):
            raise UserError(
                f"parameter '{name}' cannot be {value!r}", "numbers, true, false, texts and lists of them"
            )
    missing = [p.name.name for p in definition.statics if p.default is None and p.name.name not in arguments]
    if missing:
        raise UserError(f"network '{definition.name.name}' needs a value for '{missing[0]}'")
    span = definition.name.span
    return {name: Placed(_as_value(value), span) for name, value in arguments.items()}


def _acceptable(value: Any) -> bool:
    return isinstance(value, (int, float, bool, str)) or (
        isinstance(value, (list, tuple)) and all(map(_acceptable, value))
    )


def _as_value(value: Any) -> Any:
    if isinstance(value, list):
        return ListValue(tuple(_as_value(v) for v in value))
    return tuple(_as_value(v) for v in value) if isinstance(value, tuple) else value


def _inputs(frame: Frame, definition: Definition, statics: dict[str, Any]) -> dict[str, Any]:
    """Stand-ins for the network's inputs, of their declared types."""
    inputs: dict[str, Any] = {}
    if not definition.tensors:
        frame.fail(
            "E0104",
            "a network needs at least one input",
            definition.name.span,
            help="`network name(image: f32[3, 32, 32])`",
        )
    for parameter in definition.tensors:
        if parameter.type is None:
            repair = f"write `{parameter.name.name}: f32[3, 32, 32]`"
            frame.fail("E0112", "an input of a network needs a type", parameter.span, help=repair)
        if parameter.type.many:
            frame.fail("E0112", "an input of a network is one tensor", parameter.type.span)
        with frame.environment(dict(statics), definition):
            inputs[parameter.name.name] = Value(declared_type(frame, parameter.type))
    return inputs
