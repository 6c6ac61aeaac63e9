import numpy as np

from drawloom.front import hypervolume
from drawloom.ir import Assignment
from drawloom.strategies import Outcome, make_strategy
from drawloom.strategies.regularized_evolution import RegularizedEvolution
from drawloom.strategies.testing import ToySpace, best_so_far, conflicting_costs, run_alone, separable_cost


def evolution(
    objectives: int = 1, seed: int = 0, space: ToySpace | None = None, **options: object
) -> RegularizedEvolution:
    made = make_strategy(
        "regularized_evolution", space or ToySpace(), objectives=objectives, seed=seed, options=options
    )
    assert isinstance(made, RegularizedEvolution)
    return made


def outcome(number: int, *costs: float, **values: int) -> Outcome:
    assignment: Assignment = {f"d[{i}]": values.get(f"d{i}", 0) for i in range(6)}
    return Outcome(number, number, assignment, f"key {number}", costs)


def parents(strategy: RegularizedEvolution, proposals: int = 200) -> set[str]:
    return {strategy._propose(np.random.default_rng(i)).origin for i in range(proposals)}


def test_population_is_founded_at_random_and_then_evolves() -> None:
    strategy = evolution(population=5)
    origins = []
    for number in range(12):
        proposal = strategy.propose(number)
        origins.append(proposal.origin)
        key = strategy.space.key(proposal.assignment)
        strategy.observe(
            Outcome(number, number, proposal.assignment, key, separable_cost(proposal.assignment))
        )
    assert origins[:5] == ["random"] * 5
    assert all(origin.startswith("mutation of #") for origin in origins[5:])


def test_a_child_differs_in_one_decision_that_matters() -> None:
    space = ToySpace()
    strategy = evolution(population=4, space=space)
    founders = run_alone(strategy, separable_cost, 4)
    for number in range(4, 40):
        proposal = strategy.propose(number)
        parent = founders[int(proposal.origin.rpartition("#")[2])].assignment
        changed = [name for name in parent if parent[name] != proposal.assignment[name]]
        assert len(changed) == 1
        assert changed[0] in space.active(parent)


def test_the_oldest_dies_even_when_it_is_the_best() -> None:
    strategy = evolution(population=3)
    strategy.replay([outcome(0, 0.0), outcome(1, 5.0), outcome(2, 6.0), outcome(3, 7.0)])
    assert [member.number for member in strategy.population] == [1, 2, 3]


def test_the_best_of_the_sample_is_the_parent() -> None:
    strategy = evolution(population=3, sample=50)
    strategy.replay([outcome(0, 3.0), outcome(1, 1.0), outcome(2, 2.0)])
    assert parents(strategy) == {"mutation of #1"}


def test_sampling_is_with_replacement() -> None:
    strategy = evolution(population=3, sample=3)
    strategy.replay([outcome(0, 3.0), outcome(1, 1.0), outcome(2, 2.0)])
    origins = [strategy._propose(np.random.default_rng(i)).origin for i in range(2000)]
    share = origins.count("mutation of #1") / len(origins)
    assert 0.65 < share < 0.76  # 1 - (2/3)^3 = 0.704; without replacement it would be 1


def test_several_objectives_a_dominated_network_is_no_parent() -> None:
    strategy = evolution(objectives=2, population=4, sample=60)
    strategy.replay([outcome(0, 1.0, 9.0), outcome(1, 9.0, 1.0), outcome(2, 9.5, 9.5), outcome(3, 5.0, 5.0)])
    assert parents(strategy) == {
        "mutation of #0",
        "mutation of #1",
    }  # the ends; 3 is on the front but crowded


def test_several_objectives_the_lonelier_is_the_parent() -> None:
    points = [outcome(0, 0.0, 10.0), outcome(1, 1.0, 9.0), outcome(2, 5.0, 3.0), outcome(3, 10.0, 0.0)]
    strategy = evolution(objectives=2, population=4, sample=60)
    strategy.replay(points)
    winners = parents(strategy)
    assert winners == {"mutation of #0", "mutation of #3"}


def test_failures_do_not_join() -> None:
    strategy = evolution(population=3)
    strategy.replay([outcome(0, 1.0), Outcome(1, 1, outcome(1).assignment, "x", None)])
    assert [member.number for member in strategy.population] == [0]
    assert strategy.propose(2).origin == "random"


def test_running_founders_count_as_founders() -> None:
    strategy = evolution(population=3)
    first = [strategy.propose(number) for number in range(3)]
    strategy.observe(Outcome(0, 0, first[0].assignment, strategy.space.key(first[0].assignment), (1.0,)))
    assert strategy.propose(3).origin == "mutation of #0"


def test_identity_repeats_the_parent_on_purpose() -> None:
    strategy = evolution(population=2, identity=1.0)
    founders = run_alone(strategy, separable_cost, 2)
    proposal = strategy.propose(2)
    assert proposal.origin.startswith("copy of #")
    assert proposal.assignment in [founder.assignment for founder in founders]


def test_beats_random_on_a_separable_cost() -> None:
    wins = 0
    for seed in range(20):
        space = ToySpace(decisions=12, choices=4)
        evolved = run_alone(evolution(seed=seed, space=space, population=20, sample=5), separable_cost, 150)
        sampled = run_alone(make_strategy("random", space, seed=seed), separable_cost, 150)
        wins += best_so_far(evolved) < best_so_far(sampled)
    assert wins >= 18


def test_dominates_more_than_random_on_two_costs() -> None:
    def dominated(outcomes: list[Outcome]) -> float:
        return hypervolume([outcome.costs for outcome in outcomes if outcome.costs], (108.0, 108.0))

    wins = 0
    for seed in range(12):
        space = ToySpace(decisions=12, choices=4)
        evolved = run_alone(
            evolution(objectives=2, seed=seed, space=space, population=20, sample=5), conflicting_costs, 150
        )
        sampled = run_alone(make_strategy("random", space, objectives=2, seed=seed), conflicting_costs, 150)
        wins += dominated(evolved) > dominated(sampled)
    assert wins >= 11
