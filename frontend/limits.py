"""Limits on what a text may ask for, so that no file hangs the compiler; each is far above any real space."""

from __future__ import annotations

SOURCE_CHARACTERS = 1_000_000
"""Longest source text."""

SYNTAX_DEPTH = 120
"""Deepest nesting of a syntax tree."""

NUMBER_DIGITS = 30
"""Longest number, in characters."""

NUMBER = 2**53
"""Largest magnitude of a number, so that integers stay exact everywhere."""

DIMENSION = 2**24
"""Largest dimension of a tensor."""

CALL_DEPTH = 40
"""Deepest nesting of calls."""

LIST_LENGTH = 10_000
"""Longest list."""

GRAPH_NODES = 128
"""Most nodes of a random graph."""

GRAPH_CELLS = 2**22
"""Most entries of the adjacency matrices of all random graphs that the seeds of one wiring give."""

LOOSE_ENDS = 100
"""Longest list whose loose ends are found."""

SCAN_STEPS = 1_000
"""Longest sequence that a cell runs over."""

STEPS = 250_000
"""Most expressions and statements evaluated for one module, loops unrolled."""

OPERATIONS = 200_000
"""Most operations of one module, each function counted once."""

FUNCTIONS = 5_000
"""Most functions of one module."""

DECISIONS = 20_000
"""Most decisions of one module."""

DOMAIN = 4096
"""Most values of one decision."""

EXPRESSION_DEPTH = 150
"""Deepest expression over decisions."""

EXPRESSION_SIZE = 4_000
"""Largest expression over decisions, in leaves and operators as it would be printed."""

ERRORS = 50
"""Most errors reported at once."""
