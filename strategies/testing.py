"""A conformance suite for strategies, shipped so that strategies of third parties can use it too.

    class TestMine(StrategyConformance):
        name = "mine"

Every strategy that passes can be resumed, run with several workers, and reproduced from its seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from drawloom.ir import Assignment, Choice, Decision

from .base import ExhaustedError, Outcome, Strategy
from .registry import make_strategy, parse_options


class ToySpace:
    """A space without networks: the last decision matters only while the first has its first value.

    So assignments outnumber architectures, as they do in real spaces.
    """

    def __init__(self, decisions: int = 6, choices: int = 4) -> None:
        """Make `decisions` decisions with `choices` values each."""
        made = [Decision(f"d[{i}]", tuple(range(choices))) for i in range(decisions)]
        self.decisions: Mapping[str, Decision] = {decision.name: decision for decision in made}
        self._first, self._last = made[0].name, made[-1].name

    @property
    def size(self) -> int:
        """Number of assignments."""
        return int(np.prod([len(decision) for decision in self.decisions.values()]))

    def active(self, assignment: Assignment) -> list[str]:
        """The decisions that matter."""
        return [name for name in self.decisions if name != self._last or assignment[self._first] == 0]

    def sample(self, rng: np.random.Generator) -> Assignment:
        """A uniform sample."""
        return {name: d.domain[int(rng.integers(len(d)))] for name, d in self.decisions.items()}

    def mutate(self, assignment: Assignment, rng: np.random.Generator, changes: int = 1) -> Assignment:
        """Change some of the decisions that matter."""
        active = self.active(assignment)
        changed: dict[str, Choice] = {}
        for position in rng.choice(len(active), size=min(changes, len(active)), replace=False):
            decision = self.decisions[active[int(position)]]
            others = [value for value in decision.domain if value != assignment[decision.name]]
            changed[decision.name] = others[int(rng.integers(len(others)))]
        return {**assignment, **changed}

    def key(self, assignment: Assignment) -> str:
        """The values that matter."""
        return ",".join(f"{name}={assignment[name]}" for name in self.active(assignment))


def separable_cost(assignment: Assignment) -> tuple[float, ...]:
    """A cost that is a sum over the decisions, 0 at best: the sum of squares of the values."""
    return (float(sum(value**2 for value in _numbers(assignment))),)


def conflicting_costs(assignment: Assignment) -> tuple[float, ...]:
    """Two costs that pull in opposite directions, with a front of many points."""
    values = _numbers(assignment)
    return float(sum(v * v for v in values)), float(sum((3 - v) ** 2 for v in values))


def _numbers(assignment: Assignment) -> list[int]:
    return [int(str(value)) for value in assignment.values()]


def run_alone(
    strategy: Strategy, costs: Callable[[Assignment], tuple[float, ...] | None], trials: int, first: int = 0
) -> list[Outcome]:
    """Let a strategy search with one worker; returns the outcomes in order."""
    outcomes: list[Outcome] = []
    for number in range(first, first + trials):
        assignment = strategy.propose(number).assignment
        outcome = Outcome(number, number, assignment, strategy.space.key(assignment), costs(assignment))
        strategy.observe(outcome)
        outcomes.append(outcome)
    return outcomes


class StrategyConformance:
    """What every strategy must do. Subclass it and set `name`; pytest runs the methods."""

    name: str = ""
    options: Mapping[str, object] = {}
    """Options under which the strategy is tested, as users write them."""
    budget = 30

    def make(self, *, objectives: int = 1, seed: int = 0, space: ToySpace | None = None) -> Strategy:
        """A new strategy."""
        settled: dict[str, Any] = vars(parse_options(self.name, self.options).settled(self.budget))
        return make_strategy(
            self.name, space or ToySpace(), objectives=objectives, seed=seed, options=settled
        )

    def test_proposals_are_assignments_of_the_space(self) -> None:
        """Every decision gets a value of its domain."""
        strategy = self.make()
        for outcome in run_alone(strategy, separable_cost, self.budget):
            assert list(outcome.assignment) == list(strategy.space.decisions)
            for name, value in outcome.assignment.items():
                assert value in strategy.space.decisions[name].domain

    def test_an_architecture_is_proposed_once(self) -> None:
        """No architecture is evaluated twice."""
        keys = [outcome.key for outcome in run_alone(self.make(), separable_cost, self.budget)]
        assert len(set(keys)) == len(keys)

    def test_pending_architectures_are_not_proposed_again(self) -> None:
        """Not even while its evaluation runs."""
        strategy = self.make(space=ToySpace(decisions=2, choices=4))
        keys = [strategy.space.key(strategy.propose(number).assignment) for number in range(5)]  # of 7
        assert len(set(keys)) == len(keys)
        assert sorted(strategy.pending) == list(range(5))

    def test_same_seed_same_search(self) -> None:
        """The seed fixes everything."""
        assert run_alone(self.make(seed=7), separable_cost, self.budget) == run_alone(
            self.make(seed=7), separable_cost, self.budget
        )

    def test_other_seed_other_search(self) -> None:
        """And it matters."""
        assert run_alone(self.make(seed=7), separable_cost, self.budget) != run_alone(
            self.make(seed=8), separable_cost, self.budget
        )

    def test_replayed_history_continues_the_same_search(self) -> None:
        """A search that is resumed anywhere goes on as if it had not been stopped."""
        whole = run_alone(self.make(seed=3), separable_cost, self.budget)
        for cut in (0, 1, self.budget // 2, self.budget - 1):
            resumed = self.make(seed=3)
            resumed.replay(whole[:cut])
            assert run_alone(resumed, separable_cost, self.budget - cut, first=cut) == whole[cut:]

    def test_failures_are_survived_and_not_repeated(self) -> None:
        """A failed candidate is history too."""
        outcomes = run_alone(
            self.make(), lambda a: None if a["d[1]"] != 1 else separable_cost(a), self.budget
        )
        assert len({outcome.key for outcome in outcomes}) == self.budget

    def test_a_space_where_everything_fails(self) -> None:
        """Nothing is learnt and nothing breaks."""
        assert len(run_alone(self.make(), lambda a: None, self.budget)) == self.budget

    def test_several_objectives(self) -> None:
        """Outcomes with two costs."""
        outcomes = run_alone(self.make(objectives=2), conflicting_costs, self.budget)
        assert len({outcome.key for outcome in outcomes}) == self.budget

    def test_not_a_number_is_survived(self) -> None:
        """Costs that are not numbers."""
        run_alone(self.make(objectives=2), lambda a: (float("nan"), 1.0), self.budget)

    def test_a_wrong_number_of_costs_is_refused(self) -> None:
        """A cost for each objective."""
        strategy = self.make(objectives=2)
        assignment = strategy.propose(0).assignment
        try:
            strategy.observe(Outcome(0, 0, assignment, strategy.space.key(assignment), (1.0,)))
        except ValueError:
            return
        raise AssertionError("one cost was accepted where two are expected")

    def test_outcomes_in_any_order(self) -> None:
        """Several workers finish in another order than they began."""
        strategy = self.make()
        waiting: list[tuple[int, Assignment]] = []
        rng = np.random.default_rng(0)
        for number in range(self.budget):
            waiting.append((number, strategy.propose(number).assignment))
            if len(waiting) == 3:
                proposal, assignment = waiting.pop(int(rng.integers(3)))
                key = strategy.space.key(assignment)
                strategy.observe(Outcome(proposal, proposal, assignment, key, separable_cost(assignment)))
        assert len(strategy.pending) == 2

    def test_an_exhausted_space_is_said_so(self) -> None:
        """When no architecture is left, `ExhaustedError` says so."""
        strategy = self.make(space=ToySpace(decisions=2, choices=2))  # 3 architectures
        try:
            found = run_alone(strategy, separable_cost, 10)
        except ExhaustedError:
            return
        raise AssertionError(f"{len(found)} proposals of 3 architectures")


def best_so_far(outcomes: Sequence[Outcome]) -> float:
    """The smallest first cost."""
    return min(outcome.costs[0] for outcome in outcomes if outcome.costs is not None)
