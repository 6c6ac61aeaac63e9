"""What networks are trained for: data, classes, and recipes of training."""

from __future__ import annotations

from .base import Effort, Task
from .registry import TASKS, load_task

__all__ = ["TASKS", "Effort", "Task", "load_task"]
