"""What a space's price is made of: terms, each a condition under which it counts and a table of what it adds.

For each function, an expression of liveness for each value and output; the costs of operations with the same
liveness and decisions are added up in one table. A call takes over the terms of its callee, each under the
condition that the call's results are needed; so twenty calls of two cells add up to the terms of two cells.

Weights cost once for each path, by whatever operations they are used. Operations, and calls of one function,
under one path are seen to share them all; where other claims may meet, weights are told apart path by path.
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
from drawloom.ir.weight_paths import join_path

from .conditions import Condition, Conditions
from .metrics import Metric

Table = npt.NDArray[np.int64]
Live = tuple[Condition, ...]
"""For each output of a function, the condition under which it needs something."""

Decisions = tuple[Decision, ...]

Which = npt.NDArray[np.bool_]
"""For each metric, whether it is meant."""


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
        function: itself.
        live: liveness of its values for each of its outputs.
        dead: liveness of those that are not in `live`.
        weighted: its operations with weights and its calls of functions with some.
        terms: its costs.
    """

    function: Function
    live: Mapping[Value, Live]
    dead: Live
    weighted: list[Operation]
    terms: Terms = field(default_factory=Terms)

    def lives(self, values: Iterable[Value]) -> list[Live]:
        """The liveness of each of some values."""
        return [self.live.get(v, self.dead) for v in values]


_Group = list[Operation]
"""Operations with one path; if they are calls, of one function."""

_Weights = dict[str, tuple[Operation, Live]]
"""By path: an operation that uses the weights there, and when some does."""


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
        whole = name == module.entry.name
        outputs = [function.outputs] if whole else [(v,) for v in function.outputs]
        builder.analysed[name] = builder.analyse(function, outputs)
    terms = builder.analysed[module.entry.name].terms
    terms.add((True,), (), np.array([m.base for m in metrics.values()], dtype=np.int64))
    return terms


class _Builder:
    def __init__(self, metrics: Mapping[str, Metric], operands: Operands) -> None:
        self.operands = operands
        self.metrics = list(metrics.values())
        self.names = list(metrics)
        self.all = np.ones(len(metrics), dtype=bool)
        self.of_weights = np.array([m.of_weights for m in self.metrics])
        self.conditions = Conditions()
        self.analysed: dict[str, _Analysed] = {}
        self.weights: dict[str, _Weights] = {}
        self.tabulated: dict[Expr, tuple[Decisions, Table] | None] = {}

    def analyse(self, function: Function, outputs: Sequence[Sequence[Value]]) -> _Analysed:
        """The terms of a function and the liveness of its values, for groups of outputs used together."""
        live = self.liveness(function, outputs)
        weighted = [op for op in function.operations if self.has_weights(op)]
        analysed = _Analysed(function, live, (False,) * len(outputs), weighted)
        sharing = [groups for groups in _claims(weighted) if len(groups) > 1 or len(groups[0]) > 1]
        shared = {op for groups in sharing for group in groups for op in group}
        for op in function.operations:
            if op.name != "choice":
                which = ~self.of_weights if op in shared else self.all
                self.add(analysed.terms, op, analysed.lives(op.results), which)
        for groups in sharing:
            self.add_shared(analysed, groups)
        return analysed

    def has_weights(self, op: Operation) -> bool:
        """Whether there are weights at the path of an operation or below."""
        if op.name == "call":
            return bool(self.analysed[op.attributes["callee"]].weighted)
        return op.definition.has_weights

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
            callee = self.analysed[op.attributes["callee"]]
            for value, need in zip(op.operands, callee.lives(callee.function.inputs), strict=True):
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

    def add(self, terms: Terms, op: Operation, results: Sequence[Live], which: Which) -> None:
        """Add what an operation costs, in some metrics; of a call, the terms of its callee."""
        if op.name == "call":
            inside = self.add_whole(terms, op, results, which)
            self.take(terms, self.analysed[op.attributes["callee"]].terms, results, inside)
            return
        live = self.either(results)
        for position, metric in enumerate(self.metrics):
            if which[position]:
                self.add_cost(terms, live, position, metric.cost(op), op)

    def add_whole(self, terms: Terms, call: Operation, results: Sequence[Live], which: Which) -> Which:
        """Add what a call costs as a whole; gives the metrics in which it costs what is inside."""
        inside = which.copy()
        for position, metric in enumerate(self.metrics):
            cost = metric.of_call(call) if which[position] else None
            if cost is not None:
                inside[position] = False
                self.add_cost(terms, self.either(results), position, cost, call)
        return inside

    def add_shared(self, analysed: _Analysed, groups: Sequence[_Group]) -> None:
        """Add what weights cost that several operations use, once for all of them."""
        if len(groups) == 1:
            results = [analysed.lives(op.results) for op in groups[0]]
            together = [self.either(lives) for lives in zip(*results, strict=True)]
            self.add(analysed.terms, groups[0][0], together, self.of_weights)
            return
        for op, live in self.at_paths(analysed, [op for group in groups for op in group]).values():
            self.add(analysed.terms, op, [live], self.of_weights)

    def at_paths(self, analysed: _Analysed, ops: Iterable[Operation]) -> _Weights:
        """The weights of some operations of a function, below its path."""
        users: dict[str, list[tuple[Operation, Live]]] = defaultdict(list)
        for op in ops:
            results = analysed.lives(op.results)
            if op.name != "call":
                users[op.param or ""].append((op, self.either(results)))
                continue
            for path, (user, live) in self.weights_of(op.attributes["callee"]).items():
                users[join_path(op.param or "", path)].append((user, self.through(results, live)))
        return {path: (use[0][0], self.either([live for _, live in use])) for path, use in users.items()}

    def weights_of(self, name: str) -> _Weights:
        """The weights of a function; with a stack of its own, since functions nest deeper than Python."""
        waiting = [self.analysed[name]]
        while waiting:
            analysed = waiting[-1]
            callees = [op.attributes["callee"] for op in analysed.weighted if op.name == "call"]
            unknown = [self.analysed[callee] for callee in callees if callee not in self.weights]
            if unknown:
                waiting += unknown
                continue
            self.weights.setdefault(analysed.function.name, self.at_paths(analysed, analysed.weighted))
            waiting.pop()
        return self.weights[name]

    def take(self, terms: Terms, inner: Terms, results: Sequence[Live], which: Which) -> None:
        for (live, decisions), table in inner.tables.items():
            outer = self.through(results, live)
            if any(c is not False for c in outer):
                kept = table if which.all() else table * which.reshape(-1, *[1] * (table.ndim - 1))
                terms.add(outer, decisions, kept)
        for (live, metric, expr), times in inner.expressions.items():
            outer = self.through(results, live)
            if which[metric] and any(c is not False for c in outer):
                terms.expressions[outer, metric, expr] += times

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


def _claims(ops: Sequence[Operation]) -> Iterator[list[_Group]]:
    """Operations with weights, by path; in one list the groups whose paths are equal or below one of them."""
    groups: dict[tuple[tuple[str, ...], str], _Group] = defaultdict(list)
    for op in ops:
        label = tuple(op.param.split(".")) if op.param else ()
        groups[label, op.attributes.get("callee", "")].append(op)
    together: list[_Group] = []
    top: tuple[str, ...] = ()
    for (label, _), group in sorted(groups.items(), key=lambda item: item[0]):
        if together and label[: len(top)] != top:
            yield together
            together = []
        if not together:
            top = label
        together.append(group)
    if together:
        yield together
