"""The pass ``sample``: assigns every open decision at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import Module

from .assign import assign
from .base import Context, Pass
from .space import sample


@dataclass(frozen=True)
class Sample(Pass):
    """Draws an assignment uniformly from those that meet the constraints, and assigns it.

    Before, with ``sample{seed=1}``::

        decision @k : one_of [3, 5]
        ...
        %0 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]

    After::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]

    Attributes:
        seed: with the seed of the run it decides what is drawn.
    """

    name: ClassVar[str] = "sample"
    seed: int = 0

    def run(self, module: Module, context: Context) -> Module:
        """The module with all decisions assigned; see `drawloom.passes.space.sample` for errors."""
        if module.resolved:
            return module
        context.count(self.name, "decisions assigned", len(module.decisions))
        return assign(module, sample(module, 1, context.rng(self.seed))[0])
