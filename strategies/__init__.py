"""Search strategies: one algorithm a file. They see decisions, assignments and results, never operations."""

from __future__ import annotations

from .base import ExhaustedError, Options, Outcome, Proposal, Space, Strategy
from .pareto import crowding_distance, front_ranks, non_dominated
from .registry import STRATEGIES, StrategyRegistry, make_strategy, parse_options

__all__ = [
    "STRATEGIES",
    "ExhaustedError",
    "Options",
    "Outcome",
    "Proposal",
    "Space",
    "Strategy",
    "StrategyRegistry",
    "crowding_distance",
    "front_ranks",
    "make_strategy",
    "non_dominated",
    "parse_options",
]
