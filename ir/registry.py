"""Registries of what is imported on demand: a name, a line of help, and where the thing itself is defined."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from .diagnostic import UserError, unknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be loaded.

    Attributes:
        name: as users write it.
        target: ``module:attribute``.
        help: one line for lists.
    """

    name: str
    target: str
    help: str = ""


class Registry(Generic[T]):
    """Things of one kind by name. Listing them imports none of them."""

    def __init__(self, kind: str, entries: Iterable[Entry] = ()) -> None:
        """Start with some entries; `kind` is what messages call one of them."""
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            self.register(entry)

    def register(self, entry: Entry) -> None:
        """Add an entry; the same one twice is one.

        Raises:
            UserError: when another one has the name.
        """
        known = self._entries.get(entry.name)
        if known is not None and known != entry:
            raise UserError(
                f"{self.kind} '{entry.name}' is registered twice", f"by {known.target} and {entry.target}"
            )
        self._entries[entry.name] = entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def load(self, name: str) -> T:
        """What a name stands for.

        Raises:
            UserError: when nothing has the name (naming the nearest), or its module cannot be imported.
        """
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        module, _, attribute = self._entries[name].target.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UserError(f"{self.kind} '{name}' cannot be loaded from {module}", str(error)) from error
        return cast("T", found)
