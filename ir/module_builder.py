"""Builds modules by hand: functions, decisions and constraints, verified when they are finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .builder import FunctionBuilder
from .decision import Choice, Decision
from .definition import InferenceError
from .diagnostic import UserError
from .expression import Expr, apply, index_of, value_of
from .graph import Constraint, Function, Module, Value
from .printer import subset_domain
from .verifier import verify


class ModuleBuilder:
    """Collects the decisions, functions and constraints of one module.

    Conditions that inference cannot show for all assignments become checks of the module.

    Example:
        >>> from drawloom.ir import ModuleBuilder, TensorType
        >>> space = ModuleBuilder("tiny")
        >>> b = space.function("tiny", "network")
        >>> x = b.input(TensorType((3, 8, 8)), "image")
        >>> kernel = space.choose("kernel", [1, 3])
        >>> y = b.apply("conv2d", x, out=3, kernel=kernel, pad=kernel // 2)
        >>> module = space.finish(b.finish([space.choose_value(b, "op", {"conv": y, "skip": x})]))
        >>> list(module.decisions), module.entry.outputs[0].type.shape
        (['kernel', 'op'], (3, 8, 8))
    """

    def __init__(self, name: str) -> None:
        """Start an empty module."""
        self.name = name
        self.functions: dict[str, Function] = {}
        self.decisions: dict[str, Decision] = {}
        self.constraints: list[Constraint] = []

    def function(self, name: str, kind: str = "block") -> FunctionBuilder:
        """A builder of a function; give what it makes to `add`, and that of the network to `finish`."""
        return FunctionBuilder(name, kind, require=self._check)

    def add(self, function: Function) -> Function:
        """Add a finished function, after those that it calls.

        Raises:
            UserError: when there is one of that name.
        """
        if function.name in self.functions:
            raise UserError(f"there are two functions '{function.name}'", "every function has its own name")
        self.functions[function.name] = function
        return function

    def choose(self, name: str, domain: Sequence[Choice]) -> Expr:
        """Make a decision between literals; the expression is its value and may be used like a number.

        Raises:
            UserError: when there is a decision of that name, or fewer than two different values.
        """
        return value_of(self._decision(Decision(name, tuple(domain))))

    def choose_value(self, builder: FunctionBuilder, name: str, alternatives: Mapping[str, Value]) -> Value:
        """Make a decision between tensors and append the choice.

        Args:
            builder: of the function that chooses.
            name: of the decision.
            alternatives: tensors of one rank and element type, by the values of the decision.

        Raises:
            UserError: as for `choose`.
        """
        decision = self._decision(Decision(name, tuple(alternatives)))
        return builder.choice(list(alternatives.values()), index_of(decision))

    def choose_members(
        self, name: str, labels: Sequence[str], low: int, high: int | None = None
    ) -> list[Any]:
        """Make a decision which members a list has: the presences of a ``sum`` or ``concat``.

        Args:
            name: of the decision.
            labels: what the members are.
            low: how many members there are, at least.
            high: at most; `low` by default.

        Raises:
            UserError: as for `choose`.
        """
        domain = subset_domain(low, low if high is None else high, len(labels))
        chosen = value_of(self._decision(Decision(name, domain, tuple(labels))))
        return [apply("has", chosen, position) for position in range(len(labels))]

    def require(self, condition: Any, message: str) -> None:
        """Keep only candidates that meet a condition: ``apply("<=", metric("parameters"), 5_000)``."""
        self.constraints.append(Constraint(condition, message))

    def finish(self, network: Function) -> Module:
        """The verified module whose entry is a network.

        Raises:
            UserError: as for `add`.
            VerificationError: when a rule of the IR is broken.
        """
        self.add(network)
        module = Module(self.name, dict(self.functions), dict(self.decisions), tuple(self.constraints))
        verify(module)
        return module

    def _decision(self, decision: Decision) -> Decision:
        if decision.name in self.decisions:
            raise UserError(f"there are two decisions '{decision.name}'", "every decision has its own name")
        if len(decision) < 2:
            raise UserError(f"decision '{decision.name}' has nothing to decide", "give at least two values")
        if len({(type(v), v) for v in decision.domain}) < len(decision):
            raise UserError(f"decision '{decision.name}' has a value twice")
        self.decisions[decision.name] = decision
        return decision

    def _check(
        self, condition: Any, message: str, *, operand: int | None = None, attribute: str | None = None
    ) -> None:
        """The `Require` of its functions: what is open is checked when decisions are assigned."""
        if isinstance(condition, Expr):
            self.constraints.append(Constraint(condition, message, filters=False))
        elif isinstance(condition, (bool, np.bool_)) and not condition:
            raise InferenceError(message, operand=operand, attribute=attribute)
