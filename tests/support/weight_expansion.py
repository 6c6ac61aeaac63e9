"""Conflicts of weight paths by their definition: every path of every function is spelled out."""

from collections.abc import Iterator

from drawloom.ir import Function, Module, Operation
from drawloom.ir.weight_paths import join_path, same_weights

Owned = dict[str, Operation]
"""The operation that owns each path."""

Found = tuple[str, str, Operation]
"""The path, the function and the operation of a conflict."""


def expanded_conflicts(module: Module) -> list[Found]:
    """All conflicts of a module, which must be small, in the order in which the verifier names them."""
    owners: dict[str, Owned] = {}
    found: list[Found] = []
    for function in module.functions.values():
        claims = [(op, owned) for op in function.operations if (owned := _owned(op, owners))]
        found += _conflicts(function, claims)
        owners[function.name] = {path: owner for _, owned in claims for path, owner in owned.items()}
    return found


def _owned(op: Operation, owners: dict[str, Owned]) -> Owned:
    if op.name == "call":
        below = owners[op.attributes["callee"]]
        return {join_path(op.param or "", path): owner for path, owner in below.items()}
    return {op.param or "": op} if op.definition.has_weights else {}


def _conflicts(function: Function, claims: list[tuple[Operation, Owned]]) -> Iterator[Found]:
    parts = [op.param.split(".") if op.param else [] for op, _ in claims]
    order = sorted(range(len(claims)), key=lambda i: (parts[i], i))
    for rank, later in enumerate(order):
        for other in order[:rank]:
            first, second = claims[other][1], claims[later][1]
            clashes = (p for p in first if p in second and not same_weights(first[p], second[p]))
            path = next(clashes, None)
            if path is not None and parts[later][: len(parts[other])] == parts[other]:
                yield path, function.name, claims[max(later, other)][0]
