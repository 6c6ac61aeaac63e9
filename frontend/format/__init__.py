"""The formatter of `.loom` files: one layout for every text, whatever it looked like before.

The tokens stay as they are written, but for commas: members that have a line of their own end in one, and
there is none before a closing bracket on the same line or behind an arm of a choice. So formatting keeps the
meaning, the spelling of numbers and every comment.
"""

from __future__ import annotations

from lark import Token, Tree

from drawloom.ir import Source

from ..parse import parse_concrete
from .comments import gaps
from .document import concat, render
from .layout import layout
from .piece import end_of_file


def format_source(source: Source) -> str:
    """The text of a source in the one layout, ending in a newline unless it is empty.

    Formatting what is formatted changes nothing.

    Raises:
        DiagnosticError: with one syntax error for each definition that has one.
    """
    tree = parse_concrete(source)
    before, after = gaps(source.text, _tokens(tree))
    end = end_of_file(after, first=not tree.children)
    # Whatever stands first, a definition or a comment, begins with a new line.
    return render(concat(layout(tree, before).doc, end)).removeprefix("\n")


def _tokens(tree: Tree[Token]) -> list[Token]:
    found = [t for part in tree.iter_subtrees() for t in part.children if isinstance(t, Token)]
    return sorted(found, key=lambda token: token.start_pos or 0)
