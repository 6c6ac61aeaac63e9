"""Sizes, batches, random assignments, changes and active decisions."""

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawloom.ir import Decision, FunctionBuilder, Module, TensorType, UserError, structural_hash, value_of
from drawloom.passes import (
    Batch,
    PassManager,
    active_decisions,
    mutate,
    price,
    resolve,
    sample,
    satisfied,
    space_size,
)


def test_size_is_exact(zoo_space, space_of):
    assert space_size(zoo_space("darts")) == (8**14 * 3 * 6 * 10) ** 2
    assert space_size(space_of("network n(x: f32[3, 8, 8]) { return x |> relu }")) == 1


def test_batches_are_assignments_and_back(zoo_space):
    module = zoo_space("darts")
    batch = sample(module, 50, seed=1)
    again = Batch.of(module, batch.assignments())
    assert (again.positions == batch.positions).all()
    assert batch.positions.dtype == np.uint8
    assert batch.positions.shape == (len(module.decisions), 50)
    assert batch[7] == batch.assignments()[7] == next(iter(batch.take([7])))
    assert list(batch[0]) == list(module.decisions)


def test_batches_take_json_values(zoo_space):
    module = zoo_space("darts")
    (assignment,) = sample(module, 1).assignments()
    as_json = {n: list(v) if isinstance(v, tuple) else str(v) for n, v in assignment.items()}
    assert Batch.of(module, [as_json])[0] == assignment


def test_a_batch_refuses_what_does_not_fit(small_space):
    with pytest.raises(UserError, match="'arm' is not assigned"):
        Batch.of(small_space, [{"kernel": 3}])


def _one_decision(values: int) -> Module:
    decision = Decision("d", tuple(range(values)))
    b = FunctionBuilder("n", "network")
    x = b.input(TensorType((2, 4, 4)), "x")
    y = b.op("conv2d", [x], {"out": value_of(decision) + 1, "kernel": 1, "param": "c"})
    return Module("n", {"n": b.finish([y])}, {"d": decision})


def test_large_domains_use_wider_positions():
    module = _one_decision(1000)
    batch = sample(module, 5000, seed=0)
    assert batch.positions.dtype == np.uint16
    assert batch.positions.max() > 900
    assert price(module, batch).parameters.tolist() == [2 * (a["d"] + 1) for a in batch.assignments()]
    with pytest.raises(UserError, match="at most 65536"):
        sample(_one_decision(70_000), 1)


def test_samples_are_uniform_and_repeatable(zoo_space):
    module = zoo_space("mobile_fashion")
    batch = sample(module, 60_000, seed=7)
    assert (batch.positions == sample(module, 60_000, seed=7).positions).all()
    assert (batch.positions != sample(module, 60_000, seed=8).positions).any()
    for decision, row in batch.columns().items():
        counts = np.bincount(row, minlength=len(decision))
        expected = 60_000 / len(decision)
        # six standard deviations
        assert abs(counts - expected).max() < 6 * np.sqrt(expected)


CONSTRAINED = """
network n(x: f32[3, 8, 8]) {
    a = choose a from [8, 16, 32, 64]
    b = choose b from [8, 16, 32, 64]
    h = x |> conv(a, kernel=3) |> conv(b, kernel=3)
    require params(network) <= 9K, "too large"
    return h
}
"""


def constrained(space_of) -> Module:
    try:
        return space_of(CONSTRAINED)
    except Exception:
        pytest.skip("the language has no params(network) yet")


def test_samples_meet_the_constraints(space_of):
    module = constrained(space_of)
    everything = sample(module, 2000, seed=0, constrained=False)
    mask = satisfied(module, everything)
    assert (mask == (price(module, everything).parameters <= 9000)).all()
    assert 0 < mask.sum() < 2000
    good = sample(module, 2000, seed=0)
    assert len(good) == 2000
    assert satisfied(module, good).all()
    # still uniform among those that fit
    kinds, counts = np.unique(good.positions, axis=1, return_counts=True)
    assert kinds.shape[1] == len({tuple(a.values()) for a in everything.take(mask)})
    assert counts.min() > 0.6 * counts.max()


def test_impossible_constraints_are_reported(space_of):
    with pytest.raises(UserError, match="found 0 of 3 candidates that meet the constraints"):
        sample(constrained_to(space_of, "1"), 3)


def constrained_to(space_of, limit: str) -> Module:
    constrained(space_of)
    return space_of(CONSTRAINED.replace("9K", limit))


def test_mutations_meet_the_constraints(space_of):
    module = constrained(space_of)
    rng = np.random.default_rng(0)
    current = sample(module, 1, seed=0)[0]
    for _ in range(50):
        following = mutate(module, current, rng)
        assert following != current
        assert satisfied(module, [following])[0]
        current = following


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_inactive_decisions_do_not_matter(data):
    module = data.draw(modules())
    assume(module.decisions)
    assignment = data.draw(assignments(module))
    active = active_decisions(module, assignment)
    other = data.draw(assignments(module))
    changed = {n: v if n in active else other[n] for n, v in assignment.items()}
    assert structural_hash(resolve(module, changed)) == structural_hash(resolve(module, assignment))


@pytest.mark.parametrize("name", ["mobile_fashion", "darts"])
def test_inactive_decisions_of_the_zoo_do_not_matter(zoo_space, name):
    module = zoo_space(name)
    first, second = sample(module, 30, seed=1), sample(module, 30, seed=2)
    idle = 0
    for a, b in zip(first, second, strict=True):
        active = active_decisions(module, a)
        idle += len(module.decisions) - len(active)
        changed = {n: v if n in active else b[n] for n, v in a.items()}
        assert structural_hash(resolve(module, changed)) == structural_hash(resolve(module, a))
    assert (idle > 0) == (name == "darts")


def test_activity_is_by_table_and_not_by_mention(space_of):
    module = space_of(
        """
        network n(x: f32[8, 8, 8]) {
            wide = choose wide from [false, true]
            k = choose k from [3, 5]
            depth = choose depth from 1..=3
            e = choose e from [2, 4]
            h = x |> conv(if wide { 8 * e } else { 8 }, kernel=3)
            for i in 0..depth { h = if i == 2 { max_pool(h; k) } else { relu(h) } }
            return h |> global_avg_pool
        }
        """
    )
    narrow = {"wide": False, "k": 3, "depth": 1, "e": 2}
    assert active_decisions(module, narrow) == {"wide", "depth"}
    assert active_decisions(module, {**narrow, "wide": True}) == {"wide", "depth", "e"}
    assert active_decisions(module, {**narrow, "depth": 3}) == {"wide", "depth", "k"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutations_change_exactly_as_many_decisions_as_asked(data):
    module = data.draw(modules().filter(lambda m: m.decisions and not m.constraints))
    assignment = data.draw(assignments(module))
    active = active_decisions(module, assignment)
    assume(active)
    n = data.draw(st.integers(1, len(active)))
    changed = mutate(module, assignment, np.random.default_rng(data.draw(st.integers(0, 100))), n)
    different = {name for name in assignment if changed[name] != assignment[name]}
    assert len(different) == n
    assert different <= active


def test_mutations_reach_every_other_value(zoo_space):
    module = zoo_space("mobile_fashion")
    (start,) = sample(module, 1, seed=0).assignments()
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(600):
        changed = mutate(module, start, rng)
        seen |= {(n, v) for n, v in changed.items() if v != start[n]}
    assert seen == {(d.name, v) for d in module.decisions.values() for v in d.domain if v != start[d.name]}


def test_too_many_changes_are_refused(small_space):
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="2 decisions cannot change, only 1 to 1"):
        mutate(small_space, {"kernel": 3, "arm": "pool"}, rng, n=2)
    changed = mutate(small_space, {"kernel": 3, "arm": "pool"}, rng, n=2, active=False)
    assert changed == {"kernel": 5, "arm": "conv"}


def test_many_samples_meet_rare_constraints(space_of):
    """One assignment of 256 fits; drawing twice what is missing would give up after half of them."""
    bits = " + ".join(f"(choose bit{i} from [0, 1])" for i in range(8))
    text = f"network n(x: f32[3]) {{ ones = {bits} require ones == 8, \"all\" return x |> linear(ones + 1) }}"
    module = space_of(text)
    batch = sample(module, 20_000, seed=0)
    assert len(batch) == 20_000
    assert (batch.positions == 1).all()


def test_the_passes_sample_and_mutate_assign_everything(small_space):
    for text in ("sample", "sample{seed=3}", "mutate{kernel=3,arm=conv}", "mutate{seed=2,n=2,active=false}"):
        after = PassManager.from_text(text).run(small_space)
        assert after.resolved
    seeds = [PassManager.from_text(f"sample{{seed={s}}},dce").run(small_space) for s in range(12)]
    assert len({structural_hash(m) for m in seeds}) == 3


def test_the_pass_mutate_changes_what_it_is_given(small_space):
    start = structural_hash(resolve(small_space, {"kernel": 3, "arm": "conv"}))
    for seed in range(6):
        after = PassManager.from_text(f"mutate{{seed={seed},kernel=3,arm=conv}},canonicalize,dce").run(
            small_space
        )
        assert structural_hash(after) != start
