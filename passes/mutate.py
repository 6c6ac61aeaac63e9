"""The pass ``mutate``: changes some decisions of an assignment at random, and assigns the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from drawloom.ir import Module, check_assignment

from .assign import assign
from .base import Context, Pass
from .space import mutate, sample


@dataclass(frozen=True)
class Mutate(Pass):
    """Starts from an assignment, changes decisions that matter in it to other values, and assigns the result.

    Decisions that the options do not name start from random values, drawn with the same seed.

    Before, with ``mutate{seed=1,n=1,k=3,act=relu}``::

        decision @k : one_of [3, 5]
        decision @act : one_of ["relu", "tanh"]
        ...
        %0 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
        %2 = tanh %0 : f32[8, 32, 32]
        %3 = choice %1, %2 by index(@act) : f32[8, 32, 32]
        return %3

    After, one of the two decisions having changed::

        %0 = conv2d %x {out=8, kernel=5, pad=2, param="conv"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
        %2 = tanh %0 : f32[8, 32, 32]
        return %1

    Attributes:
        values: decision names to values, as written in assignments: the start.
        seed: with the seed of the run it decides what changes.
        n: how many decisions change.
        active: whether only decisions that matter may change.
    """

    name: ClassVar[str] = "mutate"
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    n: int = 1
    active: bool = True

    def run(self, module: Module, context: Context) -> Module:
        """The module with all decisions assigned; see `drawloom.passes.space.mutate` for errors."""
        rng = context.rng(self.seed)
        given = check_assignment(module.decisions, self.values, partial=True)
        start = {**sample(module, 1, rng, constrained=False)[0], **given}
        context.count(self.name, "decisions assigned", len(module.decisions))
        return assign(module, mutate(module, start, rng, self.n, self.active))
