"""Which passes exist: names with a line of help, and the class behind a name, imported on demand."""

from __future__ import annotations

from collections.abc import Iterable

from drawloom.ir import Entry, Registry

from .base import Pass


class PassRegistry(Registry[type[Pass]]):
    """Passes by name. Listing them imports none of them.

    Example:
        >>> PASSES.load("dce").name
        'dce'
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Start with some entries."""
        super().__init__("pass", entries)


PASSES = PassRegistry(
    Entry(name, f"drawloom.passes.{target}", help)
    for name, target, help in [
        ("assign", "assign:Assign", "give decisions their values and fold what follows from them"),
        ("canonicalize", "canonicalize:Canonicalize", "simplify operations and choices by local rules"),
        ("crossover", "crossover:Crossover", "mix two assignments at random and assign the child"),
        ("cse", "cse:CommonSubexpressions", "merge equal operations that own no weights"),
        ("dce", "dce:DeadCode", "remove operations, functions and decisions that nothing reads"),
        ("deepen", "deepen:Deepen", "insert layers without changing what a network computes"),
        (
            "expand-choices",
            "expand_choices:ExpandChoices",
            "turn operations with decided attributes into choices of decided operations",
        ),
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
        (
            "sink-choices",
            "sink_choices:SinkChoices",
            "move operations from behind a choice into its alternatives",
        ),
        (
            "strip-training",
            "strip_training:StripTraining",
            "remove dropout, drop path and auxiliary heads, which inference does not need",
        ),
        ("widen", "widen:Widen", "repeat channels without changing what a network computes"),
    ]
)
"""The passes that come with Drawloom."""
