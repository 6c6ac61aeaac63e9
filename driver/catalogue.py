"""Networks and spaces by the names that the zoo gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawloom import zoo
from drawloom.zoo import Entry

if TYPE_CHECKING:
    from drawloom.ir import Counting, Module


def find(name: str) -> Entry | None:
    """What a name of the zoo stands for; networks before spaces."""
    return zoo.networks().get(name) or zoo.spaces().get(name)


def named(text: str | Path) -> Entry | None:
    """What a text stands for where a file is expected: a file if there is one, else a name of the zoo.

    Raises:
        UserError: when it is written like a name and is none.
    """
    path = Path(text)
    if len(path.parts) != 1 or path.suffix or path.exists() or str(text) == "-":
        return None
    entry = find(str(text))
    if entry is None:
        from drawloom.ir import UserError, suggest

        near = suggest(str(text), [*zoo.networks(), *zoo.spaces()])
        guess = f"did you mean '{near}'? " if near else ""
        raise UserError(
            f"there is no file and no network or space of the zoo called '{text}'",
            f"{guess}`drawloom zoo` lists them",
        )
    return entry


def load_entry(
    entry: Entry, arguments: Mapping[str, Any] | None = None, network: str | None = None
) -> Module:
    """The module of an entry, under its name.

    Args:
        entry: a network or a space.
        arguments: values for its static parameters, over those of the entry.
        network: another network of the same file, which the arguments of the entry are not for.

    Raises:
        UserError: when an argument or the network does not exist.
    """
    from drawloom.frontend import load

    module = load(entry.path, *asked(entry, arguments or {}, network))
    return module if network not in (None, entry.network) else replace(module, name=entry.name)


def asked(
    entry: Entry, arguments: Mapping[str, Any], network: str | None
) -> tuple[str | None, Mapping[str, Any]]:
    """The network that is meant and all its arguments; see `load_entry`."""
    if network not in (None, entry.network):
        return network, arguments
    return entry.network, {**entry.arguments, **arguments}


def network(name: str, **arguments: Any) -> Module:
    """A published network, or a search space, by its name in the zoo.

    Args:
        name: such as ``mobilenet_v2``; `drawloom zoo` lists them.
        arguments: values for static parameters, such as ``classes=10``.

    Raises:
        UserError: when there is none of that name, or an argument does not fit.

    Example:
        >>> network("mobilenet_v2", classes=10).entry.outputs[0].type.shape
        (10,)
    """
    from drawloom.ir import unknown

    entry = find(name)
    if entry is None:
        raise unknown("network or space of the zoo", name, [*zoo.networks(), *zoo.spaces()])
    return load_entry(entry, arguments)


@dataclass(frozen=True, slots=True)
class Counted:
    """A network of the zoo with its counts.

    Attributes:
        entry: the network.
        parameters: trainable ones.
        multiply_adds: for one sample.
    """

    entry: Entry
    parameters: int
    multiply_adds: int


def counted(entry: Entry, count: Counting | str = "conv+linear") -> Counted:
    """Count a network of the zoo; `count` says what multiply-adds are."""
    from drawloom.passes import network_cost

    cost = network_cost(load_entry(entry), count)
    return Counted(entry, cost.parameters, cost.multiply_adds)


_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}


def difference(count: int, published: str) -> float:
    """How far a count is from a published figure, relative to that; 0 where it rounds to it.

    Args:
        count: the count.
        published: a figure as printed, such as ``5.3M`` or ``1.77G``; what follows it, such as ``± 0.1``, is
            left aside.

    Raises:
        ValueError: when it does not begin with a number.
    """
    match = _FIGURE.match(published)
    if match is None:
        raise ValueError(f"'{published}' is no figure")
    whole, fraction, unit = match["whole"], match["fraction"] or "", match["unit"]
    scale = Fraction(_UNITS[unit], 10 ** len(fraction))
    printed = int(whole.replace(",", "") + fraction)
    rounds = abs(Fraction(count) / scale - printed) <= Fraction(1, 2)
    return 0.0 if rounds else float(Fraction(count) / (printed * scale)) - 1


_FIGURE = re.compile(r"(?P<whole>[\d,]+)(?:\.(?P<fraction>\d+))?\s*(?P<unit>[kMGB]?)")
