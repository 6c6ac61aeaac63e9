"""The pass ``expand-choices``: operations with decided attributes become choices of decided operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import Decision, Function, Module, Operation, UserError, Value, choice_text

from .base import Context, Pass
from .splitting import Split, Splitter, Values, relevant


@dataclass(frozen=True)
class ExpandChoices(Pass):
    """Replaces calls and operations that mention decisions by a ``choice`` of specialised ones.

    An ``op`` is specialised to every value of the decisions that it mentions, another function to those in
    the types of its inputs and outputs; what it mentions besides is expanded inside of it. Afterwards
    decisions are in selectors and presences only, in no attribute, no weight and no ``op``: latency can be
    looked up, and a supernet has one weight for each candidate operation. The candidates stay the same
    networks.

    Weights: alternative ``i`` has the path of the call followed by ``i``, in the order of the values of the
    decisions; alternatives that differ in the sizes of images only share the path of the call.

    Before::

        op @conv(%x: f32[8, 32, 32]) {k=@k} -> f32[8, 32, 32] {
          %0 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]
          return %0
        }
        ...
        %0 = call @conv(%x) {param="stem"} : f32[8, 32, 32]

    After::

        op @conv.2 of @conv(%x: f32[8, 32, 32]) {k=3} -> f32[8, 32, 32] {
          %0 = conv2d %x {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]
          return %0
        }
        op @conv.3 of @conv(%x: f32[8, 32, 32]) {k=5} -> f32[8, 32, 32] {
          %0 = conv2d %x {out=8, kernel=5, pad=2, param="conv"} : f32[8, 32, 32]
          return %0
        }
        ...
        %0 = call @conv.2(%x) {param="stem.0"} : f32[8, 32, 32]
        %1 = call @conv.3(%x) {param="stem.1"} : f32[8, 32, 32]
        %2 = choice %0, %1 by index(@k) : f32[8, 32, 32]

    Attributes:
        limit: most alternatives of one operation; one with more is an error.
        skip: whether such operations are left as they are instead, and counted in the statistics.
    """

    name: ClassVar[str] = "expand-choices"
    limit: int = 64
    skip: bool = False

    def run(self, module: Module, context: Context) -> Module:
        """The space with its operations expanded.

        Raises:
            UserError: when an operation has too many alternatives, or the limit is below 1.
        """
        if self.limit < 1:
            raise UserError(f"limit={self.limit} of expand-choices is not at least 1")
        expander = _Expander(module, self.limit, self.skip)
        result = expander.run()
        context.count(self.name, "operations expanded", expander.split)
        context.count(self.name, "operations left alone", expander.left)
        return result


class _Expander(Splitter):
    """Splits by what an operation mentions."""

    def __init__(self, module: Module, limit: int, skip: bool) -> None:
        super().__init__(module, limit)
        self.skip = skip
        self.order = {d: i for i, d in enumerate(module.decisions.values())}

    def wanted(
        self, function: Function, op: Operation, operands: tuple[Value, ...], values: Values
    ) -> Split | None:
        # an op is one unit: it is specialised as a whole, or left as a whole
        found = set() if function.kind == "op" else self._mentions(op) - values.keys()
        return Split(tuple(sorted(found, key=self.order.__getitem__))) if found else None

    def _mentions(self, op: Operation) -> set[Decision]:
        if op.name == "call":
            callee = self.module.functions[op.attributes["callee"]]
            if callee.kind == "op":
                return set(self.mentioned(callee.name))
            return relevant(d for v in (*op.operands, *op.results) for d in v.type.shape)
        if op.name == "choice":
            return set()
        if not op.definition.has_weights:
            return relevant(op.attributes.values())
        shapes = [d for v in op.operands for d in v.type.shape]
        return relevant([*op.attributes.values(), *op.presence, *shapes])

    def refuse(self, op: Operation, split: Split, reason: str) -> None:
        if self.skip:
            return
        what = f"the call of @{op.attributes['callee']}" if op.name == "call" else f"'{op.name}'"
        path = f" at '{op.param}'" if op.param else ""
        names = ", ".join(
            f"{d.name} ({', '.join(map(choice_text, d.domain[:4]))})" for d in split.decisions[:5]
        )
        raise UserError(
            f"{what}{path} cannot be expanded by {names}: {reason}",
            "raise the limit, narrow or assign some of these decisions before, or leave it with skip",
        )
