"""A strategy."""

import numpy as np

from drawloom.strategies import Proposal, Strategy


class FirstValues(Strategy):
    """Starts from the first value of every decision and walks away from there by mutations."""

    name = "first_values"

    def _propose(self, rng: np.random.Generator) -> Proposal:
        start = {name: d.domain[0] for name, d in self.space.decisions.items()}
        if not self.history and not self.pending:
            return Proposal(start, "first values")
        return Proposal(self.space.mutate(start, rng, 1 + len(self.history)), "walk from the first values")
