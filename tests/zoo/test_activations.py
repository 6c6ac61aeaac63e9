"""The activation functions of a search: values and derivatives in every backend, and their space."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drawloom import load, network
from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.backends.torch import to_torch
from drawloom.ir import Module

ROOT = Path(__file__).parents[2]
Function = Callable[[Any], Any]


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


FUNCTIONS: dict[str, Function] = {
    "swish": lambda x: x * _sigmoid(x),
    "swish_beta": lambda x: x * _sigmoid(x),
    "max_sigmoid": lambda x: np.maximum(x, _sigmoid(x)),
    "cos_minus": lambda x: np.cos(x) - x,
    "min_sin": lambda x: np.minimum(x, np.sin(x)),
    "atan_square_minus": lambda x: np.arctan(x) ** 2 - x,
    "max_tanh": lambda x: np.maximum(x, np.tanh(x)),
    "sinc_plus": lambda x: np.sinc(x / np.pi) + x,
    "asinh_square_times": lambda x: x * np.arcsinh(x) ** 2,
    "negative": lambda x: -x,
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "below_zero": lambda x: np.minimum(x, 0),
    "gauss": lambda x: np.exp(-(x**2)),
    "root": lambda x: np.sqrt(np.abs(x) + 1e-5),
    "log_size": lambda x: np.log(np.abs(x) + 1e-5),
    "beta": lambda x: x,
    "plus_beta": lambda x: x,
    "only_beta": lambda x: np.zeros_like(x),
}
KINKS = {"max_sigmoid": 1e-3, "below_zero": 0.0, "root": 0.0, "log_size": 0.0}
POINTS = np.array([-30, -3, -1.5, -0.5, -1e-3, 0, 1e-3, 0.5, 1.5, 3, 30], np.float32)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Module:
    """A network that gives all functions of one image of as many channels as there are points."""
    path = tmp_path_factory.mktemp("activations") / "all.loom"
    calls = ", ".join(f"{name}(x)" for name in FUNCTIONS)
    parts = (ROOT / "zoo" / "parts" / "activations.loom").read_text(encoding="utf-8")
    path.write_text(parts + f"\nnetwork all(x: f32[{POINTS.size}, 1, 1]) = [{calls}]\n", encoding="utf-8")
    return load(path)


def _outputs(found: Any) -> dict[str, Any]:
    return {name: np.asarray(y).ravel() for name, y in zip(FUNCTIONS, found, strict=True)}


@pytest.mark.parametrize("backend", ["reference", "torch", "tvm"])
def test_values(module: Module, backend: str) -> None:
    weights, x = initialise(module), POINTS.reshape(1, -1, 1, 1)
    if backend == "reference":
        found = run(module, weights, [x])
    elif backend == "torch":
        found = [y.detach().numpy() for y in to_torch(module, weights)(torch.from_numpy(x))]
    else:
        pytest.importorskip("tvm", reason="TVM is not installed")
        from drawloom.backends.tvm import compile_network

        found = compile_network(module).run(weights, [x])
    for name, y in _outputs(found).items():
        expected = FUNCTIONS[name](POINTS.astype(np.float64))
        np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-7, err_msg=name)


def test_derivatives(module: Module) -> None:
    """Also where formulas are quotients of zeros, as sinc at zero; a kink has any finite one."""
    x = torch.from_numpy(POINTS.reshape(1, -1, 1, 1)).requires_grad_()
    for name, y in zip(FUNCTIONS, to_torch(module)(x), strict=True):
        (found,) = torch.autograd.grad(y.sum(), x, retain_graph=True, allow_unused=name == "only_beta")
        slope = np.zeros(POINTS.size) if found is None else found.numpy().ravel()
        assert np.isfinite(slope).all(), name
        step, exact = 1e-6, POINTS.astype(np.float64)
        expected = (FUNCTIONS[name](exact + step) - FUNCTIONS[name](exact - step)) / (2 * step)
        smooth = exact != KINKS.get(name, np.nan)
        np.testing.assert_allclose(slope[smooth], expected[smooth], rtol=1e-4, atol=1e-5, err_msg=name)


def test_beta_is_trained_for_each_channel(module: Module) -> None:
    weights = initialise(module)
    assert [w.shape for name, w in weights.items() if name.startswith("swish_beta.")] == [(POINTS.size,)]
    weights["swish_beta.beta.channel_affine.weight"] = np.linspace(0, 2, POINTS.size, dtype=np.float32)
    x = np.ones((1, POINTS.size, 1, 1), np.float32)
    found = _outputs(run(module, weights, [x]))["swish_beta"]
    np.testing.assert_allclose(found, _sigmoid(np.linspace(0, 2, POINTS.size)), rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "candidates"), [(1, 6250), (2, 6250 * 25_000), (3, 6250 * 25_000 * 56_250)]
)
def test_size_of_the_space(units: int, candidates: int) -> None:
    """Inputs of unit n: the pre-activation and n - 1 results, so (25 n)^2 * 10 forms of it."""
    space = network("activations", units=units)
    assert np.prod([len(d.domain) for d in space.decisions.values()], dtype=object) == candidates
