"""Passes over the IR: transformations, analyses and pricing; registry, textual pipelines and manager."""

from __future__ import annotations

from .base import Context, Option, Pass, PassSpec
from .fixpoint import Fixpoint
from .manager import PassError, PassManager, PassReport, reproducer_pipeline
from .pipeline import parse_pipeline, parse_specs, pipeline_text
from .registry import PASSES, PassEntry, PassRegistry

__all__ = [
    "PASSES",
    "Context",
    "Fixpoint",
    "Option",
    "Pass",
    "PassEntry",
    "PassError",
    "PassManager",
    "PassRegistry",
    "PassReport",
    "PassSpec",
    "parse_pipeline",
    "parse_specs",
    "pipeline_text",
    "reproducer_pipeline",
]
