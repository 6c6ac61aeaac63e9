"""What runs networks: one sub-package a backend, and what they share (weights, recipes, lowering tables).

Importing this package imports no framework; `load_backend` does, for the one that is asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from drawloom.ir import unknown

from .training import EpochResult, Recipe, TrainingDiverged, TrainingResult
from .weights import Weights, initialise, load_weights, save_weights, weight_specs

BACKENDS: dict[str, str] = {
    "reference": "drawloom.backends.reference",
    "torch": "drawloom.backends.torch",
    "tvm": "drawloom.backends.tvm",
}
"""Module of every backend, by name."""


def load_backend(name: str) -> ModuleType:
    """Import a backend.

    Raises:
        UserError: when there is none of that name, or what it needs is not installed.
    """
    if name not in BACKENDS:
        raise unknown("backend", name, BACKENDS)
    return importlib.import_module(BACKENDS[name])


__all__ = [
    "BACKENDS",
    "EpochResult",
    "Recipe",
    "TrainingDiverged",
    "TrainingResult",
    "Weights",
    "initialise",
    "load_backend",
    "load_weights",
    "save_weights",
    "weight_specs",
]
