"""The latency of networks as a price: the sum of measured times, from a latency table.

The unit of time is the outermost call whose definition the table has entries of, whatever is inside: FBNet
and ProxylessNAS measure whole blocks. An ``op`` that no such call holds must be in the table itself, for an
op is a leaf: fused, measured and timed as one. Blocks, cells and networks without entries are looked into;
an operation that stands in them by itself, such as a sum of two tensors, is a unit of its own. What does
something while training only, and the selection of alternatives, takes no time.

So the latency of a network is the sum over the units that its outputs need, each as often as it is called.
Times are integer nanoseconds; the price of a candidate is exactly the sum over the candidate as built. A unit
without an entry is an error, and so is one that makes a decision of its own: its signature would not tell
what was measured.

The sum leaves out what units do to each other (caches, overlap, fusion across their borders).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from drawloom.ir import Decision, Function, Module, Operation, UserError, Value, index_of
from drawloom.ir.definition import Operands, needed_operands
from drawloom.ir.expression import apply, expressions, select

from .latency_table import LatencyTable
from .metrics import Metric
from .signature import Signatures, signatures


def latency(module: Module, table: LatencyTable, *, heads: bool = False) -> Metric:
    """The metric of a table in a space or network.

    Args:
        module: what is priced by it; the metric is of no use for another one.
        table: the times.
        heads: whether what only heads of auxiliaries need takes time too.

    Raises:
        UserError: when the table lacks the signature of a unit, under any values of the decisions that the
            signature depends on, or when a unit makes a decision.
    """
    costs: dict[Operation, Any] = {}
    whole: dict[Operation, Any] = {}
    for unit in timed_units(module, table.units, heads=heads):
        found = whole if unit.name == "call" else costs
        found[unit] = _time(signatures(module, unit), table)
    return Metric(lambda op: costs.get(op, 0), of_call=whole.get, base=table.base)


def timed_units(module: Module, names: Iterable[str], *, heads: bool = False) -> Iterator[Operation]:
    """The operations and calls that are timed as one, each of a function once.

    Args:
        module: a space or network.
        names: of the definitions that are units as a whole; every op is one that is in none of those.
        heads: whether what only heads of auxiliaries need is among them.

    Raises:
        UserError: when a definition that is a unit makes a decision.
    """
    wholes = frozenset(names)
    operands = needed_operands(heads)
    opened = {module.entry.name}
    checked: set[str] = set()
    for name in reversed(module.functions):
        if name not in opened:
            continue
        for op in _needed(module.functions[name], operands):
            if op.name == "choice" or op.definition.training_only:
                continue
            if op.name != "call":
                yield op
                continue
            callee = module.function(op.attributes["callee"])
            if callee.kind != "op" and callee.definition not in wholes:
                opened.add(callee.name)
                continue
            if callee.name not in checked:
                _check_decided(module, callee)
                checked.add(callee.name)
            yield op


def _needed(function: Function, operands: Operands) -> Iterator[Operation]:
    """The operations that the outputs of a function need in some assignment."""
    wanted: set[Value] = set(function.outputs)
    for op in reversed(function.operations):
        if not wanted.isdisjoint(op.results):
            wanted.update(operands(op))
            yield op


def _check_decided(module: Module, unit: Function) -> None:
    """Whether all that a unit depends on is in its signature."""
    told = _decisions([*unit.arguments.values(), *(v.type.shape for v in unit.inputs)])
    inside = {unit.name}
    for name in reversed(module.functions):
        if name not in inside:
            continue
        for op in module.functions[name].operations:
            if op.name == "call":
                inside.add(op.attributes["callee"])
            for decision in _decisions([*op.attributes.values(), op.presence]):
                if decision not in told:
                    name = f"'{unit.definition}'"
                    raise UserError(
                        f"{name} cannot be timed as one unit: it decides '{decision.name}' inside",
                        "measure what it consists of",
                    )


def _decisions(values: Iterable[Any]) -> dict[Decision, None]:
    return dict.fromkeys(d for value in values for e in expressions(value) for d in e.decisions)


def _time(found: Signatures, table: LatencyTable) -> Any:
    """The time of a unit as a scalar."""
    index: Any = 0
    for decision in found.decisions:
        index = apply("+", apply("*", index, len(decision)), index_of(decision))
    return select(index, [table.time(s) for s in found.values])
