"""Codes of pipelines of passes (E09xx)."""

from __future__ import annotations

from .code import Code, pipeline_code

CODES: tuple[Code, ...] = (
    pipeline_code(
        "E0901",
        "unexpected text in a pipeline",
        """A pipeline is a list of passes separated by commas, each with its options in braces and, for
        `fixpoint`, passes in parentheses.""",
        wrong="cse dce",
        right="cse,dce",
    ),
    pipeline_code(
        "E0902",
        "unknown pass",
        "A pipeline names a pass that does not exist; `drawloom passes` lists all.",
        wrong="canonicalise,dce",
        right="canonicalize,dce",
    ),
    pipeline_code(
        "E0903",
        "unknown option of a pass",
        "A pipeline gives a pass an option that it does not have, or one twice.",
        wrong="sample{sead=1}",
        right="sample{seed=1}",
    ),
    pipeline_code(
        "E0904",
        "wrong value of an option",
        "An option of a pass is missing, has no value, or has a value of the wrong type.",
        wrong="sample{seed=one}",
        right="sample{seed=1}",
    ),
    pipeline_code(
        "E0905",
        "passes where none are taken",
        "Only combinators such as `fixpoint` take passes in parentheses.",
        wrong="cse(dce)",
        right="fixpoint(cse,dce)",
    ),
)
