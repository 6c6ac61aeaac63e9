"""A space under an assignment computes what its resolved network computes, on the same weights."""

from typing import Any

import numpy as np
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.passes import assign, inline_all, resolve


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_resolving_keeps_the_meaning(data: Any) -> None:
    space = data.draw(modules())
    assignment = data.draw(assignments(space))
    network = resolve(space, assignment)
    # those of the candidate as built: it also computes what canonicalisation knows to be zero
    weights = initialise(assign(space, assignment))
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, *v.type.shape)).astype(np.float32) for v in network.entry.inputs]
    expected = run(network, weights, inputs)
    for found in (run(space, weights, inputs, assignment), run(inline_all(network), weights, inputs)):
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-5)
