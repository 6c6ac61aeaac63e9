"""A search space as strategies see it: decisions, samples, mutations and the identity of architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drawloom.ir import Assignment, Decision, Module, UserError, print_module, structural_hash
from drawloom.passes import active_decisions, mutate, price, resolve, sample, space_size

from .objectives import METRICS, Source


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of an assignment without evaluating it.

    Attributes:
        assignment: a value for every decision.
        network: the resolved network.
        key: its structural hash.
        prices: counted metrics by name.
    """

    assignment: Assignment
    network: Module
    key: str
    prices: Mapping[str, int]

    @property
    def text(self) -> str:
        """The network as textual IR."""
        return print_module(self.network)


class ModuleSpace:
    """The space that a module with open decisions describes."""

    def __init__(self, module: Module) -> None:
        """Refuse a module without decisions.

        Raises:
            UserError: when there is nothing to search.
        """
        if module.resolved:
            raise UserError(f"'{module.name}' has no open decision: there is nothing to search")
        self.module = module
        self._keys: dict[tuple[object, ...], str] = {}

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """The open decisions."""
        return self.module.decisions

    @cached_property
    def size(self) -> int:
        """Number of assignments."""
        return space_size(self.module)

    def sample(self, rng: np.random.Generator) -> Assignment:
        """A uniform sample of the assignments that meet the constraints."""
        return sample(self.module, 1, seed=int(rng.integers(2**63))).assignments()[0]

    def mutate(self, assignment: Assignment, rng: np.random.Generator, changes: int = 1) -> Assignment:
        """Other values for some of the decisions that matter; the same where no such change is allowed."""
        most = len(active_decisions(self.module, assignment))
        if most == 0:
            return dict(assignment)
        try:
            return mutate(self.module, assignment, rng, n=min(changes, most))
        except UserError:  # constraints leave no neighbour; strategies then ask for something else
            return dict(assignment)

    def key(self, assignment: Assignment) -> str:
        """The structural hash of the resolved network."""
        values = tuple((type(value), value) for value in assignment.values())
        if values not in self._keys:
            self._keys[values] = structural_hash(resolve(self.module, assignment))
        return self._keys[values]

    def candidate(self, assignment: Assignment) -> Candidate:
        """Resolve and price an assignment."""
        table = price(self.module, [assignment])
        prices = {
            name: int(getattr(table, name)[0])
            for name, metric in METRICS.items()
            if metric.source is Source.PRICING
        }
        return Candidate(assignment, resolve(self.module, assignment), self.key(assignment), prices)
