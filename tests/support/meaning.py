"""Whether two networks mean the same: the NumPy reference is the judge."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from drawloom.backends.reference import run
from drawloom.backends.weights import initialise
from drawloom.ir import Module


def weights_of(module: Module, seed: int = 0) -> dict[str, Any]:
    """Weights in float64 with statistics and biases other than the neutral ones of a fresh network.

    Products of many random layers leave the range of float32.
    """
    rng = np.random.default_rng(seed)
    fresh = initialise(module, seed)
    return {name: w + rng.uniform(0.1, 0.5, w.shape) for name, w in sorted(fresh.items())}


def images(module: Module) -> list[Any]:
    """A batch of two random samples for every input; elements reach below 0 and above 6."""
    rng = np.random.default_rng(1)
    return [rng.normal(scale=4, size=(2, *v.type.shape)) for v in module.entry.inputs]


def outputs(module: Module, weights: Mapping[str, Any]) -> list[Any]:
    """What the reference computes from `images`, for the whole batch."""
    given = images(module)
    return [np.broadcast_to(y, (2, *y.shape[1:])) for y in run(module, weights, given)]


def assert_same(before: Module, after: Module) -> None:
    """Two resolved modules compute the same from the same images and weights."""
    weights = weights_of(before)
    for a, b in zip(outputs(before, weights), outputs(after, weights), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)
