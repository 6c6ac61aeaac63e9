"""Turns a resolved module into a `torch.nn.Module`, and its weights back into arrays."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from drawloom.backends.weights import Array, Weights, check_weights, initialise, weight_specs
from drawloom.ir import Module

from .layers import drop_counters
from .source import python_source


def to_torch(module: Module, weights: Mapping[str, Array] | None = None, seed: int = 0) -> nn.Module:
    """Make the PyTorch network of a resolved module, on the CPU and in training mode.

    It takes one tensor an input of the network, batch first, and gives one tensor or a tuple. In training
    mode the scores of auxiliary heads follow the outputs in that tuple; the weights of their losses are its
    attribute ``auxiliary_weights``, and `set_progress` tells its drop paths how far training is. The names in
    its ``state_dict`` are those of `weight_specs`. It neither reads nor changes PyTorch's random state.

    Args:
        module: without open decisions.
        weights: float32 arrays by full name; copied. Fresh ones when left out.
        seed: of fresh weights.

    Raises:
        UserError: when decisions are open, or weights are missing, unknown or of another shape.
    """
    values = initialise(module, seed) if weights is None else weights
    check_weights(module, values)
    network = skeleton(module)
    state = {name: torch.from_numpy(np.array(values[name], copy=True)) for name in weight_specs(module)}
    network.load_state_dict(state, assign=True)
    return network


def skeleton(module: Module) -> nn.Module:
    """The PyTorch network of a resolved module without values, on the "meta" device: layers and shapes.

    Raises:
        UserError: when decisions are open.
    """
    with torch.device("meta"):
        network: nn.Module = _load(module)()
    drop_counters(network)
    return network


def weights_of(network: nn.Module) -> Weights:
    """The weights of a network made by `to_torch`, as float32 arrays by full name; copied."""
    plain = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    state = plain.state_dict()
    return {name: np.array(t.detach().cpu().float().numpy(), order="C") for name, t in state.items()}


def _load(module: Module) -> type[nn.Module]:
    """Run the source of a module and give the network's class.

    The source is kept in `linecache`, so that tracebacks and `inspect.getsource` show it.
    """
    source = python_source(module, standalone=False)
    name = f"<drawloom {module.name} {hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": f"drawloom.generated.{module.name}"}
    exec(compile(source, name, "exec"), namespace)
    classes = [v for v in namespace.values() if isinstance(v, type) and v.__module__ == namespace["__name__"]]
    network: type[nn.Module] = classes[-1]
    return network
