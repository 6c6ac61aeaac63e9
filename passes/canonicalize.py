"""The pass ``canonicalize``: simplifies operations by local rules and forwards what calls only pass on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import Function, Module, Operation, Value

from .base import Context, Pass
from .pattern import is_zeros
from .rebuild import Rewriter, Specialised, copied, zeros
from .rewrite import RuleRegistry, Watch, function_rule
from .rules import RULES
from .trace import Rewrite, Trace

Forward = int | str | None
"""What an output of a function is: the position of an input it passes on, ``"zeros"``, or None."""


@dataclass(frozen=True)
class Canonicalize(Pass):
    """Brings a module to its simplest form by the rules that ``drawloom passes --rules`` lists.

    What becomes dead is left to ``dce``.

    Before::

        %0 = zeros_like %x : f32[8, 16, 16]
        %1 = max_pool %0 {kernel=3, pad=1} : f32[8, 16, 16]
        %2 = sum %1, %y if true, %z if false : f32[8, 16, 16]
        %3 = choice %2, %x by 0 : f32[8, 16, 16]
        return %3

    After (the first two operations are now dead)::

        %0 = zeros {shape=[8, 16, 16]} : f32[8, 16, 16]
        %1 = zeros {shape=[8, 16, 16]} : f32[8, 16, 16]
        return %y
    """

    name: ClassVar[str] = "canonicalize"

    def run(self, module: Module, context: Context) -> Module:
        """See `canonicalize`."""

        def report(rewrite: Rewrite) -> None:
            context.count(self.name, rewrite.rule.name)
            context.rewritten(rewrite)

        return canonicalize(module, report=report)


@function_rule("forwarded-result", "call", "call @f(x) --> x, or zeros, where that is what @f returns")
def forwarded_result(op: Operation) -> None:
    """Not in the table of rules: it needs the callee. `Simplifier` applies it."""


def canonicalize(
    module: Module, rules: RuleRegistry = RULES, report: Callable[[Rewrite], None] | None = None
) -> Module:
    """The module in its simplest form; the same object when it already is.

    Args:
        module: any module.
        rules: what is tried on each operation.
        report: is told of every rewriting.
    """
    forwards: dict[str, tuple[Forward, ...]] = {}
    functions = []
    for name, function in module.functions.items():
        simple = _canonical(function, forwards, rules, report)
        functions.append(simple)
        forwards[name] = forwards_of(simple)
    return module.with_functions(functions)


def _canonical(
    function: Function,
    forwards: Mapping[str, tuple[Forward, ...]],
    rules: RuleRegistry,
    report: Callable[[Rewrite], None] | None,
) -> Function:
    read = {v for op in function.operations for v in op.operands}.union(function.outputs)
    trace = None if report is None else Trace(function, report)
    simplifier = Simplifier(forwards, read, rules, None if trace is None else trace.rewritten)
    for op in function.operations:
        new = copied(op, simplifier.operands(op))
        if trace is not None:
            trace.copied(op, new)
        simplifier.visit(op, new)
    return simplifier.finish(function)


class Simplifier(Rewriter):
    """A rewriter that simplifies every operation it is given."""

    __slots__ = ("forwards", "read", "rules", "watch")

    def __init__(
        self,
        forwards: Mapping[str, tuple[Forward, ...]],
        read: Collection[Value],
        rules: RuleRegistry = RULES,
        watch: Watch | None = None,
    ) -> None:
        """Start.

        Args:
            forwards: what the outputs of the functions that are called are.
            read: old values that something reads; for others no code is made.
            rules: what is tried on each operation.
            watch: is told of every rewriting.
        """
        super().__init__()
        self.forwards = forwards
        self.read = read
        self.rules = rules
        self.watch = watch

    def visit(self, old: Operation, new: Operation) -> None:
        """Simplify what an old operation has become, with operands of the new function, and take it in."""
        self.take(old, self.rules.simplified(new, self.watch))

    def take(self, old: Operation, new: Specialised) -> None:
        """Take in what an old operation has become, simplified, with operands of the new function."""
        self.place(old, new)
        if isinstance(new, Value) or new.definition.name != "call":
            return
        for position, forward in enumerate(self.forwards[new.attributes["callee"]]):
            if forward is not None and old.results[position] in self.read:
                value = forwarded(new, position, forward)
                if isinstance(value, Operation):
                    self.operations.append(value)
                    value = value.result
                self.values[old.results[position]] = value
                if self.watch is not None:
                    self.watch(forwarded_result, new, value)


def forwarded(call: Operation, position: int, forward: int | str) -> Specialised:
    """What takes the place of a result of a call: the operand that is passed on, or zeros."""
    return call.operands[forward] if isinstance(forward, int) else zeros(call.results[position].type, call)


def forwards_of(function: Function) -> tuple[Forward, ...]:
    """What the outputs of a simplified function are."""
    positions = {v: i for i, v in enumerate(function.inputs)}
    return tuple(["zeros" if is_zeros(v) else positions.get(v) for v in function.outputs])
