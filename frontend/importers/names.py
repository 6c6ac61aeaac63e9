"""Names of functions."""

from __future__ import annotations

import re

from drawloom.ir import UserError


def function_name(text: str) -> str:
    """A text as the name of a function: letters, digits and underscores."""
    plain = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return plain if plain[:1].isalpha() else f"network_{plain}".rstrip("_")


def checked_name(name: str) -> str:
    """A name that was asked for.

    Raises:
        UserError: when it cannot be the name of a function.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise UserError(f"'{name}' is no name of a network", "letters, digits and underscores")
    return name
