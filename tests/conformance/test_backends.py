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
from tiny_networks import network as tiny_network

from drawloom.backends import BACKENDS, initialise, load_backend
from drawloom.backends.reference import run
from drawloom.ir import OPS, Module
from drawloom.ir.ops.activation import ACTIVATIONS, KEEP_ZERO

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


_SIZES = np.logspace(-8, 5, 1001)
WIDE = np.concatenate([-_SIZES[::-1], [0.0], _SIZES]).astype(np.float32)


def applied(name: str, function: str, x: np.ndarray) -> np.ndarray:
    """A function of some numbers in a backend."""
    module = tiny_network(lambda o, t: o(function, t), (x.size,))
    return RUNNERS[name](module, {}, [x[np.newaxis]])[0][0]


@pytest.mark.parametrize("function", ACTIVATIONS)
@pytest.mark.parametrize("name", [backend(name) for name in RUNNERS])
def test_the_whole_range(name: str, function: str) -> None:
    module = tiny_network(lambda o, t: o(function, t), (WIDE.size,))
    (exact,) = run(module, {}, [WIDE[np.newaxis].astype(np.float64)])
    with np.errstate(over="ignore"):
        expected = exact[0].astype(np.float32)
    np.testing.assert_allclose(applied(name, function, WIDE), expected, rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        ("exp", [88.7, 89.0, np.inf, -100.0, -np.inf], [3.326e38, np.inf, np.inf, 0.0, 0.0]),
        ("log", [0.0, -1.0, 1e-40, 3e38, np.inf], [-np.inf, np.nan, -92.1034, 88.5968, np.inf]),
        ("sqrt", [0.0, -1.0, 3e38, np.inf], [0.0, np.nan, 1.7320508e19, np.inf]),
        ("sinc", [0.0, 1e-20, np.inf], [1.0, 1.0, np.nan]),
        ("sinh", [89.0, -89.0, 90.0, -90.0], [2.2448e38, -2.2448e38, np.inf, -np.inf]),
        ("cosh", [89.0, -90.0, 0.0], [2.2448e38, np.inf, 1.0]),
        ("asinh", [3e38, -3e38, np.inf, 1e-30], [89.2899, -89.2899, np.inf, 1e-30]),
        ("atan", [np.inf, -np.inf, 1.0, 1e-30], [np.pi / 2, -np.pi / 2, np.pi / 4, 1e-30]),
        ("erf", [np.inf, -np.inf, 1.0, 1e-30], [1.0, -1.0, 0.84270079, 1.12838e-30]),
        ("softplus", [np.inf, -np.inf, 0.0, 1e30], [np.inf, 0.0, np.log(2), 1e30]),
        ("cos", [0.0, 1e9], [1.0, 0.83788718]),
        ("sin", [1e9, np.inf], [0.54584345, np.nan]),
    ],
)
@pytest.mark.parametrize("name", ["reference", *(backend(name) for name in RUNNERS)])
def test_limits(name: str, function: str, x: list[float], expected: list[float]) -> None:
    array = np.array(x, np.float32)
    module = tiny_network(lambda o, t: o(function, t), (array.size,))
    found = (
        run(module, {}, [array[np.newaxis]])[0][0] if name == "reference" else applied(name, function, array)
    )
    np.testing.assert_allclose(found, np.array(expected, np.float64), rtol=2e-5, atol=2e-38)


def test_what_keeps_zeros() -> None:
    others = {"hsigmoid", "sigmoid", "softplus", "exp", "log", "cos", "sinc", "cosh"}
    assert set(KEEP_ZERO) == set(ACTIVATIONS) - others
