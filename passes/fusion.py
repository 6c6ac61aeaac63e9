"""Which operations of a resolved network are computed by one kernel.

A kernel is an operation that reads many elements for one of its result (a convolution, a pooling) with the
elementwise operations after it: what it makes is finished before it is stored. An elementwise operation joins
the kernel that makes its operand when nothing else reads that; one of several tensors joins the kernel that
is run last of those that make one of its full-sized operands. What can join none begins a kernel of its own,
which further ones may join.

The TVM backend compiles by this rule, and the pass ``fuse`` shows it in the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from enum import Enum, auto
from typing import Generic, TypeVar

from drawloom.ir.ops.activation import ACTIVATIONS

V = TypeVar("V", bound=Hashable)


class Role(Enum):
    """What an operation does in fusion."""

    REDUCE = auto()
    """Begins a kernel that others may join."""
    EACH = auto()
    """A function of each element of one tensor."""
    NORM = auto()
    """A factor and a term for each position of the first dimension."""
    COMBINE = auto()
    """A function of several tensors, element by element, which may join the kernel of any of them."""
    ORDERED = auto()
    """The same, which may join that of the first one only."""
    ALONE = auto()
    """A kernel of its own, which none may join."""


ROLES: dict[str, Role] = {
    **dict.fromkeys(("conv2d", "linear", "unembedding"), Role.REDUCE),
    **dict.fromkeys(("max_pool", "avg_pool", "global_avg_pool"), Role.REDUCE),
    **dict.fromkeys((*ACTIVATIONS, "affine", "channel_affine"), Role.EACH),
    "batch_norm": Role.NORM,
    **dict.fromkeys(("add", "mul", "maximum", "minimum", "sum", "mean", "weighted_sum"), Role.COMBINE),
    **dict.fromkeys(("sub", "div"), Role.ORDERED),
}
"""The roles of operations; all others are alone."""


class Fusion(Generic[V]):
    """Decides, operation by operation in the order of a network, which kernel each joins."""

    def __init__(self, shape: Callable[[V], tuple[int, ...]], uses: Callable[[V], int]) -> None:
        """Start with no kernel.

        Args:
            shape: of a value, without the batch.
            uses: how often a value is read, as an output of the network too.
        """
        self._shape = shape
        self._uses = uses
        self._time = 0
        # for what a kernel makes that can take in more: when that kernel is run
        self._open: dict[V, int] = {}

    def visit(self, role: Role, operands: Sequence[V], result: V) -> V | None:
        """Take in an operation.

        Args:
            role: what it does.
            operands: what it reads: no absent list members.
            result: what it makes.

        Returns:
            The operand whose kernel it joins; None when it begins a kernel.
        """
        self._time += 1
        joined = self._joined(role, operands, result)
        if joined is not None and role in (Role.EACH, Role.NORM):
            self._open[result] = self._open[joined]
        elif role is not Role.ALONE:
            # nobody has read it yet, so the kernel may run after those that make its new operands
            self._open[result] = self._time
        return joined

    def _joined(self, role: Role, operands: Sequence[V], result: V) -> V | None:
        if role in (Role.REDUCE, Role.ALONE):
            return None
        shape = self._shape(result)
        # a batch norm of an image or a vector works on channels, of anything else on rows
        if role is Role.NORM and len(shape) not in (1, 3):
            return None
        able = operands[:1] if role is Role.ORDERED else operands
        full = [v for v in able if v in self._open and self._uses(v) == 1 and self._shape(v) == shape]
        return max(full, key=lambda v: self._open[v], default=None)
