"""What a space's price is made of: terms, each a condition under which it counts and a table of what it adds.

For each function, an expression of liveness for each value and output; the costs of operations with the same
liveness and decisions are added up in one table. A call takes over the terms of its callee, each under the
condition that the call's results are needed; so twenty calls of two cells add up to the terms of two cells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from drawloom.ir import Decision, Expr, Function, Module, Operation, UserError, Value
from drawloom.ir.definition import Operands, needed_operands
from drawloom.ir.expression import any_of, equal

from .conditions import Condition, Conditions
from .metrics import Metric

Table = npt.NDArray[np.int64]
Live = tuple[Condition, ...]
"""For each output of a function, the condition under which it needs something."""

Decisions = tuple[Decision, ...]


@dataclass(slots=True)
class Terms:
    """A sum of costs under conditions.

    Attributes:
        tables: by liveness and decisions, an array ``[metrics, one axis a decision...]``.
        expressions: costs over too many decisions for a table: by liveness, metric and expression, how often.
    """

    tables: dict[tuple[Live, Decisions], Table] = field(default_factory=dict)
    expressions: dict[tuple[Live, int, Expr], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, live: Live, decisions: Decisions, table: Table) -> None:
        """Add costs of all metrics."""
        key = (live, decisions)
        known = self.tables.get(key)
        self.tables[key] = table if known is None else known + table


@dataclass(slots=True)
class _Analysed:
    """A function as its callers see it.

    Attributes:
        terms: its costs, with liveness for each of its outputs.
        inputs: for each input its liveness.
    """

    terms: Terms
    inputs: list[Live]


@dataclass(frozen=True, slots=True)
class _Use:
    """An operation and what needs it.

    Attributes:
        operation: the operation, a call or another one.
        results: the liveness of each of its results.
    """

    operation: Operation
    results: Sequence[Live]

    @property
    def callee(self) -> str:
        """The function that a call calls."""
        return str(self.operation.attributes["callee"])


def price_terms(module: Module, metrics: Mapping[str, Metric], *, heads: bool = False) -> Terms:
    """The terms of a module's price, with one liveness each: all outputs of the network are in use.

    Args:
        module: a space or a network.
        metrics: what is priced.
        heads: whether what only heads of auxiliaries need is in use too.

    Raises:
        UserError: when a cost is not an integer.
    """
    builder = _Builder(metrics, needed_operands(heads))
    for name, function in module.functions.items():
        builder.functions[name] = function
        whole = name == module.entry.name
        outputs = [function.outputs] if whole else [(v,) for v in function.outputs]
        builder.analysed[name] = builder.analyse(function, outputs)
    return builder.analysed[module.entry.name].terms


class _Builder:
    def __init__(self, metrics: Mapping[str, Metric], operands: Operands) -> None:
        self.operands = operands
        self.metrics = list(metrics.values())
        self.names = list(metrics)
        self.of_weights = np.array([m.of_weights for m in self.metrics])
        self.conditions = Conditions()
        self.functions: dict[str, Function] = {}
        self.analysed: dict[str, _Analysed] = {}
        self.shared: dict[tuple[str, ...], Terms] = {}
        self.tabulated: dict[Expr, tuple[Decisions, Table] | None] = {}

    def analyse(self, function: Function, outputs: Sequence[Sequence[Value]]) -> _Analysed:
        """The terms of a function and the liveness of its inputs, for groups of outputs used together."""
        live = self.liveness(function, outputs)
        dead: Live = (False,) * len(outputs)
        terms = Terms()
        for uses in self.by_weights(self.uses(function, live, dead)):
            if uses[0].operation.name == "call":
                self.add_calls(terms, uses)
            else:
                self.add_operations(terms, uses)
        return _Analysed(terms, [live.get(v, dead) for v in function.inputs])

    @staticmethod
    def uses(function: Function, live: Mapping[Value, Live], dead: Live) -> Iterator[_Use]:
        """The operations of a function; choices cost nothing."""
        for op in function.operations:
            if op.name != "choice":
                yield _Use(op, [live.get(v, dead) for v in op.results])

    @staticmethod
    def by_weights(uses: Iterable[_Use]) -> Iterator[list[_Use]]:
        """Those with the same weights together."""
        groups: dict[Any, list[_Use]] = defaultdict(list)
        for use in uses:
            op = use.operation
            owns = op.name == "call" or op.definition.has_weights
            groups[(op.name == "call", op.param) if owns else id(op)].append(use)
        yield from groups.values()

    def liveness(self, function: Function, outputs: Sequence[Sequence[Value]]) -> dict[Value, Live]:
        """The liveness of every value that some output may need."""
        count = len(outputs)
        needed: dict[Value, list[list[Condition]]] = defaultdict(lambda: [[] for _ in range(count)])
        for k, group in enumerate(outputs):
            for value in group:
                needed[value][k].append(True)
        live: dict[Value, Live] = {}
        for op in reversed(function.operations):
            for value in op.results:
                if value in needed:
                    live[value] = tuple([self.conditions.any(c) for c in needed[value]])
            for value, condition in self.reads(op, live, count):
                for k in range(count):
                    if condition[k] is not False:
                        needed[value][k].append(condition[k])
        for value in function.inputs:
            if value in needed:
                live[value] = tuple([self.conditions.any(c) for c in needed[value]])
        return live

    def reads(self, op: Operation, live: Mapping[Value, Live], count: int) -> Iterator[tuple[Value, Live]]:
        """The operands of an operation with the conditions under which it needs them."""
        dead: Live = (False,) * count
        results = [live.get(v, dead) for v in op.results]
        if op.name == "call":
            for value, need in zip(op.operands, self.analysed[op.attributes["callee"]].inputs, strict=True):
                yield value, self.through(results, need)
            return
        own = self.either(results)
        if op.name == "choice":
            selector = op.attributes["selector"]
            positions: dict[Value, list[int]] = defaultdict(list)
            for position, value in enumerate(op.operands):
                positions[value].append(position)
            for value, where in positions.items():
                chosen = self.conditions.tight(any_of(*[equal(selector, p) for p in where]))
                yield value, self.under(own, chosen)
            return
        for position, value in enumerate(self.operands(op)):
            yield value, self.under(own, op.present(position))

    def either(self, lives: Sequence[Live]) -> Live:
        if len(lives) == 1:
            return lives[0]
        return tuple([self.conditions.any(c) for c in zip(*lives, strict=True)])

    def under(self, live: Live, condition: Condition) -> Live:
        return live if condition is True else tuple([self.conditions.both(c, condition) for c in live])

    def through(self, results: Sequence[Live], inner: Live) -> Live:
        """Liveness in a caller of something in the callee: some result is needed, and needs it."""
        if len(results) == 1:
            return self.under(results[0], inner[0])
        return self.either([self.under(result, c) for result, c in zip(results, inner, strict=True)])

    def add_calls(self, terms: Terms, uses: Sequence[_Use]) -> None:
        """Take over the terms of callees; what their weights cost counts once for all calls with one path."""
        if len(uses) == 1:
            inner = self.analysed[uses[0].callee].terms
            self.take(terms, inner, uses[0].results, np.ones(len(self.metrics), dtype=bool))
            return
        for use in uses:
            self.take(terms, self.analysed[use.callee].terms, use.results, ~self.of_weights)
        self.add_shared(terms, uses)

    def add_shared(self, terms: Terms, uses: Sequence[_Use]) -> None:
        """Take over what the weights of calls with one path cost."""
        needed: dict[str, list[Live]] = {}
        for use in uses:
            before = needed.get(use.callee)
            both = use.results if before is None else map(self.either, zip(before, use.results, strict=True))
            needed[use.callee] = list(both)
        results = [live for lives in needed.values() for live in lives]
        self.take(terms, self.together(tuple(needed)), results, self.of_weights)

    def together(self, callees: tuple[str, ...]) -> Terms:
        """What the weights of functions cost that stand under one path, with liveness for the outputs of all.

        Such functions are one definition for tensors of several sizes.
        """
        if len(callees) == 1:
            return self.analysed[callees[0]].terms
        if callees not in self.shared:
            terms = self.shared[callees] = Terms()
            for uses in self.by_weights(self.uses_of_all(callees)):
                if uses[0].operation.name == "call":
                    self.add_shared(terms, uses)
                else:
                    self.add_weights(terms, uses)
        return self.shared[callees]

    def uses_of_all(self, callees: Sequence[str]) -> Iterator[_Use]:
        """The operations of several functions, with liveness for the outputs of all."""
        functions = [self.functions[name] for name in callees]
        total, offset = sum(len(f.outputs) for f in functions), 0
        for function in functions:
            width = len(function.outputs)
            before, after = (False,) * offset, (False,) * (total - offset - width)
            live = self.liveness(function, [(v,) for v in function.outputs])
            for use in self.uses(function, live, (False,) * width):
                yield _Use(use.operation, [before + results + after for results in use.results])
            offset += width

    def take(self, terms: Terms, inner: Terms, results: Sequence[Live], which: npt.NDArray[np.bool_]) -> None:
        for (live, decisions), table in inner.tables.items():
            outer = self.through(results, live)
            if any(c is not False for c in outer):
                kept = table if which.all() else table * which.reshape(-1, *[1] * (table.ndim - 1))
                terms.add(outer, decisions, kept)
        for (live, metric, expr), times in inner.expressions.items():
            outer = self.through(results, live)
            if which[metric] and any(c is not False for c in outer):
                terms.expressions[outer, metric, expr] += times

    def add_operations(self, terms: Terms, uses: Sequence[_Use]) -> None:
        """Add the costs of operations that share their weights (usually one that has its own, or none)."""
        self.add_weights(terms, uses)
        for position, metric in enumerate(self.metrics):
            for use in uses if not metric.of_weights else ():
                self.add_cost(
                    terms, self.either(use.results), position, metric.cost(use.operation), use.operation
                )

    def add_weights(self, terms: Terms, uses: Sequence[_Use]) -> None:
        """Add what the weights cost that operations share."""
        op = uses[0].operation
        for position, metric in enumerate(self.metrics):
            if metric.of_weights:
                live = self.either([live for use in uses for live in use.results])
                self.add_cost(terms, live, position, metric.cost(op), op)

    def add_cost(self, terms: Terms, live: Live, metric: int, cost: Any, op: Operation) -> None:
        if not isinstance(cost, Expr):
            if isinstance(cost, float):
                raise self.fraction(metric, op)
            table = self.blank(())
            table[metric] = cost
            found: tuple[Decisions, Table] | None = ((), table[metric])
        else:
            found = self.tabulate(cost, metric, op)
        if all(c is False for c in live) or (not isinstance(cost, Expr) and cost == 0):
            return
        if found is None:
            terms.expressions[live, metric, cost] += 1
            return
        decisions, values = found
        table = self.blank(decisions)
        table[metric] = values
        terms.add(live, decisions, table)

    def blank(self, decisions: Decisions) -> Table:
        return np.zeros((len(self.metrics), *[len(d) for d in decisions]), dtype=np.int64)

    def tabulate(self, cost: Expr, metric: int, op: Operation) -> tuple[Decisions, Table] | None:
        """The table of a cost over the decisions it depends on; None when it has none."""
        if cost not in self.tabulated:
            table = cost.table
            if table is None:
                self.tabulated[cost] = None
            elif table.dtype.kind not in "iu":
                raise self.fraction(metric, op)
            else:
                relevant = set(cost.relevant)
                where = tuple([slice(None) if d in relevant else 0 for d in cost.decisions])
                self.tabulated[cost] = (tuple([d for d in cost.decisions if d in relevant]), table[where])
        return self.tabulated[cost]

    def fraction(self, metric: int, op: Operation) -> UserError:
        place = f" ({op.span})" if op.span else ""
        message = f"{self.names[metric]} of '{op.name}'{place} is not an integer"
        return UserError(message, "round widths, as with round8")
