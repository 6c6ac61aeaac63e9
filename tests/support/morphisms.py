"""What tests of passes that change widths and depths share: weights, and the comparison of two networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from tiny_networks import random_inputs, random_weights

from drawloom.backends.reference import run
from drawloom.backends.weights import check_weights
from drawloom.ir import Module
from drawloom.passes import PASSES, Context, PassManager

Weights = Mapping[str, Any]


def exact_weights(module: Module) -> dict[str, Any]:
    """Random weights in double precision, with which the reference computes in double precision."""
    return {name: w.astype(np.float64) for name, w in random_weights(module).items()}


def transformed(module: Module, pipeline: str, weights: Weights) -> tuple[Module, dict[str, Any], Context]:
    """The verified network that a pipeline makes, its weights, and the context with the statistics."""
    kept = {name: w.copy() for name, w in weights.items()}
    context = Context(PASSES, weights=weights)
    result = PassManager.from_text(pipeline).run(module, context)
    assert context.weights is not None
    check_weights(result, context.weights)
    assert all((weights[name] == w).all() for name, w in kept.items())
    return result, dict(context.weights), context


def difference(a: tuple[Module, Weights], b: tuple[Module, Weights], batch: int = 2) -> float:
    """The largest error of any output of one network, relative to the largest number in that of the other."""
    double = next(iter(a[1].values()), np.zeros(1)).dtype == np.float64
    inputs = [x.astype(np.float64) if double else x for x in random_inputs(a[0], batch)]
    worst = 0.0
    for x, y in zip(run(*a, inputs), run(*b, inputs), strict=True):
        assert x.shape == y.shape
        error = float(np.abs(x - y).max())
        worst = max(worst, error / float(np.abs(x).max()) if error else 0.0)
    return worst


def assert_same_function(module: Module, pipeline: str, limit: float = 1e-9) -> Module:
    """Run a pipeline with weights in double precision, and check that the network computes the same."""
    weights = exact_weights(module)
    result, new, _ = transformed(module, pipeline, weights)
    assert difference((module, weights), (result, new)) < limit
    return result
