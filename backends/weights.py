"""The weights of a resolved network: their names and shapes, fresh values, and files.

Every backend takes and gives the same ``dict[str, ndarray]``, named like a PyTorch ``state_dict``: the paths
of the calls that lead to an operation, its own ``param`` and the name of the weight, joined by dots.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from drawloom.ir import Function, Module, UserError, Weight

from .files import written_whole

Array: TypeAlias = npt.NDArray[Any]
Weights: TypeAlias = "dict[str, Array]"

CHECKSUM = "drawloom.crc32"
"""Key of the checksum in the metadata of weight files."""


def join(*components: str) -> str:
    """A path from components; empty ones are left out."""
    return ".".join(c for c in components if c)


def require_resolved(module: Module) -> None:
    """Refuse a search space where a network is needed.

    Raises:
        UserError: when decisions are open.
    """
    if not module.resolved:
        raise UserError(
            f"'{module.name}' still has {len(module.decisions)} open decisions",
            f"assign them first; one is '{next(iter(module.decisions))}'",
        )


def weight_specs(module: Module) -> dict[str, Weight]:
    """Every weight of a resolved module by its full name, in the order in which the network uses them.

    A name that occurs twice with the same shape is one shared weight.

    Raises:
        UserError: when the module is not resolved, or a name is used for two shapes.
    """
    require_resolved(module)
    below: dict[str, dict[str, Weight]] = {}
    for function in module.functions.values():
        below[function.name] = _specs_below(function, below)
    return below[module.entry.name]


def _specs_below(function: Function, below: Mapping[str, Mapping[str, Weight]]) -> dict[str, Weight]:
    """The weights of a function, named from it, given those of its callees."""
    specs: dict[str, Weight] = {}
    for op in function.operations:
        own = below[op.attributes["callee"]] if op.name == "call" else op.definition.weights(op)
        for name, weight in own.items():
            path = join(op.param or "", name)
            if specs.setdefault(path, weight) != weight:
                raise UserError(
                    f"weight '{path}' of @{function.name} is used with two shapes, "
                    f"{specs[path].type} and {weight.type}"
                )
    return specs


def initialise(module: Module, seed: int = 0) -> Weights:
    """Fresh float32 weights for a resolved module.

    A weight depends on the seed, its name and its shape only: not on the rest of the network, nor on any
    framework.
    """
    return {name: _fresh(name, weight, seed) for name, weight in weight_specs(module).items()}


def _fresh(name: str, weight: Weight, seed: int) -> Array:
    shape = weight.type.shape
    if weight.initial in _CONSTANTS:
        return np.full(shape, _CONSTANTS[weight.initial], dtype=np.float32)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return _RANDOM[weight.initial](rng, shape).astype(np.float32)


def _he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal, variance 2 / fan_out (He et al., 2015), fan_out = output channels times kernel positions."""
    fan_out = shape[0] * math.prod(shape[2:])
    return rng.normal(0.0, math.sqrt(2.0 / fan_out), shape)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Uniform between plus and minus 1 / sqrt(fan_in), fan_in = input features times kernel positions."""
    bound = 1.0 / math.sqrt(math.prod(shape[1:]))
    return rng.uniform(-bound, bound, shape)


_CONSTANTS = {"zeros": 0.0, "ones": 1.0}
_RANDOM = {"he_normal": _he_normal, "uniform": _uniform}


def check_weights(module: Module, weights: Mapping[str, Array], origin: str = "the weights") -> None:
    """Check that weights are those of a module, in name and shape.

    Args:
        module: a resolved module.
        weights: arrays by full name.
        origin: what to call them in the message.

    Raises:
        UserError: naming the first missing, unknown or misshapen weight.
    """
    specs = weight_specs(module)
    missing = [name for name in specs if name not in weights]
    if missing:
        raise UserError(f"{origin} have no '{missing[0]}'{_and_more(missing)}", f"'{module.name}' needs it")
    foreign = [name for name in weights if name not in specs]
    if foreign:
        raise UserError(
            f"{origin} have '{foreign[0]}'{_and_more(foreign)}, which '{module.name}' has not",
            "are they of another architecture?",
        )
    for name, weight in specs.items():
        if weights[name].shape != weight.type.shape:
            raise UserError(
                f"{origin} have '{name}' of shape {weights[name].shape}, "
                f"'{module.name}' has {weight.type.shape}"
            )


def _and_more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def save_weights(module: Module, weights: Mapping[str, Array], path: Path | str) -> None:
    """Write the weights of a module as a safetensors file, whole or not at all.

    Raises:
        UserError: when they are not the module's, or the file cannot be written.
    """
    check_weights(module, weights)
    arrays = {name: np.ascontiguousarray(weights[name]) for name in weight_specs(module)}
    metadata = {"format": "pt", "network": module.name, CHECKSUM: _checksum(arrays.items())}
    with written_whole(Path(path)) as temporary:
        save_file(arrays, temporary, metadata)


def load_weights(module: Module, path: Path | str) -> Weights:
    """Read the weights of a module from a safetensors file.

    Files of other programs are read too; those written by `save_weights` also carry a checksum.

    Raises:
        UserError: when the file is missing, corrupt or cut off, or holds other weights than the module's.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file '{path}'")
    try:
        with safe_open(path, framework="numpy") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            expected = (file.metadata() or {}).get(CHECKSUM)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"'{path}' is no readable safetensors file: {error}", "cut off or corrupt?") from None
    check_weights(module, weights, f"the weights in '{path}'")
    ordered = {name: weights[name] for name in weight_specs(module)}
    if expected is not None and _checksum(ordered.items()) != expected:
        raise UserError(f"the weights in '{path}' are corrupt: their checksum is wrong")
    return ordered


def _checksum(arrays: Iterable[tuple[str, Array]]) -> str:
    """A checksum of names and values, whatever the order."""
    value = 0
    for name, array in sorted(arrays):
        value = zlib.crc32(array.tobytes(), zlib.crc32(name.encode(), value))
    return f"{value:08x}"
