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
from .inline import inline, inline_all, inline_level
from .latency import latency, timed_units
from .latency_imports import import_additive, import_proxylessnas
from .latency_table import Entry, LatencyTable
from .manager import PassError, PassManager, PassReport, reproducer_pipeline
from .metrics import FURTHER_METRICS, METRICS, Metric
from .mutate import Mutate
from .narrow import narrow
from .pattern import ZEROS, Condition, Pattern, Var, again, keeps_type, pattern
from .pipeline import parse_pipeline, parse_specs, pipeline_text
from .price_range import QUANTILES, PriceRange, PriceRanges, price_ranges
from .pricing import Pricer, PriceTable, price
from .registry import PASSES, PassRegistry
from .resolve import Resolver, decide, resolve
from .rewrite import Rule, RuleRegistry, function_rule, rule
from .rules import RULES
from .sample import Sample
from .signature import Signature, signatures
from .space import crossover, mutate, sample, space_size
from .strip_training import strip_training
from .trace import Rewrite

__all__ = [
    "FURTHER_METRICS",
    "METRICS",
    "PASSES",
    "QUANTILES",
    "RULES",
    "ZEROS",
    "Batch",
    "Condition",
    "Context",
    "CostRow",
    "Entry",
    "Fixpoint",
    "LatencyTable",
    "Metric",
    "Mutate",
    "Option",
    "Pass",
    "PassError",
    "PassManager",
    "PassRegistry",
    "PassReport",
    "PassSpec",
    "Pattern",
    "PriceRange",
    "PriceRanges",
    "PriceTable",
    "Pricer",
    "Resolver",
    "Rewrite",
    "Rule",
    "RuleRegistry",
    "Sample",
    "Signature",
    "Var",
    "active_decisions",
    "again",
    "assign",
    "canonicalize",
    "cost_table",
    "crossover",
    "cse",
    "dce",
    "decide",
    "depth",
    "fold_batch_norm",
    "fold_weights",
    "function_rule",
    "import_additive",
    "import_proxylessnas",
    "inline",
    "inline_all",
    "inline_level",
    "keeps_type",
    "latency",
    "mutate",
    "narrow",
    "network_cost",
    "parse_pipeline",
    "parse_specs",
    "pattern",
    "pipeline_text",
    "price",
    "price_ranges",
    "reproducer_pipeline",
    "resolve",
    "rule",
    "sample",
    "satisfied",
    "signatures",
    "space_size",
    "strip_training",
    "timed_units",
]
