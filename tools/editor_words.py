"""Bring the names of built-in functions and operations in docs/editor/loom.tmLanguage.json up to date.

    python tools/editor_words.py

Run it after adding an operation or a built-in function; a test compares the lists.
"""

import json
from pathlib import Path

from drawloom.frontend.builtins import builtins
from drawloom.frontend.primitives import primitives

GRAMMAR = Path(__file__).resolve().parent.parent / "docs" / "editor" / "loom.tmLanguage.json"

NETWORK = "network"
"""Stands among the built-in names, but is written without parentheses and has a pattern of its own."""

_START = r"\b(?<![^.]\.)"
"""A word that is no member: behind ``..``, but not behind ``x.``."""


def main() -> None:
    grammar = json.loads(GRAMMAR.read_text(encoding="utf-8"))
    rules = grammar["repository"]
    rules["builtins"]["match"] = rf"{_START}(?:{_words(set(builtins()) - {NETWORK})})\b(?=\s*\()"
    rules["operations"]["match"] = rf"{_START}(?:{_words(set(primitives()))})\b"
    GRAMMAR.write_text(json.dumps(grammar, indent=2) + "\n", encoding="utf-8")


def _words(names: set[str]) -> str:
    return "|".join(sorted(names))


if __name__ == "__main__":
    main()
