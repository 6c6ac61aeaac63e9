"""Between what bounds the prices of a space lie, and how they are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawloom.ir import PAPERS, Counting, Module, UserError, counting_of

from .batch import Batch, position_type
from .constraints import has_filters, satisfied
from .metrics import metrics
from .pricing import Pricer
from .space import sample, space_size

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Those of a range."""

SAMPLES = 10_000
"""Candidates that are drawn where there are too many to price them all."""

_EVERY = 2**16
"""Most assignments that are all priced."""


@dataclass(frozen=True, slots=True)
class PriceRange:
    """How one price is distributed over the candidates of a space.

    Attributes:
        minimum: the least price; among those sampled, unless the bounds are exact.
        maximum: the largest one, likewise.
        quantiles: the prices at `QUANTILES` of the candidates priced.
        exact: whether no candidate at all has a price outside of the bounds, and some have those prices.
    """

    minimum: int
    maximum: int
    quantiles: tuple[float, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class PriceRanges:
    """How the prices of a space are distributed.

    Attributes:
        priced: how many candidates were priced.
        complete: whether these are all there are, so that bounds and quantiles are exact.
        prices: by metric.
    """

    priced: int
    complete: bool
    prices: dict[str, PriceRange]


def price_ranges(module: Module, count: Counting | str = PAPERS, *, seed: int = 0) -> PriceRanges:
    """The bounds and quantiles of the prices of a space.

    Up to 65,536 assignments are all priced. Of larger spaces 10,000 candidates are drawn, which gives the
    quantiles; bounds are exact nonetheless where prices are sums over independent parts of the space, no
    ``require`` excludes candidates, and the price is not the depth.

    Args:
        module: a space, or a network, whose only candidate is itself.
        count: what is counted as multiply-adds, as in `price`.
        seed: of the candidates that are drawn.

    Raises:
        UserError: when no candidate meets the constraints, or `count` has an unknown word.
    """
    counting = counting_of(count)
    pricer = Pricer(module, metrics(counting), heads=counting.auxiliary)
    complete = space_size(module) <= _EVERY
    batch = _all(module) if complete else sample(module, SAMPLES, seed)
    bounds = None if complete or has_filters(module) else pricer.bounds()
    prices = {}
    for name, column in pricer.price(batch).columns().items():
        known = (bounds or {}).get(name)
        low, high = known or (int(column.min()), int(column.max()))
        quantiles = tuple(np.quantile(column, QUANTILES).tolist())
        prices[name] = PriceRange(low, high, quantiles, complete or known is not None)
    return PriceRanges(len(batch), complete, prices)


def _all(module: Module) -> Batch:
    """All candidates."""
    decisions = tuple(module.decisions.values())
    positions = np.empty((len(decisions), space_size(module)), dtype=position_type(decisions))
    rest = np.arange(space_size(module))
    for row, decision in zip(reversed(positions), reversed(decisions), strict=True):
        rest, row[:] = np.divmod(rest, len(decision))
    if not has_filters(module):
        return Batch(decisions, positions)
    good = positions[:, satisfied(module, Batch(decisions, positions))]
    if not good.shape[1]:
        raise UserError(
            f"no candidate meets the constraints of '{module.name}'", "relax a 'require' of the space"
        )
    return Batch(decisions, np.ascontiguousarray(good))
