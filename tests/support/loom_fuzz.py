"""Texts that nobody would write, for tests of what reads the language: loose tokens and damaged files."""

import random
import re

from drawloom import zoo
from drawloom.frontend import elaborate
from drawloom.ir import Diagnostic, DiagnosticError, Source, UserError, render, verify

_ALL = {name: path.read_text(encoding="utf-8") for name, path in zoo.files().items()}
# Texts that import are broken where they are mutated: their imports are looked up beside a file.
TEXTS = {name: text for name, text in _ALL.items() if "network " in text and 'import "' not in text}
TOKEN = re.compile(r"#[^\n]*|\s+|\w+|\|>|\.\.=?|[=!<>]=|\+=|//|.", re.DOTALL)
TOKENS = sorted(
    {t for text in TEXTS.values() for t in TOKEN.findall(text) if not t.isspace() and t[0] != "#"}
)
TOKENS += [
    "any",
    "when",
    "as",
    "import",
    "require",
    "1e9",
    "0",
    "-",
    "true",
    '"text"',
    "[[",
    "%",
    "5.3M",
    "not",
]


def mutated(text: str, changes: int, seed: int) -> str:
    """The text with some tokens removed, replaced, doubled or swapped."""
    rng = random.Random(seed)
    tokens = TOKEN.findall(text)
    for _ in range(changes):
        at = rng.randrange(len(tokens))
        kind = rng.randrange(4)
        if kind == 0:
            tokens[at] = " "
        elif kind == 1:
            tokens[at] = f" {rng.choice(TOKENS)} "
        elif kind == 2:
            tokens.insert(at, tokens[at])
        else:
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
    return "".join(tokens)


def accepts_or_explains(text: str) -> None:
    """The property: a module that verifies, or diagnostics that render."""
    found: tuple[Diagnostic, ...] = ()
    try:
        verify(elaborate(Source("fuzz.loom", text)))
    except DiagnosticError as error:
        found = error.diagnostics
    except UserError as error:
        if "needs a value" not in str(error):  # a network whose parameters have no defaults
            raise
    for diagnostic in found:
        assert diagnostic.code in render(diagnostic)
        assert 0 <= diagnostic.label.span.start <= diagnostic.label.span.end <= len(text)
