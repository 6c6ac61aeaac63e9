"""Terms of a price as few dense integer tables, and their sum for millions of assignments.

A term's table is its cost where it is alive and zero elsewhere. Tables over overlapping decisions are
merged while the joint domain stays small; then a candidate costs one table look-up a table. Terms over too
many decisions are computed element by element.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drawloom.ir import TABLE_LIMIT, Decision, Expr
from drawloom.ir.expression import broadcast_table

from .batch import Positions
from .columns import Columns, joint_index
from .price_terms import Decisions, Table, Terms

CHUNK = 8192
"""Assignments that are summed at a time, so that the sums stay in the cache."""

JOINT_LIMIT = 2**18
"""Most joint values of decisions that are looked at for exact bounds."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A merged table, ready for use.

    Attributes:
        rows: its decisions, as rows of a batch.
        lengths: sizes of their domains.
        values: array ``[joint values, metrics]``.
    """

    rows: tuple[int, ...]
    lengths: tuple[int, ...]
    values: npt.NDArray[np.signedinteger]


@dataclass(slots=True)
class _Guarded:
    """Costs under one condition that has no small table.

    Attributes:
        tables: costs by their decisions, ``[joint values, metrics]``.
        expressions: costs without a table: metric, expression, how often.
    """

    tables: list[_Lookup]
    expressions: list[tuple[int, Expr, int]]


class PriceTables:
    """Prices of a space in the form that is fast to add up."""

    def __init__(
        self, decisions: Sequence[Decision], metrics: int, terms: Terms, limit: int = TABLE_LIMIT
    ) -> None:
        """Prepare.

        Args:
            decisions: of the space, in the order of a batch's rows.
            metrics: how many.
            terms: what is added up, with one liveness each.
            limit: largest joint domain of a merged table.
        """
        self._decisions = tuple(decisions)
        self._row = {d: i for i, d in enumerate(decisions)}
        self._metrics = metrics
        # rows of 2, 4 or 8 numbers are copied faster than others
        self._width = 1 << max(1, (metrics - 1).bit_length())
        dense: dict[Decisions, Table] = {}
        guarded: dict[Expr, Terms] = defaultdict(Terms)
        for (live, own), table in terms.tables.items():
            (condition,) = live
            if not isinstance(condition, Expr):
                _accumulate(dense, own, table)
                continue
            joint = tuple(sorted({*own, *condition.decisions}, key=lambda d: d.name))
            if condition.table is not None and math.prod(map(len, joint)) <= limit:
                alive = broadcast_table(condition, joint).astype(np.int64)
                _accumulate(dense, joint, _spread(table, own, joint) * alive)
            else:
                guarded[condition].add((True,), own, table)
        self._always: list[tuple[int, Expr, int]] = []
        for (live, metric, expr), times in terms.expressions.items():
            (condition,) = live
            if isinstance(condition, Expr):
                guarded[condition].expressions[(True,), metric, expr] += times
            else:
                self._always.append((metric, expr, times))
        merged = _merge(dense, limit)
        self._base = merged.pop((), np.zeros(metrics, dtype=np.int64))
        kind = self._number(merged)
        self._lookups = [self._lookup(own, table, kind) for own, table in merged.items()]
        self._guarded = {c: self._prepare(t, limit) for c, t in guarded.items()}

    @property
    def size(self) -> tuple[int, int]:
        """How many tables there are, and how many terms that are computed element by element."""
        elements = sum(len(g.tables) + len(g.expressions) for g in self._guarded.values())
        return len(self._lookups), elements + len(self._always)

    def bounds(self) -> npt.NDArray[np.int64] | None:
        """The least and the largest price over all assignments, ``[metrics, 2]``.

        Exact. None when the prices are no sum of independent tables of at most `JOINT_LIMIT` values.
        """
        if self._guarded or self._always:
            return None
        result = np.stack([self._base, self._base], axis=1)
        for group in _connected(self._lookups):
            joint = _summed(group)
            if joint is None:
                return None
            flat = joint.reshape(-1, self._width)[:, : self._metrics]
            result += np.stack([flat.min(axis=0), flat.max(axis=0)], axis=1)
        return result

    def price(self, positions: Positions) -> npt.NDArray[np.int64]:
        """The prices of a batch, ``[metrics, N]``.

        Args:
            positions: ``[decisions, N]``, as in `Batch`.
        """
        count = positions.shape[1]
        result = np.empty((self._metrics, count), dtype=np.int64)
        sums = np.empty((CHUNK, self._width), dtype=np.int64)
        found = np.empty((CHUNK, self._width), dtype=self._lookups[0].values.dtype) if self._lookups else None
        for start in range(0, count, CHUNK):
            chunk = positions[:, start : start + CHUNK]
            n = chunk.shape[1]
            total = sums[:n]
            total[:] = 0
            if found is not None:
                self._add_lookups(chunk, total, found[:n])
            if self._guarded or self._always:
                self._add_elements(chunk, total)
            result[:, start : start + n] = total[:, : self._metrics].T
        return result + self._base[:, None]

    def _add_lookups(
        self, chunk: Positions, total: npt.NDArray[np.int64], found: npt.NDArray[np.signedinteger]
    ) -> None:
        narrow = found.dtype != total.dtype
        sums = np.zeros_like(found) if narrow else total
        for lookup in self._lookups:
            index = joint_index([chunk[r] for r in lookup.rows], lookup.lengths)
            np.take(lookup.values, index, axis=0, out=found, mode="clip")
            sums += found
        if narrow:
            total += sums

    def _add_elements(self, chunk: Positions, total: npt.NDArray[np.int64]) -> None:
        columns = Columns(dict(zip(self._decisions, chunk, strict=True)))
        for metric, expr, times in self._always:
            total[:, metric] += times * columns.of(expr)
        for condition, costs in self._guarded.items():
            alive = np.flatnonzero(columns.of(condition))
            for lookup in costs.tables:
                if lookup.rows:
                    total[alive] += lookup.values[
                        joint_index([chunk[r][alive] for r in lookup.rows], lookup.lengths)
                    ]
                else:
                    total[alive] += lookup.values[0]
            for metric, expr, times in costs.expressions:
                total[alive, metric] += times * columns.of(expr)[alive]

    def _number(self, tables: dict[Decisions, Table]) -> type[np.signedinteger]:
        """The narrowest element type in which no sum can overflow."""
        largest = sum(int(np.abs(t).max()) for t in tables.values())
        return np.int32 if largest < 2**31 else np.int64

    def _lookup(self, own: Decisions, table: Table, kind: type[np.signedinteger]) -> _Lookup:
        flat = table.reshape(self._metrics, -1)
        values = np.zeros((flat.shape[1], self._width), dtype=kind)
        values[:, : self._metrics] = flat.T
        return _Lookup(tuple(self._row[d] for d in own), tuple(map(len, own)), values)

    def _prepare(self, terms: Terms, limit: int) -> _Guarded:
        dense: dict[Decisions, Table] = {}
        for (_, own), table in terms.tables.items():
            _accumulate(dense, own, table)
        lookups = [self._lookup(own, table, np.int64) for own, table in _merge(dense, limit).items()]
        return _Guarded(lookups, [(metric, expr, n) for (_, metric, expr), n in terms.expressions.items()])


def _connected(lookups: Iterable[_Lookup]) -> list[list[_Lookup]]:
    """Tables in groups that have no decision in common."""
    groups: list[list[_Lookup]] = []
    for lookup in lookups:
        rows = set(lookup.rows)
        touching = [g for g in groups if any(not rows.isdisjoint(other.rows) for other in g)]
        groups = [g for g in groups if g not in touching]
        groups.append([lookup, *(other for g in touching for other in g)])
    return groups


def _summed(lookups: Sequence[_Lookup]) -> npt.NDArray[np.int64] | None:
    """The sum of tables over all their decisions, ``[one axis a decision..., metrics]``.

    None when there are too many joint values.
    """
    lengths = {row: n for lookup in lookups for row, n in zip(lookup.rows, lookup.lengths, strict=True)}
    if math.prod(lengths.values()) > JOINT_LIMIT:
        return None
    rows = sorted(lengths)
    result = np.zeros((*[lengths[row] for row in rows], lookups[0].values.shape[1]), dtype=np.int64)
    for lookup in lookups:
        axes = sorted(range(len(lookup.rows)), key=lambda axis: lookup.rows[axis])
        table = lookup.values.reshape(*lookup.lengths, -1).transpose(*axes, len(axes))
        own = set(lookup.rows)
        result += table.reshape(*[lengths[row] if row in own else 1 for row in rows], -1)
    return result


def _spread(table: Table, own: Decisions, joint: Decisions) -> Table:
    """A table ``[metrics, ...own]`` laid out to broadcast over more decisions, all ordered by name."""
    mine = set(own)
    return table.reshape(len(table), *[len(d) if d in mine else 1 for d in joint])


def _accumulate(tables: dict[Decisions, Table], own: Decisions, table: Table) -> None:
    tables[own] = tables[own] + table if own in tables else table


def _merge(tables: dict[Decisions, Table], limit: int) -> dict[Decisions, Table]:
    """Add tables together where that keeps the joint domain within the limit, the most overlapping first."""
    groups: list[tuple[set[Decision], list[Decisions]]] = []
    for own in sorted(tables, key=lambda own: (-math.prod(map(len, own)), [d.name for d in own])):
        best = min(
            (g for g in groups if _joint(g[0], own) <= limit),
            key=lambda g: _joint(g[0], own) / _joint(g[0], ()),
            default=None,
        )
        if best is None or not own:
            groups.append((set(own), [own]))
        else:
            best[0].update(own)
            best[1].append(own)
    result: dict[Decisions, Table] = {}
    for decisions, members in groups:
        joint = tuple(sorted(decisions, key=lambda d: d.name))
        shape = (len(tables[members[0]]), *map(len, joint))
        table = np.zeros(shape, dtype=np.int64)
        for own in members:
            table += _spread(tables[own], own, joint)
        _accumulate(result, joint, table)
    return result


def _joint(decisions: set[Decision], more: Decisions) -> int:
    return math.prod(len(d) for d in decisions.union(more))
