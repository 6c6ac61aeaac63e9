"""Many assignments at once, as an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drawloom.ir import Assignment, Decision, Module, UserError, check_assignment

Positions = npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many assignments of all decisions of a module.

    Attributes:
        decisions: the module's, in its order.
        positions: array ``[decisions, N]`` of positions in the domains, uint8, or uint16 where a domain has
            more than 256 values.
    """

    decisions: tuple[Decision, ...]
    positions: Positions

    @classmethod
    def of(cls, module: Module, assignments: Iterable[Mapping[str, object]]) -> Batch:
        """The batch of some assignments.

        Raises:
            UserError: when one does not assign all decisions, or a decision that the module does not have.
        """
        decisions = tuple(module.decisions.values())
        rows = []
        for assignment in assignments:
            values = check_assignment(module.decisions, assignment, partial=False)
            rows.append([d.index(values[d.name]) for d in decisions])
        positions = np.array(rows, dtype=position_type(decisions)).reshape(len(rows), len(decisions))
        return cls(decisions, np.ascontiguousarray(positions.T))

    def __len__(self) -> int:
        """Number of assignments."""
        return int(self.positions.shape[1])

    def __getitem__(self, index: int) -> Assignment:
        """One assignment."""
        column = self.positions[:, index].tolist()
        return {d.name: d.domain[p] for d, p in zip(self.decisions, column, strict=True)}

    def assignments(self) -> list[Assignment]:
        """All assignments as dictionaries."""
        return list(self)

    def __iter__(self) -> Iterator[Assignment]:
        """The assignments one by one."""
        return (self[i] for i in range(len(self)))

    def take(self, which: npt.ArrayLike) -> Batch:
        """The assignments at some indices, or where a mask is true."""
        return Batch(self.decisions, np.ascontiguousarray(self.positions[:, np.asarray(which)]))

    def columns(self) -> dict[Decision, Positions]:
        """For each decision its row of positions."""
        return dict(zip(self.decisions, self.positions, strict=True))


def position_type(decisions: Iterable[Decision]) -> type[np.unsignedinteger]:
    """The element type of a batch.

    Raises:
        UserError: when a domain has more than 65,536 values.
    """
    largest = max((len(d) for d in decisions), default=1)
    if largest > 2**16:
        raise UserError(f"a decision has {largest} values", "batches hold decisions of at most 65536 values")
    return np.uint8 if largest <= 2**8 else np.uint16
