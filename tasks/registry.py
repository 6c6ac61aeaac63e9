"""Which tasks exist; a task is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import cast

from drawloom.ir import unknown

from .base import Task

TASKS: dict[str, str] = {"fashion_mnist": "drawloom.tasks.fashion_mnist:FashionMnist"}
"""Names and where their classes are, ``module:Class``."""


def load_task(name: str) -> Task:
    """The task of a name.

    Raises:
        UserError: when no task has it, naming the nearest.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    module, _, attribute = TASKS[name].partition(":")
    return cast("Task", getattr(importlib.import_module(module), attribute)())
