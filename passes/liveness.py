"""Which values of a function its outputs depend on, across calls: as bit masks of outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drawloom.ir import Decision, Expr, Function, Module, Operation, Value

Masks = dict[Value, int]
"""For each value of a function that is alive, the set of outputs that depend on it: bit k for output k."""

Needs = tuple[int, ...]
"""For each input of a function the set of outputs that depend on it."""

Reads = Callable[[Operation], Iterable[Value]]
"""The operands that an operation, not a call, really reads."""


def all_operands(op: Operation) -> Iterable[Value]:
    """Every operand: what the text of the operation needs to exist."""
    return op.operands


def selected(op: Operation, indices: Mapping[Decision, int]) -> Iterable[Value]:
    """The operands that an operation reads in an assignment: the selected alternative, the present members.

    Args:
        op: the operation.
        indices: for each decision the position of its value in its domain.
    """
    if op.definition.name == "choice":
        return (op.operands[int(_at(op.attributes["selector"], indices))],)
    if op.presence:
        return [v for v, p in zip(op.operands, op.presence, strict=True) if _at(p, indices)]
    return op.operands


def _at(scalar: Any, indices: Mapping[Decision, int]) -> Any:
    return scalar.at(indices) if isinstance(scalar, Expr) else scalar


def everything(function: Function) -> int:
    """The mask of all outputs."""
    return (1 << len(function.outputs)) - 1


def masks_of(function: Function, needs: Mapping[str, Needs], reads: Reads = all_operands) -> Masks:
    """The masks of all values that some output depends on; other values are missing.

    Args:
        function: the function.
        needs: of every function it calls.
        reads: which operands are followed.
    """
    masks: Masks = {}
    for position, value in enumerate(function.outputs):
        masks[value] = masks.get(value, 0) | 1 << position
    for op in reversed(function.operations):
        mask = 0
        for result in op.results:
            mask |= masks.get(result, 0)
        if not mask:
            continue
        if op.definition.name == "call":
            _follow_call(op, masks, needs[op.attributes["callee"]])
            continue
        for value in reads(op):
            masks[value] = masks.get(value, 0) | mask
    return masks


def _follow_call(op: Operation, masks: Masks, needs: Needs) -> None:
    for value, need in zip(op.operands, needs, strict=True):
        mask = 0
        for position, result in enumerate(op.results):
            if need >> position & 1:
                mask |= masks.get(result, 0)
        if mask:
            masks[value] = masks.get(value, 0) | mask


def needs_of(function: Function, masks: Masks) -> Needs:
    """The needs of a function whose masks are known."""
    return tuple([masks.get(v, 0) for v in function.inputs])


def demanded(op: Operation, masks: Masks, demand: int) -> int:
    """Which results of an operation are needed when the function's outputs `demand` are."""
    mask = 0
    for position, result in enumerate(op.results):
        if masks.get(result, 0) & demand:
            mask |= 1 << position
    return mask


def module_masks(module: Module, reads: Reads = all_operands) -> dict[str, Masks]:
    """The masks of every function of a module, by its name."""
    needs: dict[str, Needs] = {}
    result: dict[str, Masks] = {}
    for name, function in module.functions.items():
        result[name] = masks_of(function, needs, reads)
        needs[name] = needs_of(function, result[name])
    return result


def bits(mask: int) -> tuple[int, ...]:
    """The positions of the set bits, ascending."""
    return tuple([i for i in range(mask.bit_length()) if mask >> i & 1])
