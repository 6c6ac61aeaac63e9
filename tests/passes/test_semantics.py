"""Passes that simplify do not change what a network computes: the NumPy reference is the judge."""

import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meaning import assert_same

from drawloom.ir import print_module, structural_hash, verify
from drawloom.passes import PassManager, assign, canonicalize, cse, dce, inline, inline_all, resolve, sample

SIMPLIFYING = {
    "canonicalize": canonicalize,
    "dce": dce,
    "cse": cse,
    "inline": inline_all,
    "inline around ops": lambda m: inline(m, keep=("op",)),
    # what one merges another sees to be equal, and so on
    "all": lambda m: PassManager.from_text("inline,fixpoint(canonicalize,cse,dce)").run(m),
}


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
    before, candidate = resolve(module, assignment), resolve(after, left)
    assert_same(before, candidate)
    # inlined first, since a function does not know that it is given zeros
    one, other = [structural_hash(resolve(inline(network), {})) for network in (before, candidate)]
    assert one == other


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
