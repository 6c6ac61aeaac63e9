"""The pass ``sink-choices``: operations move from behind a choice into its alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import Function, Module, Operation, UserError, Value
from drawloom.ir.agreement import types_agree

from .base import Context, Pass
from .globs import matches_any, require_matches
from .splitting import Split, Splitter, Values, relevant


@dataclass(frozen=True)
class SinkChoices(Pass):
    """``op(choice(a, b))`` becomes ``choice(op(a), op(b))``; calls are operations too.

    Alternatives of different shape become mixable behind an operation that brings them to one shape, and
    weights become one for each input, as ENAS has them. Operands that are choices by the same decisions are
    split together. An operation whose alternatives would be more than the limit, or whose other operands
    come into the function with a type that depends on the decision, is left alone and counted in the
    statistics. The candidates stay the same networks.

    Weights: alternative ``i`` has the path of the operation followed by ``i``, in the order of the values of
    the decisions.

    Before::

        %0 = choice %a, %b by index(@input) : f32[select(index(@input), [8, 16]), 32, 32]
        %1 = conv2d %0 {out=8, kernel=1, param="conv"} : f32[8, 32, 32]

    After::

        %1 = conv2d %a {out=8, kernel=1, param="conv.0"} : f32[8, 32, 32]
        %2 = conv2d %b {out=8, kernel=1, param="conv.1"} : f32[8, 32, 32]
        %3 = choice %1, %2 by index(@input) : f32[8, 32, 32]

    Attributes:
        ops: names of the operations, or of the definitions that are called, that move; ``*`` stands for any
            text.
        decisions: names of the decisions of the choices that they move into; ``*`` stands for any text.
        depth: how many operations in a row may move into one choice; 0 is any number.
        unequal: whether only choices count whose alternatives have different types, so that operations move
            until the types are one.
        limit: most alternatives of one operation.
    """

    name: ClassVar[str] = "sink-choices"
    ops: tuple[str, ...] = ("*",)
    decisions: tuple[str, ...] = ("*",)
    depth: int = 1
    unequal: bool = False
    limit: int = 64

    def run(self, module: Module, context: Context) -> Module:
        """The space with its choices sunk.

        Raises:
            UserError: when an option is out of range or a pattern fits nothing.
        """
        if self.depth < 0 or self.limit < 1:
            raise UserError(
                f"depth={self.depth}, limit={self.limit} of sink-choices are out of range",
                "depth is at least 0, limit at least 1",
            )
        names = {
            name for f in module.functions.values() for op in f.operations for name in _names(module, op)
        }
        require_matches("operation", self.ops, sorted(names))
        require_matches("decision", self.decisions, module.decisions)
        sinker = _Sinker(module, self)
        result = sinker.run()
        context.count(self.name, "operations moved", sinker.split)
        context.count(self.name, "operations left alone", sinker.left)
        return result


def _names(module: Module, op: Operation) -> tuple[str, ...]:
    if op.name != "call":
        return (op.name,)
    callee = module.functions[op.attributes["callee"]]
    return ("call", callee.definition)


class _Sinker(Splitter):
    """Splits by the selectors of the choices that an operation reads."""

    def __init__(self, module: Module, options: SinkChoices) -> None:
        super().__init__(module, options.limit)
        self.options = options
        self.order = {d: i for i, d in enumerate(module.decisions.values())}

    def wanted(
        self, function: Function, op: Operation, operands: tuple[Value, ...], values: Values
    ) -> Split | None:
        if op.name == "choice" or not any(matches_any(self.options.ops, n) for n in _names(self.module, op)):
            return None
        through = [v for v in dict.fromkeys(operands) if self._sinks(v)]
        if not through:
            return None
        selectors = [v.producer.attributes["selector"] for v in through if v.producer is not None]
        decisions = tuple(sorted(relevant(selectors), key=self.order.__getitem__))
        return Split(decisions, frozenset(through), 1 + max(self.levels.get(v, 0) for v in through))

    def _sinks(self, value: Value) -> bool:
        """Whether a value is a choice that operations move into."""
        choice = value.producer
        if choice is None or choice.name != "choice":
            return False
        if self.options.depth and self.levels.get(value, 0) >= self.options.depth:
            return False
        first, *rest = (v.type for v in choice.operands)
        if self.options.unequal and all(types_agree(first, other) for other in rest):
            return False
        found = relevant([choice.attributes["selector"]])
        return bool(found) and all(matches_any(self.options.decisions, d.name) for d in found)

    def refuse(self, op: Operation, split: Split, reason: str) -> None:
        """Nothing: it is counted."""
