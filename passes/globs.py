"""Patterns for paths of weights and names of decisions: ``stage.*.conv``.

``*`` stands for any text, dots included, and ``?`` for one character. Brackets are not special, as names of
decisions contain them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from drawloom.ir import UserError, suggest


def matches(pattern: str, name: str) -> bool:
    """Whether a whole name fits a pattern."""
    return _compiled(pattern).fullmatch(name) is not None


def is_plain(pattern: str) -> bool:
    """Whether a pattern is a name, so that whoever wrote it means that one."""
    return "*" not in pattern and "?" not in pattern


def matches_any(patterns: Iterable[str], name: str) -> bool:
    """Whether a whole name fits one of some patterns."""
    return any(matches(pattern, name) for pattern in patterns)


def require_matches(what: str, patterns: Iterable[str], names: Iterable[str]) -> None:
    """Refuse patterns that fit no name; ``*`` may fit none.

    Args:
        what: kind of thing that is named, for the message.
        patterns: as the user wrote them.
        names: those that exist.

    Raises:
        UserError: naming the first such pattern and, where there is one, a name like it.
    """
    known = list(names)
    for pattern in patterns:
        if pattern != "*" and not any(matches(pattern, name) for name in known):
            near = suggest(pattern, known)
            shown = f"did you mean '{near}'?" if near else f"there are: {', '.join(known[:10]) or 'none'}"
            raise UserError(f"no {what} fits '{pattern}'", shown)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (_WILD.get(c, re.escape(c)) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


_WILD = {"*": ".*", "?": "."}
