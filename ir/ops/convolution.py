"""To be filled."""

from __future__ import annotations

from ..definition import OpDefinition

DEFINITIONS: tuple[OpDefinition, ...] = ()
