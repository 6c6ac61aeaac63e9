"""Passes that simplify do not change what a network computes: the NumPy reference is the judge."""

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.backends.reference import run
from drawloom.backends.weights import initialise
from drawloom.ir import Module, print_module, structural_hash, verify
from drawloom.passes import PassManager, assign, canonicalize, cse, dce, inline, inline_all, resolve, sample

SIMPLIFYING = {
    "canonicalize": canonicalize,
    "dce": dce,
    "cse": cse,
    "inline": inline_all,
    "inline around ops": lambda m: inline(m, keep=("op",)),
    "all": lambda m: dce(cse(canonicalize(inline_all(m)))),
}


def weights_of(module: Module, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights with statistics and biases that are not the neutral ones a fresh network has."""
    rng = np.random.default_rng(seed)
    fresh = initialise(module, seed)
    return {name: w + rng.uniform(0.1, 0.5, w.shape).astype(w.dtype) for name, w in sorted(fresh.items())}


def images(module: Module) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(2, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]


def outputs(module: Module, weights) -> list[np.ndarray]:
    given = images(module)
    return [np.broadcast_to(y, (2, *y.shape[1:])) for y in run(module, weights, given)]


def assert_same(before: Module, after: Module) -> None:
    weights = weights_of(before)
    for a, b in zip(outputs(before, weights), outputs(after, weights), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SIMPLIFYING)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_networks_compute_the_same(name, data):
    module = data.draw(modules(resolved=True))
    after = SIMPLIFYING[name](module)
    verify(after)
    assert_same(module, after)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_resolved_candidates_compute_what_assigned_ones_do(data):
    module = data.draw(modules())
    assignment = data.draw(assignments(module))
    assert_same(assign(module, assignment), resolve(module, assignment))


@pytest.mark.parametrize("name", SIMPLIFYING)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_spaces_stay_valid_and_keep_their_candidates(name, data):
    module = data.draw(modules())
    assignment = data.draw(assignments(module))
    after = SIMPLIFYING[name](module)
    verify(after)
    left = {n: v for n, v in assignment.items() if n in after.decisions}
    assert structural_hash(resolve(after, left)) == structural_hash(resolve(module, assignment))


@pytest.mark.parametrize("name", SIMPLIFYING)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_second_run_changes_nothing(name, data):
    module = data.draw(modules())
    once = SIMPLIFYING[name](module)
    assert print_module(SIMPLIFYING[name](once)) == print_module(once)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_of_passes_keeps_spaces_valid(data):
    module = data.draw(modules())
    names = data.draw(
        st.lists(st.sampled_from(["canonicalize", "dce", "cse", "inline", "fold-batch-norm"]), max_size=5)
    )
    assignment = data.draw(assignments(module))
    after = PassManager.from_text(",".join(names)).run(module)
    resolve(after, {n: v for n, v in assignment.items() if n in after.decisions})


def test_partial_assignments_add_up(zoo_space):
    module = zoo_space("darts")
    (assignment,) = sample(module, 1, seed=5).assignments()
    half = dict(list(assignment.items())[::2])
    rest = {n: v for n, v in assignment.items() if n not in half}
    assert print_module(assign(assign(module, half), rest)) == print_module(assign(module, assignment))
