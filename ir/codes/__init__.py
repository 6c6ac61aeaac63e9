"""Every code a diagnostic can carry: what it means, a text that provokes it, and that text repaired.

Families, a file each: E00xx syntax, E01xx names and calls, E02xx the textual IR, E03xx decisions, E04xx
requirements, E05xx values and operations, E07xx limits, E09xx pipelines.
"""

from __future__ import annotations

from . import decisions, names, pipelines, syntax, textual_ir, values
from .code import Code

_FAMILIES = (syntax, names, textual_ir, decisions, values, pipelines)

CODES: dict[str, Code] = {code.code: code for family in _FAMILIES for code in family.CODES}
"""All codes, in order."""

__all__ = ["CODES", "Code"]
