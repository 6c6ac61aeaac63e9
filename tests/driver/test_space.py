import numpy as np
import pytest

from drawloom.frontend import elaborate
from drawloom.ir import Module, Source, UserError, structural_hash
from drawloom.passes import resolve
from drawloom.space import ModuleSpace
from drawloom.strategies import make_strategy
from drawloom.strategies.testing import run_alone

DEPTH = """
network net(x: f32[1, 28, 28]) {
    n = choose depth from 1..=3
    for i in 0..n { x = x |> conv(choose width from [2, 4], kernel=3) |> relu }
    require params(network) <= 60, "too large"
    return x |> global_avg_pool |> linear(2)
}
"""


@pytest.fixture(scope="module")
def space() -> ModuleSpace:
    return ModuleSpace(elaborate(Source("net.loom", DEPTH)))


def test_size_and_decisions(toy: Module) -> None:
    space = ModuleSpace(toy)
    assert space.size == 4 * 3 * 4 * 3 * 2
    assert list(space.decisions) == list(toy.decisions)


def test_the_key_is_the_architecture(space: ModuleSpace) -> None:
    first = {"depth": 1, "for[0].width": 2}
    shallow = {name: first.get(name, d.domain[0]) for name, d in space.decisions.items()}
    other = {**shallow, list(space.decisions)[-1]: list(space.decisions.values())[-1].domain[1]}
    assert shallow != other
    assert space.key(shallow) == space.key(other) == structural_hash(resolve(space.module, other))
    deep = {**shallow, next(iter(space.decisions)): 2}
    assert space.key(deep) != space.key(shallow)


def test_samples_and_mutations_meet_the_constraints(space: ModuleSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        assignment = space.sample(rng)
        assert space.candidate(assignment).prices["parameters"] <= 60
        mutated = space.mutate(assignment, rng)
        assert space.candidate(mutated).prices["parameters"] <= 60
        assert space.mutate(assignment, rng, changes=100)


def test_a_mutation_changes_the_architecture_where_it_can(toy: Module) -> None:
    space, rng = ModuleSpace(toy), np.random.default_rng(1)
    for _ in range(20):
        assignment = space.sample(rng)
        mutated = space.mutate(assignment, rng)
        assert sum(assignment[name] != mutated[name] for name in assignment) == 1
        assert space.key(mutated) != space.key(assignment)


def test_no_neighbour_is_no_error() -> None:
    text = """network net(x: f32[8]) {
        n = choose n from [2, 3]
        require params(network) <= 20
        return x |> linear(n)
    }"""
    space, rng = ModuleSpace(elaborate(Source("net.loom", text))), np.random.default_rng(0)
    assignment = space.sample(rng)
    assert space.mutate(assignment, rng) == assignment


def test_a_candidate(toy: Module) -> None:
    space = ModuleSpace(toy)
    assignment = space.sample(np.random.default_rng(2))
    candidate = space.candidate(assignment)
    assert candidate.network.resolved
    assert candidate.key == structural_hash(candidate.network)
    assert set(candidate.prices) == {"parameters", "multiply_adds", "activation_bytes", "depth"}
    assert all(isinstance(price, int) and price > 0 for price in candidate.prices.values())
    assert candidate.text.startswith("module @")


def test_a_strategy_on_a_real_space(toy: Module) -> None:
    space = ModuleSpace(toy)
    strategy = make_strategy("regularized_evolution", space, seed=1, options={"population": 5})
    outcomes = run_alone(strategy, lambda a: (float(space.candidate(a).prices["multiply_adds"]),), 20)
    assert len({outcome.key for outcome in outcomes}) == 20


def test_a_network_is_no_space(toy: Module) -> None:
    with pytest.raises(UserError, match="no open decision"):
        ModuleSpace(resolve(toy, ModuleSpace(toy).sample(np.random.default_rng(0))))
