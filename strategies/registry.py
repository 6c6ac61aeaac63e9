"""Which strategies exist: names, one line of help, and the class, imported when it is asked for."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_type_hints

from drawloom.ir import UserError, unknown

from .base import Options, Space, Strategy


@dataclass(frozen=True, slots=True)
class StrategyEntry:
    """A strategy that can be loaded.

    Attributes:
        name: as users write it.
        target: ``module:Class``.
        help: one line for lists.
    """

    name: str
    target: str
    help: str


class StrategyRegistry:
    """Strategies by name. Listing them imports none of them."""

    def __init__(self, entries: Iterable[StrategyEntry] = ()) -> None:
        """Start with some entries."""
        self._entries: dict[str, StrategyEntry] = {}
        for entry in entries:
            self.register(entry)

    def register(self, entry: StrategyEntry) -> None:
        """Add a strategy.

        Raises:
            UserError: when another strategy has the name.
        """
        known = self._entries.get(entry.name)
        if known is not None and known != entry:
            raise UserError(
                f"strategy '{entry.name}' is registered twice", f"by {known.target} and {entry.target}"
            )
        self._entries[entry.name] = entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[StrategyEntry]:
        return iter(self._entries.values())

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def load(self, name: str) -> type[Strategy]:
        """The class of a strategy.

        Raises:
            UserError: when no strategy has the name (naming the nearest), or its module cannot be imported.
        """
        if name not in self._entries:
            raise unknown("strategy", name, self._entries)
        module, _, attribute = self._entries[name].target.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UserError(f"strategy '{name}' cannot be loaded from {module}", str(error)) from error
        return cast("type[Strategy]", found)


STRATEGIES = StrategyRegistry(
    StrategyEntry(name, f"drawloom.strategies.{target}", help)
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
