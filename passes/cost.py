"""Cost analysis: parameters, multiply-adds and activation bytes of a resolved network and its operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drawloom.ir import PAPERS, Cost, Counting, Function, Module, Operation, UserError, cost, counting_of
from drawloom.ir.definition import needed_operands
from drawloom.ir.weight_paths import join_path

from .liveness import Masks, demanded, everything, module_masks


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one operation of a network costs.

    Attributes:
        path: calls that lead to it and, where it owns weights, its own path; parts joined by dots.
        operation: the operation.
        cost: integers. Parameters under a path that an earlier row owns too are counted there only.
    """

    path: str
    operation: Operation
    cost: Cost


def cost_table(module: Module, count: Counting | str = PAPERS) -> list[CostRow]:
    """The cost of every operation of a resolved network, in the order in which they are computed.

    What the network's outputs need for inference counts, as in pricing: nothing dead, and nothing that only
    the heads of auxiliaries need, unless ``auxiliary`` is counted.

    Args:
        module: the network.
        count: what is counted as multiply-adds; a `Counting`, or its text such as ``conv+linear+bn``.

    Raises:
        UserError: when decisions are open; `price` is for those. When `count` has an unknown word.
    """
    counting = counting_of(count)
    if not module.resolved:
        first = next(iter(module.decisions))
        raise UserError(
            f"decision '{first}' is open", "assign all decisions first, or price a batch of assignments"
        )
    rows: list[CostRow] = []
    seen: set[str] = set()
    masks = module_masks(module, needed_operands(counting.auxiliary))
    for path, op in _operations(module, masks, module.entry, everything(module.entry), ""):
        own = cost(op, counting)
        if op.definition.has_weights:
            if path in seen:
                own = Cost(0, own.multiply_adds, own.activation_bytes)
            seen.add(path)
        rows.append(CostRow(path, op, own))
    return rows


def _operations(
    module: Module, masks: Mapping[str, Masks], function: Function, demand: int, prefix: str
) -> Iterator[tuple[str, Operation]]:
    """The operations that the outputs `demand` of a function need, with their paths below a prefix."""
    for op in function.operations:
        needed = demanded(op, masks[function.name], demand)
        path = join_path(prefix, op.param or "")
        if not needed:
            continue
        if op.name == "call":
            yield from _operations(module, masks, module.functions[op.attributes["callee"]], needed, path)
        elif op.name != "choice":
            yield path, op


def network_cost(module: Module, count: Counting | str = PAPERS) -> Cost:
    """What a resolved network costs in all: integers; see `cost_table` for what counts and for errors."""
    rows = cost_table(module, count)
    return Cost(
        parameters=sum(r.cost.parameters for r in rows),
        multiply_adds=sum(r.cost.multiply_adds for r in rows),
        activation_bytes=sum(r.cost.activation_bytes for r in rows),
    )
