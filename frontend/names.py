"""Checks the names in definitions that nothing calls, so that a mistake does not wait for their first use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from drawloom.ir import Diagnostic, Label, suggest

from .syntax import Append, Assign, Call, Comprehension, Definition, For, Member, Name, Node, Targets


def check_names(definition: Definition, known: Iterable[str]) -> Iterator[Diagnostic]:
    """The unknown names in a definition.

    A name counts as known when anything in the definition binds it, wherever that is; elaboration is exact.

    Args:
        definition: the definition.
        known: names of definitions, primitives and built-in functions.
    """
    nodes = list(_walk(definition))
    names = {p.name.name for p in definition.tensors} | {p.name.name for p in definition.statics} | set(known)
    for node in nodes:
        names.update(n.name for n in _bound(node))
    for used in (name for node in nodes for name in _used(node)):
        if used.name not in names:
            near = suggest(used.name, names)
            repair = f"did you mean '{near}'?" if near else None
            yield Diagnostic("E0101", f"unknown name '{used.name}'", Label(used.span), help=repair)


def _walk(root: Node) -> Iterator[Node]:
    """All nodes below one, without recursion."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        for field in fields(node):
            value = getattr(node, field.name)
            waiting += [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Node)]


def _bound(node: Node) -> tuple[Name, ...]:
    """The names a node binds."""
    if isinstance(node, Assign):
        return node.targets
    if isinstance(node, Append):
        return (node.target,)
    if isinstance(node, Targets):
        return node.items if node.position is None else (node.position, *node.items)
    return ()


def _used(node: Node) -> Iterator[Name]:
    """The names a node reads: its children that are names in the place of an expression."""
    if isinstance(node, (Assign, Append, Targets, Definition)):
        readers: tuple[object, ...] = (node.value,) if isinstance(node, (Assign, Append)) else ()
    elif isinstance(node, Member):
        readers = (node.base,)
    elif isinstance(node, Call):
        readers = (node.callee,)
    elif isinstance(node, (For, Comprehension)):
        readers = (node.source,) if isinstance(node, For) else (node.source, node.body, node.condition)
    else:
        readers = _plain_children(node)
    yield from (r for r in readers if isinstance(r, Name))


_NOT_READ = {"name", "keyword", "label", "dtype"}
"""Fields of nodes that hold a name which is not looked up."""


def _plain_children(node: Node) -> tuple[object, ...]:
    values = (getattr(node, f.name) for f in fields(node) if f.name not in _NOT_READ)
    return tuple(v for value in values for v in (value if isinstance(value, tuple) else (value,)))
