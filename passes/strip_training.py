"""The pass ``strip-training``: removes what does something while training only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import Function, Module

from .base import Context, Pass
from .dce import dce
from .rebuild import Rewriter


@dataclass(frozen=True)
class StripTraining(Pass):
    """Replaces ``dropout``, ``drop_path`` and ``auxiliary`` by their first operand, then removes dead code.

    For inference. The heads of auxiliaries go, with the functions, decisions and weights that only they need.

    Before::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]
        %1 = global_avg_pool %0 : f32[8]
        %2 = linear %1 {out=10, param="head"} : f32[10]
        %3 = auxiliary %0, %2 {weight=0.4} : f32[8, 32, 32]
        %4 = drop_path %3 {rate=0.2} : f32[8, 32, 32]
        %5 = relu %4 : f32[8, 32, 32]

    After::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
    """

    name: ClassVar[str] = "strip-training"

    def run(self, module: Module, context: Context) -> Module:
        """See `strip_training`."""
        result = strip_training(module)
        context.count(self.name, "operations removed", len(module) - len(result))
        return result


def strip_training(module: Module) -> Module:
    """The module as it is deployed; the same object when nothing in it is for training only."""
    stripped = module.with_functions(map(_stripped, module.functions.values()))
    return module if stripped is module else dce(stripped)


def _stripped(function: Function) -> Function:
    rewriter = Rewriter()
    for op in function.operations:
        if op.definition.training_only:
            rewriter.place(op, rewriter.operands(op)[0])
        else:
            rewriter.keep(op)
    return rewriter.finish(function)
