"""Which operations own which weights, through calls, and where two operations claim one path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .agreement import scalars_agree, types_agree
from .graph import Function, Module, Operation


def join_path(*parts: str) -> str:
    """The path of nested components: joined by dots, empty ones skipped."""
    return ".".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two operations that claim one weight path without being the same operation.

    Attributes:
        message: which path, and whose.
        function: where both come together.
        operation: the later of the two there (an operation with weights, or a call above one).
    """

    message: str
    function: Function
    operation: Operation


def weight_conflicts(module: Module) -> list[Conflict]:
    """All conflicts in a module whose calls resolve; at most one for each pair of operations."""
    owners: dict[str, dict[str, Operation]] = {}
    conflicts: list[Conflict] = []
    for function in module.functions.values():
        claims = [op for op in function.operations if _claims(op, owners)]
        conflicts += _conflicts(function, claims, owners)
        owned: dict[str, Operation] = {}
        for op in claims:
            owned.update(_owned(op, owners))
        owners[function.name] = owned
    return conflicts


def _claims(op: Operation, owners: dict[str, dict[str, Operation]]) -> bool:
    return bool(owners[op.attributes["callee"]]) if op.name == "call" else op.definition.has_weights


def _owned(op: Operation, owners: dict[str, dict[str, Operation]]) -> dict[str, Operation]:
    """Paths, relative to the function that holds `op`, of the operations with weights below it."""
    prefix = op.param or ""
    if op.name != "call":
        return {prefix: op}
    return {join_path(prefix, path): owner for path, owner in owners[op.attributes["callee"]].items()}


def _conflicts(
    function: Function, claims: list[Operation], owners: dict[str, dict[str, Operation]]
) -> Iterator[Conflict]:
    # only equal paths, or one below the other, can meet: most functions have none, so nothing is expanded
    order = sorted(range(len(claims)), key=lambda i: (_components(claims[i]), i))
    open_claims: list[Operation] = []
    for i in order:
        op = claims[i]
        open_claims = [other for other in open_claims if _above(other, op)]
        for other in open_claims:
            clash = _clash(other, op, owners)
            if clash is not None:
                later = max(other, op, key=claims.index)
                yield Conflict(f"the weights '{clash}' belong to two different operations", function, later)
        open_claims.append(op)


def _components(op: Operation) -> tuple[str, ...]:
    return tuple((op.param or "").split(".")) if op.param else ()


def _above(upper: Operation, lower: Operation) -> bool:
    prefix, path = _components(upper), _components(lower)
    return path[: len(prefix)] == prefix


def _clash(a: Operation, b: Operation, owners: dict[str, dict[str, Operation]]) -> str | None:
    """The first path that both claim for operations that differ."""
    if a.name == b.name == "call" and a.param == b.param and a.attributes["callee"] == b.attributes["callee"]:
        return None
    first, second = _owned(a, owners), _owned(b, owners)
    for path, owner in first.items():
        if path in second and not same_weights(owner, second[path]):
            return path
    return None


def same_weights(a: Operation, b: Operation) -> bool:
    """Whether two operations may share a path: equal in kind, attributes and weights."""
    if a is b:
        return True
    if a.definition is not b.definition:
        return False
    if not all(
        _agree(value, b.attributes.get(name)) for name, value in a.attributes.items() if name != "param"
    ):
        return False
    ours, theirs = a.definition.weights(a), b.definition.weights(b)
    return ours.keys() == theirs.keys() and all(types_agree(w.type, theirs[n].type) for n, w in ours.items())


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(scalars_agree, a, b))
    return scalars_agree(a, b)
