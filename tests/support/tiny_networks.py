"""Small networks made of single operations, for tests of backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from drawloom.backends.weights import Weights, initialise
from drawloom.ir import OPS, FunctionBuilder, Module, TensorType, Value

Shape = tuple[int, ...]
Op = Callable[..., Value]


def network(make: Callable[..., Any], *shapes: Shape) -> Module:
    """The network whose outputs are ``make(op, *inputs)``.

    ``op(name, operand or operands, **attributes)`` appends an operation; weights get paths of their own.
    """
    b = FunctionBuilder("tiny", "network")
    numbers = count()

    def op(name: str, operands: Value | Sequence[Value], **attributes: Any) -> Value:
        if OPS[name].has_weights:
            attributes.setdefault("param", f"layer{next(numbers)}")
        return b.op(name, [operands] if isinstance(operands, Value) else operands, attributes)

    made = make(op, *(b.input(TensorType(shape), f"x{i}") for i, shape in enumerate(shapes)))
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
    """A batch for each input."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((batch, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]
