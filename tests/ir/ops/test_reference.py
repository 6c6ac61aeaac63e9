"""References of operations against PyTorch's, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_cases import CASES, Case

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional


def _conv2d(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    return F.conv2d(x, w["weight"], w.get("bias"), a["stride"], a["pad"], a["dilation"], a["groups"])


def _batch_norm(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    return F.batch_norm(x, w["running_mean"], w["running_var"], w.get("weight"), w.get("bias"), eps=a["eps"])


def _avg_pool(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    return F.avg_pool2d(x, a["kernel"], a["stride"], a["pad"], count_include_pad=a["count_include_pad"])


def _zeros_like(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    return torch.zeros_like(x[:, :, :: a["stride"][0], :: a["stride"][1]] if x.ndim == 4 else x)


def _resize(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    if a["mode"] == "pyramid":
        pooled = F.adaptive_max_pool2d(x, (min(x.shape[2], a["height"]), min(x.shape[3], a["width"])))
        return F.interpolate(pooled, (a["height"], a["width"]))
    corners = False if a["mode"] == "bilinear" else None
    return F.interpolate(x, (a["height"], a["width"]), mode=a["mode"], align_corners=corners)


def _function(name: str) -> Callable[[Any, dict[str, Any], dict[str, Any]], Any]:
    return lambda x, w, a: getattr(torch, name)(x)


def _channel_affine(x: Any, w: dict[str, Any], a: dict[str, Any]) -> Any:
    channels_last = x.movedim(1 if x.ndim != 3 else 2, -1)
    y = channels_last * w.get("weight", torch.ones(())) + w.get("bias", torch.zeros(()))
    return y.movedim(-1, 1 if x.ndim != 3 else 2)


ONE_OPERAND: dict[str, Callable[[Any, dict[str, Any], dict[str, Any]], Any]] = {
    "conv2d": _conv2d,
    "linear": lambda x, w, a: F.linear(x, w["weight"], w.get("bias")),
    "embedding": lambda x, w, a: F.embedding(x, w["weight"]),
    "unembedding": lambda x, w, a: F.linear(x, w["weight"]),
    "batch_norm": _batch_norm,
    "relu": lambda x, w, a: F.relu(x),
    "relu6": lambda x, w, a: F.relu6(x),
    "hswish": lambda x, w, a: F.hardswish(x),
    "hsigmoid": lambda x, w, a: F.hardsigmoid(x),
    "sigmoid": lambda x, w, a: F.sigmoid(x),
    "swish": lambda x, w, a: F.silu(x),
    "tanh": lambda x, w, a: F.tanh(x),
    "softplus": lambda x, w, a: torch.logaddexp(x, torch.zeros(())),
    "sinc": lambda x, w, a: torch.where(x == 0, 1.0, x.sin() / x),
    **{name: _function(name) for name in ("erf", "abs", "sqrt", "exp", "log", "sin", "cos")},
    **{name: _function(name) for name in ("sinh", "cosh", "asinh", "atan")},
    "channel_affine": _channel_affine,
    "affine": lambda x, w, a: a["scale"] * x + a["shift"],
    "softmax": lambda x, w, a: F.softmax(x, a["axis"] + 1),
    "identity": lambda x, w, a: x,
    "zeros_like": _zeros_like,
    "dropout": lambda x, w, a: F.dropout(x, a["rate"], training=False),
    "drop_path": lambda x, w, a: F.dropout(x, a["rate"], training=False),
    "auxiliary": lambda x, w, a: x,
    "max_pool": lambda x, w, a: F.max_pool2d(x, a["kernel"], a["stride"], a["pad"]),
    "avg_pool": _avg_pool,
    "global_avg_pool": lambda x, w, a: F.adaptive_avg_pool2d(x, 1) if a["keep"] else x.mean((2, 3)),
    "slice": lambda x, w, a: x.narrow(a["axis"] + 1, a["begin"], a["end"] - a["begin"]),
    "reshape": lambda x, w, a: x.reshape(len(x), *a["shape"]),
    "flatten": lambda x, w, a: x.flatten(1),
    "channel_shuffle": lambda x, w, a: F.channel_shuffle(x, a["groups"]),
    "resize": _resize,
}
SEVERAL: dict[str, Callable[[list[Any], dict[str, Any], dict[str, Any]], Any]] = {
    "add": lambda xs, w, a: torch.add(*xs),
    "sub": lambda xs, w, a: torch.sub(*xs),
    "mul": lambda xs, w, a: torch.mul(*xs),
    "div": lambda xs, w, a: torch.div(*xs),
    "maximum": lambda xs, w, a: torch.maximum(*xs),
    "minimum": lambda xs, w, a: torch.minimum(*xs),
    "sum": lambda xs, w, a: torch.stack(xs).sum(0) if xs else torch.zeros(1, 3, 4, 5),
    "mean": lambda xs, w, a: torch.stack(xs).mean(0),
    "weighted_sum": lambda xs, w, a: (
        torch.einsum("n,n...->...", w["weight"].sigmoid(), torch.stack(xs)) if w else xs[0]
    ),
    "concat": lambda xs, w, a: torch.cat(xs, a["axis"] + 1),
    "zeros": lambda xs, w, a: torch.zeros(1, *a["shape"]),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reference_agrees_with_torch(case: Case) -> None:
    (op,) = case.function().operations
    inputs = [x for i, x in enumerate(case.inputs(dtype=np.float64)[: len(case.shapes)]) if op.present(i)]
    weights = {name.removeprefix("layer."): w for name, w in case.weights(np.float64).items()}
    (found,) = op.definition.reference(op, inputs, weights)
    tensors = [torch.from_numpy(x) for x in inputs]
    w = {name: torch.from_numpy(x) for name, x in weights.items()}
    if case.op in SEVERAL:
        expected = SEVERAL[case.op](tensors, w, op.attributes)
    else:
        expected = ONE_OPERAND[case.op](tensors[0], w, op.attributes)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10, atol=1e-10)
    assert not inputs or found.dtype == np.float64


@pytest.mark.parametrize("name", ["sigmoid", "swish", "softmax", "tanh", "hswish"])
def test_large_arguments_stay_finite(name: str) -> None:
    (op,) = Case(name, ((4,),)).function().operations
    x = np.array([[-1e4, -50.0, 50.0, 1e4]], dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        (y,) = op.definition.reference(op, [x], {})
    assert np.isfinite(y).all()
