"""Drawloom, a compiler for neural architecture search.

The names below are the public API; each is imported from its layer when it is first used, so that ``import
drawloom`` costs nothing.

Example:
    >>> import drawloom
    >>> space = drawloom.load("zoo/spaces/mobile_fashion.loom")  # doctest: +SKIP
    >>> batch = drawloom.sample(space, 1000, seed=0)  # doctest: +SKIP
    >>> prices = drawloom.price(space, batch)  # doctest: +SKIP
    >>> network = drawloom.resolve(space, batch.assignments()[0])  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drawloom.catalogue import network
    from drawloom.frontend import elaborate, load
    from drawloom.ir import (
        Assignment,
        Decision,
        Diagnostic,
        DiagnosticError,
        Module,
        UserError,
        parse_module,
        print_module,
        structural_hash,
        verify,
    )
    from drawloom.passes import PassManager, mutate, parse_pipeline, price, resolve, sample, space_size
    from drawloom.plugins import Plugin, load_plugins
    from drawloom.report import write_report
    from drawloom.study import Study, TrialRecord
    from drawloom.tasks import load_task

    __version__: str

_HOMES = {
    "drawloom.catalogue": ("network",),
    "drawloom.frontend": ("elaborate", "load"),
    "drawloom.ir": (
        "Assignment",
        "Decision",
        "Diagnostic",
        "DiagnosticError",
        "Module",
        "UserError",
        "parse_module",
        "print_module",
        "structural_hash",
        "verify",
    ),
    "drawloom.passes": (
        "PassManager",
        "mutate",
        "parse_pipeline",
        "price",
        "resolve",
        "sample",
        "space_size",
    ),
    "drawloom.plugins": ("Plugin", "load_plugins"),
    "drawloom.report": ("write_report",),
    "drawloom.study": ("Study", "TrialRecord"),
    "drawloom.tasks": ("load_task",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Assignment",
    "Decision",
    "Diagnostic",
    "DiagnosticError",
    "Module",
    "PassManager",
    "Plugin",
    "Study",
    "TrialRecord",
    "UserError",
    "__version__",
    "elaborate",
    "load",
    "load_plugins",
    "load_task",
    "mutate",
    "network",
    "parse_module",
    "parse_pipeline",
    "price",
    "print_module",
    "resolve",
    "sample",
    "space_size",
    "structural_hash",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("drawloom")
    if name not in _HOME:
        raise AttributeError(f"module 'drawloom' has no attribute '{name}'")
    importlib.import_module("drawloom.plugins").load_plugins()
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
