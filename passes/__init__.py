"""Passes over the IR: transformations, analyses and pricing; their registry, textual pipelines and manager."""

from __future__ import annotations
