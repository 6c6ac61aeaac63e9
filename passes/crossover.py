"""The pass ``crossover``: mixes two assignments at random, and assigns the child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from drawloom.ir import Module, UserError, check_assignment

from .assign import assign
from .base import Context, Pass
from .space import crossover, sample


@dataclass(frozen=True)
class Crossover(Pass):
    """Takes each decision from one of two parents, and assigns the child.

    ``k=[3,5]`` is a decision's value in the first and in the second parent, ``k=3`` its value in both.
    Decisions that the options do not name have random values in each parent, drawn with the same seed.

    Before, with ``crossover{seed=1,k=[3,5],act=[relu,tanh]}``::

        decision @k : one_of [3, 5]
        decision @act : one_of ["relu", "tanh"]
        ...
        %0 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
        %2 = tanh %0 : f32[8, 32, 32]
        %3 = choice %1, %2 by index(@act) : f32[8, 32, 32]
        return %3

    After, the kernel being the first parent's and the activation the second's::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
        %2 = tanh %0 : f32[8, 32, 32]
        return %2

    Attributes:
        values: decision names to their values in the parents.
        seed: with the seed of the run it decides what comes from which parent.
        method: ``uniform`` or ``one-point``; see `drawloom.passes.crossover`.
    """

    name: ClassVar[str] = "crossover"
    values: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    method: str = "uniform"

    def run(self, module: Module, context: Context) -> Module:
        """The module with all decisions assigned; see `drawloom.passes.crossover` for errors."""
        rng = context.rng(self.seed)
        pairs = {name: _pair(name, value) for name, value in self.values.items()}
        first, second = (
            {
                **sample(module, 1, rng, constrained=False)[0],
                **check_assignment(module.decisions, {n: p[parent] for n, p in pairs.items()}, partial=True),
            }
            for parent in (0, 1)
        )
        child = crossover(module, first, second, rng, self.method)
        context.count(self.name, "decisions assigned", len(child))
        context.count(
            self.name, "decisions unlike the first parent", sum(child[n] != v for n, v in first.items())
        )
        return assign(module, child)


def _pair(name: str, value: object) -> tuple[object, object]:
    """The values of the two parents; a tuple of integers is one k-of-n value.

    Raises:
        UserError: when a list does not have two values.
    """
    if not isinstance(value, (list, tuple)) or (value and all(type(v) is int for v in value)):
        return value, value
    if len(value) != 2:
        raise UserError(f"'{name}' has {len(value)} values", "write one for both parents, or [first,second]")
    return value[0], value[1]
