"""Prices of candidates, millions a second, without building any of them.

What is priced is what ``assign,dce`` would build: every operation that the network's outputs need through
selected alternatives and present list members, across calls. Prices are integers and agree exactly with
counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from drawloom.ir import PAPERS, Counting, Module, UserError, counting_of

from .batch import Batch
from .columns import Columns
from .depth import depth
from .latency import latency as latency_metric
from .latency_table import LatencyTable
from .metrics import FURTHER_METRICS, METRICS, Metric, metrics
from .module_cache import ModuleCache
from .price_tables import CHUNK, PriceTables
from .price_terms import price_terms

Column = npt.NDArray[np.int64]


class PriceTable:
    """The prices of a batch, one int64 array of N a metric.

    Attributes:
        batch: what has been priced.
    """

    def __init__(self, pricer: Pricer, batch: Batch, prices: Mapping[str, Column]) -> None:
        """Made by `Pricer.price`."""
        self.batch = batch
        self._pricer = pricer
        self._prices = prices

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.batch)

    def __getitem__(self, metric: str) -> Column:
        """The column of a metric; ``depth`` and `FURTHER_METRICS` are computed when they are asked for.

        Raises:
            UserError: when there is no such metric.
        """
        if metric in self._prices:
            return self._prices[metric]
        if metric == "depth":
            return self.depth
        if metric in FURTHER_METRICS:
            return self._pricer.further(metric, self.batch)
        known = ", ".join([*self._prices, "depth", *FURTHER_METRICS])
        raise UserError(f"'{metric}' is not a price", f"priced are: {known}")

    @property
    def parameters(self) -> Column:
        """Trainable weights."""
        return self["parameters"]

    @property
    def multiply_adds(self) -> Column:
        """What is counted as multiply-adds for one sample: of convolutions and linear layers by default."""
        return self["multiply_adds"]

    @property
    def activation_bytes(self) -> Column:
        """Bytes that all operations write for one sample."""
        return self["activation_bytes"]

    @cached_property
    def depth(self) -> Column:
        """Convolutions and linear layers on the longest path; computed when asked for, and slower."""
        return self._pricer.depth(self.batch)

    def columns(self) -> dict[str, Column]:
        """All prices by name."""
        return {**self._prices, "depth": self.depth}


class Pricer:
    """Prices the candidates of one space; prepared once, used for many batches.

    Attributes:
        module: the space, or a resolved network, which has one candidate.
        metrics: what is priced.
        heads: whether what only heads of auxiliaries need is priced too.
    """

    def __init__(
        self, module: Module, metrics: Mapping[str, Metric] = METRICS, *, heads: bool = False
    ) -> None:
        """Prepare the tables.

        Raises:
            UserError: when a cost is not an integer.
        """
        self.module = module
        self.metrics = tuple(metrics)
        self.heads = heads
        self._decisions = tuple(module.decisions.values())
        self._tables = PriceTables(self._decisions, len(metrics), price_terms(module, metrics, heads=heads))
        self._further: dict[str, PriceTables] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Number of tables, and of terms that are computed element by element."""
        return self._tables.size

    def price(self, candidates: Batch | Iterable[Mapping[str, object]]) -> PriceTable:
        """The prices of a batch, or of some assignments.

        Raises:
            UserError: when an assignment does not fit, or the batch belongs to another space.
        """
        batch = self.batch(candidates)
        prices = self._tables.price(batch.positions)
        return PriceTable(self, batch, dict(zip(self.metrics, prices, strict=True)))

    def bounds(self) -> dict[str, tuple[int, int]] | None:
        """The least and the largest price of each metric over all assignments, constraints not counted.

        Exact. None when the space does not fall apart into independent parts that are small enough.
        """
        found = self._tables.bounds()
        return (
            None
            if found is None
            else {m: (int(a), int(b)) for m, (a, b) in zip(self.metrics, found, strict=True)}
        )

    def batch(self, candidates: Batch | Iterable[Mapping[str, object]]) -> Batch:
        """Candidates as a batch of this space; see `price` for errors."""
        if not isinstance(candidates, Batch):
            return Batch.of(self.module, candidates)
        if candidates.decisions != self._decisions:
            raise UserError(f"the batch does not belong to '{self.module.name}'", "its decisions are others")
        return candidates

    def further(self, metric: str, batch: Batch) -> Column:
        """One of `FURTHER_METRICS` for each candidate of a batch."""
        if metric not in self._further:
            terms = price_terms(self.module, {metric: FURTHER_METRICS[metric]}, heads=self.heads)
            self._further[metric] = PriceTables(self._decisions, 1, terms)
        return np.asarray(self._further[metric].price(batch.positions)[0])

    def depth(self, batch: Batch) -> Column:
        """The depth of each candidate of a batch; see `drawloom.passes.depth`."""
        result = np.empty(len(batch), dtype=np.int64)
        for start in range(0, len(batch), CHUNK):
            part = batch.positions[:, start : start + CHUNK]
            result[start : start + CHUNK] = Columns(dict(zip(batch.decisions, part, strict=True))).of(
                self._depth
            )
        return result

    @cached_property
    def _depth(self) -> object:
        return depth(self.module)


_pricers: ModuleCache[Pricer] = ModuleCache(Pricer)


def pricer(module: Module) -> Pricer:
    """The pricer of a module with the usual metrics, prepared once."""
    return _pricers(module)


def price(
    module: Module,
    candidates: Batch | Iterable[Mapping[str, object]] | Mapping[str, object],
    count: Counting | str = PAPERS,
    latency: Sequence[LatencyTable] = (),
) -> PriceTable:
    """Price candidates: parameters, multiply-adds, activation bytes and, when asked for, depth and latency.

    Args:
        module: a space, or a resolved network, whose only candidate is the empty assignment.
        candidates: a batch, a list of assignments, or one assignment.
        count: what is counted as multiply-adds; a `Counting`, or its text such as ``conv+linear+bn``. With
            ``auxiliary`` all prices but the depth include what only heads of auxiliaries need.
        latency: tables of measured times; each adds a price ``latency_ns_NAME`` in nanoseconds.

    Raises:
        UserError: when an assignment does not fit, `count` has an unknown word, a table lacks an entry that
            the space needs (see `drawloom.passes.latency`), or two tables have one name.

    Example:
        >>> table = price(space, sample(space, 1_000_000, seed=0))  # doctest: +SKIP
        >>> table.multiply_adds.min()  # doctest: +SKIP
    """
    if isinstance(candidates, Mapping):
        candidates = [candidates]
    counting = counting_of(count)
    if counting == PAPERS and not latency:
        return pricer(module).price(candidates)
    priced = {**metrics(counting), **_latencies(module, latency, counting)}
    return Pricer(module, priced, heads=counting.auxiliary).price(candidates)


def _latencies(module: Module, tables: Sequence[LatencyTable], counting: Counting) -> dict[str, Metric]:
    """The metrics of latency tables, by name."""
    found: dict[str, Metric] = {}
    for table in tables:
        if table.metric in found:
            raise UserError(f"two latency tables have the name '{table.name}'", "rename one of them")
        found[table.metric] = latency_metric(module, table, heads=counting.auxiliary)
    return found
