"""The combinator ``fixpoint``: repeats passes until none of them changes the module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from drawloom.ir import Module, UserError, print_module

from .base import Context, Pass, PassSpec


@dataclass(frozen=True)
class Fixpoint(Pass):
    """Runs its passes in order, again and again, until a whole round leaves the module as it was.

    ``fixpoint(cse,dce)``; ``fixpoint{limit=4}(cse,dce)``.

    Attributes:
        body: the passes of one round.
        limit: rounds after which it gives up with an error.
    """

    name: ClassVar[str] = "fixpoint"
    body: tuple[Pass, ...] = field(default=(), metadata={"option": False})
    limit: int = 32

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The passes of one round."""
        return self.body

    @classmethod
    def from_spec(cls, spec: PassSpec, children: tuple[Pass, ...] = ()) -> Self:
        """The combinator over passes made from the children; see `Pass.from_spec` for errors."""
        return cls(body=children, **cls.parse_options(spec))

    def run(self, module: Module, context: Context) -> Module:
        """The module on which every pass of the body is idle; see `repeat` for errors."""
        return self.repeat(module, lambda position, m: self.body[position].run(m, context))

    def repeat(self, module: Module, step: Callable[[int, Module], Module]) -> Module:
        """Apply ``step(position in the body, module)`` round after round.

        Raises:
            UserError: when the limit is reached and the module still changes.
        """
        for _ in range(self.limit):
            before = module
            for position in range(len(self.body)):
                module = step(position, module)
            # idle passes promise to return the same object, but a rebuilt equal module is idle too
            if module is before or print_module(module) == print_module(before):
                return module
        inner = ",".join(p.spec() for p in self.body)
        raise UserError(
            f"fixpoint({inner}) still changes the module after {self.limit} rounds",
            "raise its limit or look for passes that undo each other",
        )
