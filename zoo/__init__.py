"""Published networks and search spaces in the language: `networks/`, `spaces/`, and the `parts/` they share.

Data only. `networks.toml` is the catalogue: which network of which file, with which arguments, a name stands
for, and what its paper says of it. Everything is found in the installed package, without a checkout.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Published:
    """Figures that somebody printed, as printed.

    Attributes:
        parameters: such as ``5.3M``; empty where none is known.
        multiply_adds: such as ``564M``; empty where none is known.
        source: who printed them and where.
    """

    parameters: str = ""
    multiply_adds: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name of the zoo stands for.

    Attributes:
        name: what a user types.
        path: the file.
        network: the network in it; None for a space.
        arguments: values for the static parameters of the network.
        paper: authors, venue and year.
        published: its published figures.
        note: what deviates from them, and why.
        small: further arguments with which the network is small and has all its parts, for tests.
    """

    name: str
    path: Path
    network: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    published: Published = Published()
    note: str = ""
    small: Mapping[str, Any] = field(default_factory=dict)


def files() -> dict[str, Path]:
    """All files, named as in ``networks/mobilenet_v2``."""
    return {f"{p.parent.name}/{p.stem}": p for p in sorted(ROOT.glob("*/*.loom"))}


@cache
def networks() -> Mapping[str, Entry]:
    """The published networks by name, in the order of the catalogue."""
    tables = tomllib.loads((ROOT / "networks.toml").read_text(encoding="utf-8"))
    return {name: _entry(name, table) for name, table in tables.items()}


@cache
def spaces() -> Mapping[str, Entry]:
    """The search spaces by name; the name is that of the file."""
    return {path.stem: Entry(path.stem, path) for path in sorted((ROOT / "spaces").glob("*.loom"))}


def _entry(name: str, table: dict[str, Any]) -> Entry:
    values = {"network": name, **table}
    path = ROOT / "networks" / f"{values.pop('file', name)}.loom"
    return Entry(name, path, **values | {"published": Published(**table.get("published", {}))})
