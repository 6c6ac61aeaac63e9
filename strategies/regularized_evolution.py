"""Regularised (aging) evolution, the search of AmoebaNet (Real et al., AAAI 2019, algorithm 1).

With several objectives the tournament compares by non-domination, and ties by crowding as NSGA-II does (Deb
et al., 2002).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from drawloom.ir import UserError

from .base import Options, Outcome, Proposal, Space, Strategy
from .pareto import crowding_distance, non_dominated

PAPER_POPULATION = 100
"""P of the paper; larger budgets get no larger population unless it is asked for."""


@dataclass(frozen=True)
class EvolutionOptions(Options):
    """Options of regularised evolution.

    Attributes:
        population: P, how many networks are alive; 0 chooses a third of the budget, at least 4 and at most
            the paper's 100.
        sample: S, how many of them compete to be a parent; 0 chooses a quarter of the population, as the
            paper, at least 3.
        identity: probability that a child is its parent unchanged, trained again; the paper has 0.05, which
            pays when training is noisy and the budget thousands.
        mutations: decisions that a mutation changes.
    """

    population: int = 0
    sample: int = 0
    identity: float = 0.0
    mutations: int = 1

    def __post_init__(self) -> None:
        limits = {"population": (0, None), "sample": (0, None), "identity": (0, 1), "mutations": (1, None)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value < least or (most is not None and value > most):
                bounds = f"at least {least}" if most is None else f"between {least} and {most}"
                raise UserError(
                    f"option '{name}' of strategy 'regularized_evolution' is {value}", f"it must be {bounds}"
                )

    def settled(self, budget: int) -> EvolutionOptions:
        """The options with population and sample chosen for a budget."""
        population = self.population or min(PAPER_POPULATION, max(4, budget // 3))
        return replace(self, population=population, sample=self.sample or max(3, population // 4))


class RegularizedEvolution(Strategy):
    """A queue of networks: the best of a random sample is mutated, the child joins, the oldest dies.

    * The first P networks are uniform samples of the space. A failed evaluation joins nothing.
    * A parent is the best of S networks, drawn from the population uniformly with replacement.
    * A mutation gives another value to one of the decisions that matter in the parent.
    * Which network dies depends on its age only, never on its quality.

    With several workers children are proposed while others are trained; a network is born when its evaluation
    ends.
    """

    name = "regularized_evolution"
    options_type = EvolutionOptions

    def __init__(
        self, space: Space, *, objectives: int = 1, seed: int = 0, options: Options | None = None
    ) -> None:
        """Start with an empty population."""
        super().__init__(
            space, objectives=objectives, seed=seed, options=(options or EvolutionOptions()).settled(0)
        )
        self.population: deque[Outcome] = deque(maxlen=self.options.population)
        self._born = 0

    def _observe(self, outcome: Outcome) -> None:
        if outcome.costs is not None:
            self.population.append(outcome)
            self._born += 1

    def _propose(self, rng: np.random.Generator) -> Proposal:
        founding = self._born + len(self.pending) < self.options.population
        if founding or not self.population:
            return Proposal(self.space.sample(rng), "random")
        drawn = rng.integers(len(self.population), size=self.options.sample)
        parent = _winner([self.population[i] for i in sorted(set(drawn.tolist()))], rng)
        if rng.random() < self.options.identity:
            return Proposal(dict(parent.assignment), f"copy of #{parent.number}", repeat=True)
        child = self.space.mutate(parent.assignment, rng, self.options.mutations)
        return Proposal(child, f"mutation of #{parent.number}")


def _winner(contestants: Sequence[Outcome], rng: np.random.Generator) -> Outcome:
    """The one that no other dominates; of several the loneliest on their front; of equally lonely any."""
    costs = np.array([contestant.costs for contestant in contestants], dtype=np.float64)
    front = np.flatnonzero(non_dominated(costs))
    if not front.size:  # every cost is NaN
        return contestants[int(rng.integers(len(contestants)))]
    distance = crowding_distance(costs[front])
    loneliest = front[distance == distance.max()]
    return contestants[int(rng.choice(loneliest))]
