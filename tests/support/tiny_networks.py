"""Small networks made of single operations, for tests of backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from drawloom.backends.weights import Weights, initialise
from drawloom.ir import OPS, DType, FunctionBuilder, Module, TensorType, Value

Shape = tuple[int, ...]
Op = Callable[..., Value]


TOKENS = 7
"""How many different tokens `random_inputs` has."""


def network(make: Callable[..., Any], *inputs: Shape | TensorType) -> Module:
    """The network whose outputs are ``make(op, *inputs)``; inputs given by a shape are of floats.

    ``op(name, operand or operands, **attributes)`` appends an operation; weights get paths of their own.
    """
    b = FunctionBuilder("tiny", "network")
    numbers = count()

    def op(name: str, operands: Value | Sequence[Value], **attributes: Any) -> Value:
        if OPS[name].has_weights:
            attributes.setdefault("param", f"layer{next(numbers)}")
        return b.op(name, [operands] if isinstance(operands, Value) else operands, attributes)

    types = [given if isinstance(given, TensorType) else TensorType(given) for given in inputs]
    made = make(op, *(b.input(given, f"x{i}") for i, given in enumerate(types)))
    return Module("tiny", {"tiny": b.finish(made if isinstance(made, list) else [made])})


def random_weights(module: Module, seed: int = 0) -> Weights:
    """Weights with nothing left at a neutral value: biases, batch norms and statistics are random too."""
    rng = np.random.default_rng(seed)
    weights = initialise(module, seed)
    for name, value in weights.items():
        if name.endswith("running_var"):
            weights[name] = rng.uniform(0.5, 2.0, value.shape).astype(np.float32)
        elif value.ndim == 1:
            weights[name] = rng.standard_normal(value.shape).astype(np.float32)
    return weights


def random_inputs(module: Module, batch: int, seed: int = 0) -> list[Any]:
    """A batch for each input, of normal numbers or of `TOKENS` tokens."""
    rng = np.random.default_rng(seed)
    return [_random(rng, (batch, *v.type.shape), v.type.dtype) for v in module.entry.inputs]


def _random(rng: np.random.Generator, shape: Shape, dtype: DType) -> Any:
    if dtype is DType.I32:
        return rng.integers(TOKENS, size=shape, dtype=np.int32)
    return rng.standard_normal(shape).astype(np.float32)
