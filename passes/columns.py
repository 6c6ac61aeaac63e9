"""Values of expressions for a whole batch of assignments, each computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from drawloom.ir import Decision, Expr, UserError
from drawloom.ir.expression import OPERATORS

Column = npt.NDArray[Any]


def joint_index(rows: Sequence[npt.NDArray[np.unsignedinteger]], lengths: Sequence[int]) -> npt.NDArray[Any]:
    """Where the joint values of decisions stand in a flat table whose last axis runs fastest.

    Args:
        rows: for each decision (at least one) an array of positions, all of one length.
        lengths: the sizes of their domains.

    Returns:
        uint16 while the table has at most 65,536 entries, else int64.
    """
    small = int(np.prod(lengths, dtype=np.int64)) <= 2**16
    index: npt.NDArray[Any] = rows[0].astype(np.uint16 if small else np.int64)
    for row, length in zip(rows[1:], lengths[1:], strict=True):
        np.multiply(index, length, out=index)
        np.add(index, row, out=index)
    return index


class Columns:
    """Evaluates expressions on a batch.

    Unlike `Expr.columns` it computes shared parts once and knows ``metric`` leaves.
    """

    def __init__(
        self,
        positions: Mapping[Decision, npt.NDArray[np.unsignedinteger]],
        metrics: Mapping[str, Column] | None = None,
    ) -> None:
        """Start.

        Args:
            positions: for each decision an array of positions, all of one length.
            metrics: the values of ``metric`` leaves.
        """
        self._positions = positions
        self._metrics = metrics or {}
        self._known: dict[Expr, Column] = {}

    def of(self, scalar: Any) -> Any:
        """The values of a scalar: an array, or the literal itself."""
        if not isinstance(scalar, Expr):
            return scalar
        found = self._known.get(scalar)
        if found is None:
            found = self._known[scalar] = self._compute(scalar)
        return found

    def _compute(self, expr: Expr) -> Column:
        if expr.operator == "metric":
            return self._metric(expr.args[0])
        table = expr.table
        if table is not None:
            rows = [self._positions[d] for d in expr.decisions]
            return table.reshape(-1).take(joint_index(rows, table.shape))
        parts = [_array(self.of(a)) for a in expr.args]
        return np.asarray(OPERATORS[expr.operator].vector(*parts))

    def _metric(self, name: str) -> Column:
        if name not in self._metrics:
            raise UserError(f"'{name}' is not a price", f"priced are: {', '.join(self._metrics)}")
        return self._metrics[name]


def _array(value: Any) -> Column:
    if isinstance(value, tuple):
        array = np.empty((), dtype=object)
        array[()] = value
        return array
    return np.asarray(value)
