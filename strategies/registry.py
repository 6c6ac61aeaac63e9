"""Which strategies exist: names, one line of help, and the class, imported when it is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from drawloom.ir import Entry, Registry, UserError, unknown

from .base import Options, Space, Strategy


class StrategyRegistry(Registry[type[Strategy]]):
    """Strategies by name. Listing them imports none of them."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Start with some entries."""
        super().__init__("strategy", entries)


STRATEGIES = StrategyRegistry(
    Entry(name, f"drawloom.strategies.{target}", help)
    for name, target, help in [
        (
            "regularized_evolution",
            "regularized_evolution:RegularizedEvolution",
            "aging evolution: mutate the best of a sample, the oldest dies (AmoebaNet, 2019)",
        ),
        ("random", "random:RandomSearch", "uniform samples of the space: the baseline"),
    ]
)
"""The strategies that come with Drawloom."""


def parse_options(name: str, given: Mapping[str, object]) -> Options:
    """The options of a strategy from names and values; values may be texts, as flags give them.

    Raises:
        UserError: for an unknown strategy or option, or a value of another type.
    """
    kind = STRATEGIES.load(name).options_type
    hints = get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for option, value in given.items():
        if option not in fields:
            raise unknown(f"option of strategy '{name}':", option, fields)
        values[option] = _converted(value, fields[option], f"option '{option}' of strategy '{name}'")
    return kind(**values)


def make_strategy(
    name: str,
    space: Space,
    *,
    objectives: int = 1,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
) -> Strategy:
    """A new strategy, without history, from its name and its options.

    Raises:
        UserError: for an unknown strategy or option.
    """
    return STRATEGIES.load(name)(
        space, objectives=objectives, seed=seed, options=parse_options(name, options or {})
    )


_KINDS: dict[type, str] = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}
_BOOLEANS = {"true": True, "false": False}


def _converted(value: object, kind: type, what: str) -> object:
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    if not isinstance(value, str):
        raise UserError(f"{what} is {_KINDS[kind]}, got {value!r}")
    try:
        return _BOOLEANS[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        raise UserError(f"{what} is {_KINDS[kind]}, got '{value}'") from None
