"""Signatures: what a measured time belongs to, whatever the network that it stands in.

The signature of a call is the definition of its callee, the static arguments and the types of the callee's
inputs; that of another operation its name, attributes and operands, those present in a list. Weights, their
paths and names of values are no part of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawloom.ir import TABLE_LIMIT, Decision, Module, Operation, TensorType, UserError, choice_text
from drawloom.ir.expression import expressions, literal_text

from .decided import Indices, value_at


@dataclass(frozen=True, slots=True)
class Signature:
    """What a time is looked up by.

    Attributes:
        name: of a definition (an ``op``, ``block`` or ``cell``), or of an operation such as ``linear``.
        arguments: static arguments by name, with the defaults filled in, in alphabetical order.
        inputs: types of the tensors for one sample, such as ``f32[16, 112, 112]``.
    """

    name: str
    arguments: tuple[tuple[str, Any], ...]
    inputs: tuple[str, ...]

    @staticmethod
    def of(name: str, arguments: Mapping[str, Any], inputs: Sequence[str]) -> Signature:
        """A signature; arguments may be in any order."""
        return Signature(name, tuple(sorted((n, _frozen(v)) for n, v in arguments.items())), tuple(inputs))

    def __str__(self) -> str:
        static = ", ".join(f"{name}={_text(value)}" for name, value in self.arguments)
        return f"{self.name}({', '.join(self.inputs)}{'; ' if static else ''}{static})"


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures of one operation of a space.

    Attributes:
        decisions: those that it depends on.
        values: one for each of their joint values, the last decision running fastest.
    """

    decisions: tuple[Decision, ...]
    values: tuple[Signature, ...]


def signatures(module: Module, op: Operation) -> Signatures:
    """The signatures that an operation, or a call, has under the assignments of its space.

    Raises:
        UserError: when they depend on so many decisions that there are more than 4,096 joint values.
    """
    asked = _Asked.of(module, op)
    decisions = asked.decisions
    joint = math.prod(map(len, decisions))
    if joint > TABLE_LIMIT:
        place = f" ({op.span})" if op.span else ""
        raise UserError(
            f"the signature of '{asked.name}'{place} depends on {len(decisions)} decisions with {joint} "
            f"joint values, more than {TABLE_LIMIT}",
            "narrow the space, or decide some of them, before times are looked up",
        )
    every = itertools.product(*[range(len(d)) for d in decisions])
    return Signatures(decisions, tuple([asked.at(dict(zip(decisions, at, strict=True))) for at in every]))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a signature is made of, before decisions are decided.

    Attributes:
        name: of the definition or operation.
        arguments: static arguments by name.
        types: of the operands.
        present: for list operations, whether each operand is in the list; else empty.
        shape: of the result of a list operation, which is zeros where nothing is present.
    """

    name: str
    arguments: Mapping[str, Any]
    types: Sequence[TensorType]
    present: tuple[Any, ...] = ()
    shape: tuple[Any, ...] = ()

    @staticmethod
    def of(module: Module, op: Operation) -> _Asked:
        if op.name == "call":
            callee = module.function(op.attributes["callee"])
            return _Asked(callee.definition, callee.arguments, [v.type for v in callee.inputs])
        arguments = {name: value for name, value in op.attributes.items() if name != "param"}
        types = [v.type for v in op.operands]
        if not op.presence:
            return _Asked(op.name, arguments, types)
        return _Asked(op.name, arguments, types, op.presence, op.result.type.shape)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        told = [*self.arguments.values(), *(t.shape for t in self.types), self.present, self.shape]
        return tuple(dict.fromkeys(d for v in told for e in expressions(v) for d in e.decisions))

    def at(self, indices: Indices) -> Signature:
        types = self.types
        if self.present:
            types = [t for t, p in zip(types, self.present, strict=True) if value_at(p, indices)]
            if not types:
                return Signature.of("zeros", {"shape": value_at(self.shape, indices)}, [])
        inputs = [str(TensorType(value_at(t.shape, indices), t.dtype)) for t in types]
        return Signature.of(self.name, {n: value_at(v, indices) for n, v in self.arguments.items()}, inputs)


def _frozen(value: Any) -> Any:
    """A value that can be a key; lists of JSON are tuples."""
    return tuple([_frozen(v) for v in value]) if isinstance(value, (list, tuple)) else value


def _text(value: Any) -> str:
    return choice_text(value) if isinstance(value, str) else literal_text(value)
