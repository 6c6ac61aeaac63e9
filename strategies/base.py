"""What a search strategy is: it proposes assignments of decisions and observes what became of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from drawloom.ir import Assignment, Decision

ATTEMPTS = 64
"""How often a strategy is asked for an unseen architecture, and after that the space for a random one."""


class Space(Protocol):
    """All that a strategy may know of a search space."""

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """The open decisions by name, in source order."""

    @property
    def size(self) -> int:
        """Number of assignments; several may be one architecture."""

    def sample(self, rng: np.random.Generator) -> Assignment:
        """A uniformly drawn assignment."""

    def mutate(self, assignment: Assignment, rng: np.random.Generator, changes: int = 1) -> Assignment:
        """The assignment with other values for `changes` of the decisions that matter in it."""

    def key(self, assignment: Assignment) -> str:
        """The identity of the architecture: equal for assignments that resolve to the same network."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An assignment to evaluate.

    Attributes:
        assignment: a value for every decision.
        origin: where it comes from, for people: ``random`` or ``mutation of #3``.
        repeat: whether the strategy wants it although the architecture was seen before.
    """

    assignment: Assignment
    origin: str
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a proposal.

    Attributes:
        number: of the trial, to name it; not that of the proposal.
        proposal: the number that was given to `Strategy.propose`.
        assignment: what was evaluated.
        key: the identity of its architecture, as from `Space.key`.
        costs: one number an objective, smaller is better; None when the evaluation failed.
    """

    number: int
    proposal: int
    assignment: Assignment
    key: str
    costs: tuple[float, ...] | None


class ExhaustedError(Exception):
    """No architecture was found that had not been proposed before."""


@dataclass(frozen=True)
class Options:
    """Options of a strategy that has none; the base class of those that have.

    Fields are options: their names are what users write, their types are checked.
    """

    def settled(self, budget: int) -> Options:
        """The options with every value that depends on the number of trials filled in."""
        return self


class Strategy(ABC):
    """A search strategy.

    Its state is a function of the seed and of the outcomes it has observed, in order; what it proposes
    depends on that state, on the number of the proposal, and on which proposals are pending. So a strategy is
    saved by saving the outcomes, and continued by `replay`. Subclasses keep this by taking all randomness
    from the generator that `_propose` is given, and override the methods with an underscore.

    Attributes:
        name: as users write it.
        options_type: the dataclass of its options.
        space: what is searched.
        objectives: number of costs an outcome has.
        seed: of all randomness.
        options: settled options.
        history: outcomes observed, in order.
        pending: proposals without an outcome, by number: their architectures.
    """

    name: ClassVar[str]
    options_type: ClassVar[type[Options]] = Options

    def __init__(
        self, space: Space, *, objectives: int = 1, seed: int = 0, options: Options | None = None
    ) -> None:
        """Start without history; `options` are expected to be settled."""
        self.space = space
        self.objectives = objectives
        self.seed = seed
        self.options: Any = self.options_type() if options is None else options
        self.history: list[Outcome] = []
        self.pending: dict[int, str] = {}
        self._seen: set[str] = set()

    def propose(self, number: int) -> Proposal:
        """An assignment to evaluate, of an architecture that was not proposed before.

        Args:
            number: of the proposal, counted from 0 over the whole study; different for each.

        Raises:
            ExhaustedError: when `ATTEMPTS` proposals and as many random samples were all seen before.
        """
        rng = np.random.default_rng([self.seed, number])
        for attempt in range(2 * ATTEMPTS):
            proposal = (
                self._propose(rng) if attempt < ATTEMPTS else Proposal(self.space.sample(rng), "random")
            )
            key = self.space.key(proposal.assignment)
            if proposal.repeat or key not in self._seen:
                self.expect(number, key)
                return proposal
        raise ExhaustedError(
            f"{2 * ATTEMPTS} proposals in a row were architectures already seen; "
            f"the space has {self.space.size} assignments"
        )

    def expect(self, number: int, key: str) -> None:
        """Take note that an architecture is being evaluated, as `propose` does by itself."""
        self.pending[number] = key
        self._seen.add(key)

    def observe(self, outcome: Outcome) -> None:
        """Take note of what became of a proposal, finished or failed.

        Raises:
            ValueError: when the number of costs is not that of the objectives.
        """
        if outcome.costs is not None and len(outcome.costs) != self.objectives:
            raise ValueError(f"an outcome has {self.objectives} costs, got {len(outcome.costs)}")
        self.pending.pop(outcome.proposal, None)
        self._seen.add(outcome.key)
        self.history.append(outcome)
        self._observe(outcome)

    def replay(self, outcomes: Iterable[Outcome]) -> None:
        """Bring a new strategy to the state that it had after these outcomes."""
        for outcome in outcomes:
            self.observe(outcome)

    @abstractmethod
    def _propose(self, rng: np.random.Generator) -> Proposal:
        """A proposal; it is asked for again when the architecture was seen before."""

    def _observe(self, outcome: Outcome) -> None:  # noqa: B027  (nothing to do is a sound default)
        """Update the state."""
