"""Passes over the IR: transformations, analyses and pricing; registry, textual pipelines and manager."""

from __future__ import annotations

from .activity import active_decisions
from .assign import assign
from .base import Context, Option, Pass, PassSpec
from .batch import Batch
from .canonicalize import canonicalize
from .constraints import satisfied
from .cost import CostRow, cost_table, network_cost
from .cse import cse
from .dce import dce
from .depth import depth
from .fixpoint import Fixpoint
from .fold_batch_norm import fold_batch_norm, fold_weights
from .inline import inline, inline_all
from .manager import PassError, PassManager, PassReport, reproducer_pipeline
from .metrics import METRICS, Metric
from .mutate import Mutate
from .pipeline import parse_pipeline, parse_specs, pipeline_text
from .pricing import Pricer, PriceTable, price
from .registry import PASSES, PassEntry, PassRegistry
from .resolve import Resolver, decide, resolve
from .sample import Sample
from .space import mutate, sample, space_size

__all__ = [
    "METRICS",
    "PASSES",
    "Batch",
    "Context",
    "CostRow",
    "Fixpoint",
    "Metric",
    "Mutate",
    "Option",
    "Pass",
    "PassEntry",
    "PassError",
    "PassManager",
    "PassRegistry",
    "PassReport",
    "PassSpec",
    "PriceTable",
    "Pricer",
    "Resolver",
    "Sample",
    "active_decisions",
    "assign",
    "canonicalize",
    "cost_table",
    "cse",
    "dce",
    "decide",
    "depth",
    "fold_batch_norm",
    "fold_weights",
    "inline",
    "inline_all",
    "mutate",
    "network_cost",
    "parse_pipeline",
    "parse_specs",
    "pipeline_text",
    "price",
    "reproducer_pipeline",
    "resolve",
    "sample",
    "satisfied",
    "space_size",
]
