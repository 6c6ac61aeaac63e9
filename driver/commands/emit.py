"""What ``drawloom opt --emit`` can print of a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import console

if TYPE_CHECKING:
    from drawloom.ir import Module


@dataclass(frozen=True, slots=True)
class Format:
    """A form of a module.

    Attributes:
        help: one line for lists.
        text: the module in that form, ending in a newline or empty.
    """

    help: str
    text: Callable[[Module], str]


def _ir(module: Module) -> str:
    from drawloom.ir import print_module

    return print_module(module)


def _json(module: Module) -> str:
    return console.json_text(summary(module), indent=2) + "\n"


def summary(module: Module) -> dict[str, Any]:
    """Names, sizes, domains and, of a network, prices: what a program wants to know of a module."""
    from drawloom.ir import choice_text, structural_hash
    from drawloom.passes import METRICS, price, space_size

    prices = price(module, [{}]) if module.resolved else None
    return {
        "name": module.name,
        "candidates": space_size(module),
        "decisions": {d.name: [choice_text(v) for v in d.domain] for d in module.decisions.values()},
        "constraints": [c.message for c in module.constraints],
        "functions": {f.name: len(f.operations) for f in module.functions.values()},
        "operations": len(module),
        "hash": structural_hash(module),
        "price": None if prices is None else {name: int(prices[name][0]) for name in METRICS},
    }


def _hash(module: Module) -> str:
    from drawloom.ir import structural_hash

    return structural_hash(module) + "\n"


def _python(module: Module) -> str:
    from drawloom.backends.torch.source import python_source

    return python_source(module)


def _nothing(module: Module) -> str:
    return ""


FORMATS: dict[str, Format] = {
    "ir": Format("textual IR", _ir),
    "json": Format("names, sizes, domains, hash and prices, for programs", _json),
    "hash": Format("structural hash: equal for equal architectures", _hash),
    "python": Format("PyTorch classes of a network without open decisions", _python),
    "none": Format("nothing, where only remarks are wanted", _nothing),
}
"""Every form by name."""
