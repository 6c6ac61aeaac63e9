"""Random search: the baseline of every comparison (Li and Talwalkar, 2019; Yu et al., 2020)."""

from __future__ import annotations

import numpy as np

from .base import Proposal, Strategy


class RandomSearch(Strategy):
    """Every proposal is a uniform sample of the space, whatever was observed."""

    name = "random"

    def _propose(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self.space.sample(rng), "random")
