"""The graph IR: decisions, expressions, types, operations, functions, modules; their text and hash.

Imports nothing else of Drawloom.
"""

from __future__ import annotations

from .agreement import types_agree
from .builder import FunctionBuilder, make_operation
from .counting import PAPERS, Cost, Counting, cost, counting_of
from .decision import Assignment, Choice, Decision, check_assignment, choice_text, load_assignment
from .definition import Attribute, InferenceError, OpDefinition, OpRegistry, Weight
from .diagnostic import (
    Diagnostic,
    DiagnosticError,
    DiagnosticSink,
    Label,
    Severity,
    UserError,
    suggest,
    unknown,
)
from .diagnostic_json import diagnostic_json
from .expression import TABLE_LIMIT, Expr, Scalar, index_of, metric, substitute, value_of
from .graph import Constraint, Function, Module, Operation, Value
from .module_builder import ModuleBuilder
from .ops import OPS
from .parser import parse_module
from .printer import print_function, print_module, print_operation
from .registry import Entry, Registry
from .render import render
from .source import Source, Span
from .structure import structural_hash, structurally_equal
from .traversal import Visit, ancestors, replace_values, to_networkx, users_of, walk
from .types import DType, TensorType
from .verifier import Problem, VerificationError, verify

__all__ = [
    "OPS",
    "PAPERS",
    "TABLE_LIMIT",
    "Assignment",
    "Attribute",
    "Choice",
    "Constraint",
    "Cost",
    "Counting",
    "DType",
    "Decision",
    "Diagnostic",
    "DiagnosticError",
    "DiagnosticSink",
    "Entry",
    "Expr",
    "Function",
    "FunctionBuilder",
    "InferenceError",
    "Label",
    "Module",
    "ModuleBuilder",
    "OpDefinition",
    "OpRegistry",
    "Operation",
    "Problem",
    "Registry",
    "Scalar",
    "Severity",
    "Source",
    "Span",
    "TensorType",
    "UserError",
    "Value",
    "VerificationError",
    "Visit",
    "Weight",
    "ancestors",
    "check_assignment",
    "choice_text",
    "cost",
    "counting_of",
    "diagnostic_json",
    "index_of",
    "load_assignment",
    "make_operation",
    "metric",
    "parse_module",
    "print_function",
    "print_module",
    "print_operation",
    "render",
    "replace_values",
    "structural_hash",
    "structurally_equal",
    "substitute",
    "suggest",
    "to_networkx",
    "types_agree",
    "unknown",
    "users_of",
    "value_of",
    "verify",
    "walk",
]
