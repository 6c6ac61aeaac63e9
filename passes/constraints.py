"""Which candidates meet the constraints of a space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from drawloom.ir import Expr, Module

from .batch import Batch
from .columns import Columns
from .pricing import pricer


def has_filters(module: Module) -> bool:
    """Whether the space has ``require`` constraints that some candidates may not meet."""
    return any(c.filters for c in module.constraints)


def satisfied(module: Module, candidates: Batch | Iterable[Mapping[str, object]]) -> npt.NDArray[np.bool_]:
    """For each candidate whether it meets all ``require`` constraints of its space.

    Checks that inference left open are not looked at: a candidate that violates one is an error of the
        space, which
    `resolve` reports.

    Raises:
        UserError: when an assignment does not fit, or a constraint asks for a price that does not exist.
    """
    batch = candidates if isinstance(candidates, Batch) else Batch.of(module, candidates)
    conditions = [c.condition for c in module.constraints if c.filters]
    result = np.ones(len(batch), dtype=np.bool_)
    prices = {}
    if any(isinstance(c, Expr) and c.has_metric for c in conditions):
        table = pricer(module).price(batch)
        wanted = {name for c in conditions for name in metric_names(c)}
        prices = {name: table[name] for name in wanted}
    columns = Columns(batch.columns(), prices)
    for condition in conditions:
        result &= np.asarray(columns.of(condition), dtype=np.bool_)
    return result


def metric_names(scalar: object) -> set[str]:
    """The prices that an expression mentions."""
    if not isinstance(scalar, Expr) or not scalar.has_metric:
        return set()
    if scalar.operator == "metric":
        return {scalar.args[0]}
    return {name for arg in scalar.args for name in metric_names(arg)}
