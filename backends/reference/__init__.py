"""The reference backend: NumPy, slow and obvious, the oracle for operations, passes and other backends."""

from __future__ import annotations

from .interpreter import run

__all__ = ["run"]
