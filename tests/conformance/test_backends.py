"""Every operation and whole networks in every backend: the same weights give the outputs of the reference.

A backend that cannot run an operation gives its reason in `CANNOT`.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from networks import NETWORKS
from op_cases import CASES, Case

from drawloom.backends import BACKENDS, initialise, load_backend
from drawloom.backends.reference import run
from drawloom.ir import OPS, Module

Array = np.ndarray[Any, Any]
Runner = Callable[[Module, Mapping[str, Array], Sequence[Array]], list[Array]]

TOLERANCE = 1e-4
"""Largest error, relative to the largest output."""


def run_torch(module: Module, weights: Mapping[str, Array], inputs: Sequence[Array]) -> list[Array]:
    import torch

    network = load_backend("torch").to_torch(module, weights).eval()
    with torch.no_grad():
        result = network(*map(torch.from_numpy, inputs))
    return [r.numpy() for r in (result if isinstance(result, tuple) else (result,))]


def run_tvm(module: Module, weights: Mapping[str, Array], inputs: Sequence[Array]) -> list[Array]:
    network = load_backend("tvm").compile_network(module, batch=len(inputs[0]))
    outputs: list[Array] = network.run(weights, inputs)
    return outputs


RUNNERS: dict[str, Runner] = {"torch": run_torch, "tvm": run_tvm}
"""How to run a network in each backend but the reference itself."""

CANNOT: dict[tuple[str, str], str] = {}
"""By operation and backend, why it cannot be run there."""


def backend(name: str) -> Any:
    """A parameter that is skipped where the framework of a backend is missing."""
    missing = importlib.util.find_spec(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"{name} is not installed"))


def check(name: str, module: Module, weights: Mapping[str, Array], inputs: Sequence[Array]) -> None:
    expected = run(module, weights, inputs)
    found = RUNNERS[name](module, weights, inputs)
    assert [f.shape for f in found] == [e.shape for e in expected]
    for f, e in zip(found, expected, strict=True):
        assert f.dtype == np.float32
        assert float(np.abs(f - e).max()) <= TOLERANCE * max(float(np.abs(e).max()), 1e-3)


def test_every_backend_has_a_runner() -> None:
    assert set(RUNNERS) | {"reference"} == set(BACKENDS)


def test_every_operation_has_a_case() -> None:
    assert {case.op for case in CASES} == set(OPS.names()) - {"call", "choice"}


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", [backend(name) for name in RUNNERS])
def test_operation(name: str, case: Case) -> None:
    if (case.op, name) in CANNOT:
        pytest.skip(CANNOT[case.op, name])
    check(name, case.module(), case.weights(), case.inputs())


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", [backend(name) for name in RUNNERS])
def test_network(name: str, network: str) -> None:
    module = NETWORKS[network]()
    weights = initialise(module, 1)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]
    check(name, module, weights, inputs)


def test_reasons_are_about_what_exists() -> None:
    assert {op for op, _ in CANNOT} <= set(OPS.names())
    assert {name for _, name in CANNOT} <= set(RUNNERS)
