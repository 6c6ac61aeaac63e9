"""Which passes exist: names with a line of help, and the class behind a name, imported on demand."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from drawloom.ir import UserError, unknown

from .base import Pass


@dataclass(frozen=True, slots=True)
class PassEntry:
    """A pass that can be loaded.

    Attributes:
        name: kebab-case name in pipelines.
        target: ``module:Class``.
        help: one line for lists.
    """

    name: str
    target: str
    help: str


class PassRegistry:
    """Passes by name. Listing them imports none of them.

    Example:
        >>> PASSES.load("dce").name
        'dce'
    """

    def __init__(self, entries: Iterable[PassEntry] = ()) -> None:
        """Start with some entries."""
        self._entries: dict[str, PassEntry] = {}
        for entry in entries:
            self.register(entry)

    def register(self, entry: PassEntry) -> None:
        """Add a pass.

        Raises:
            UserError: when another pass has the name.
        """
        known = self._entries.get(entry.name)
        if known is not None and known != entry:
            raise UserError(
                f"pass '{entry.name}' is registered twice", f"by {known.target} and {entry.target}"
            )
        self._entries[entry.name] = entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[PassEntry]:
        return iter(self._entries.values())

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def load(self, name: str) -> type[Pass]:
        """The class of a pass.

        Raises:
            UserError: when no pass has the name (naming the nearest), or its module cannot be imported.
        """
        if name not in self._entries:
            raise unknown("pass", name, self._entries)
        module, _, attribute = self._entries[name].target.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UserError(f"pass '{name}' cannot be loaded from {module}", str(error)) from error
        return cast("type[Pass]", found)


PASSES = PassRegistry(
    PassEntry(name, f"drawloom.passes.{target}", help)
    for name, target, help in [
        ("assign", "assign:Assign", "give decisions their values and fold what follows from them"),
        ("canonicalize", "canonicalize:Canonicalize", "simplify operations and choices by local rules"),
        ("crossover", "crossover:Crossover", "mix two assignments at random and assign the child"),
        ("cse", "cse:CommonSubexpressions", "merge equal operations that own no weights"),
        ("dce", "dce:DeadCode", "remove operations, functions and decisions that nothing reads"),
        ("deepen", "deepen:Deepen", "insert layers without changing what a network computes"),
        ("fixpoint", "fixpoint:Fixpoint", "repeat the passes in parentheses until nothing changes"),
        (
            "fold-batch-norm",
            "fold_batch_norm:FoldBatchNorm",
            "fold batch norms into the convolutions before them",
        ),
        ("fuse", "fuse:Fuse", "outline the kernels that a target will run into functions"),
        ("inline", "inline:Inline", "replace every call by its callee's operations"),
        ("mutate", "mutate:Mutate", "change the values of some decisions of an assignment at random"),
        ("narrow", "narrow:Narrow", "leave decisions fewer values"),
        (
            "prune-channels",
            "prune_channels:PruneChannels",
            "leave out channels of convolutions and linear layers",
        ),
        ("resolve", "resolve:Resolve", "assign, canonicalize and dce in one fast sweep"),
        ("sample", "sample:Sample", "assign every open decision at random"),
        ("widen", "widen:Widen", "repeat channels without changing what a network computes"),
    ]
)
"""The passes that come with Drawloom."""
