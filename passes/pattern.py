"""Patterns over operations, and templates of what takes their place: the language of rewrite rules.

``pattern("relu6", pattern("relu", x))`` is a ``relu6`` of a ``relu`` of any value, called x. A pattern and a
template print as one line, from which the documentation of a rule derives, and are compiled to closures
once: matching is on the path of every candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, TypeAlias

from drawloom.ir import Operation, Value
from drawloom.ir.printer import attribute_text

from .rebuild import Specialised, copied, zeros

Found: TypeAlias = "dict[str, Value]"
"""The values that a pattern has named."""

Match = Callable[[Operation], "Found | None"]
"""A compiled pattern: what it names in an operation, or None where it does not fit."""

Replace = Callable[[Operation, "Found"], "Specialised | None"]
"""Makes what takes the place of an operation; None when it stays after all."""


@dataclass(frozen=True, slots=True)
class Var:
    """Any value. The same name twice in a pattern is the same value twice."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Pattern:
    """An operation with certain operands and attributes; made by `pattern`.

    Attributes:
        names: what it may be.
        operands: what it reads, in order; None when that does not matter.
        attributes: values that attributes must have.
        repeated: whether the only operand stands for each of one or more operands, present or not.
        swapped: whether the operands may also come in reverse order.
        label: a name for its result, or an empty text.
    """

    names: tuple[str, ...]
    operands: tuple[Operand, ...] | None
    attributes: tuple[tuple[str, Any], ...] = ()
    repeated: bool = False
    swapped: bool = False
    label: str = ""

    def named(self, label: str) -> Pattern:
        """The pattern with a name for its result, under which a template can put it."""
        return replace(self, label=label)

    @property
    def firsts(self) -> tuple[str, ...] | None:
        """What must have made the first operand; None when that does not matter."""
        if not self.operands or self.swapped or not isinstance(self.operands[0], Pattern):
            return None
        return self.operands[0].names

    def __str__(self) -> str:
        name = self.names[0] if len(self.names) == 1 else f"{{{', '.join(self.names)}}}"
        text = name + (f"({self._inside()})" if self.operands != () or self.attributes else "")
        return f"{self.label} = {text}" if self.label else text

    def _inside(self) -> str:
        operands = "..." if self.operands is None else ", ".join(map(str, self.operands))
        if self.repeated:
            operands = f"{operands}, {operands}, ..."
        attributes = ", ".join(f"{name}={attribute_text(v)}" for name, v in self.attributes)
        return f"{operands}; {attributes}" if attributes else operands


Operand: TypeAlias = Var | Pattern


def pattern(
    names: str | Iterable[str],
    *operands: Operand | EllipsisType,
    repeated: bool = False,
    swapped: bool = False,
    **attributes: Any,
) -> Pattern:
    """A pattern of an operation.

    Args:
        names: the operation, or several of which it is one.
        operands: what it reads, all of it and without presence; ``...`` alone for whatever it reads.
        repeated: the one operand given is what each of its operands is; members of a list may be absent.
        swapped: the operands may come in reverse order.
        attributes: values that attributes must have, in their full form: ``kernel=(1, 1)``.

    Example:
        >>> x = Var("x")
        >>> str(pattern("max_pool", pattern("relu", x), kernel=(1, 1)))
        'max_pool(relu(x); kernel=[1, 1])'
    """
    known = (names,) if isinstance(names, str) else tuple(names)
    given = tuple(o for o in operands if not isinstance(o, EllipsisType))
    if len(given) < len(operands) and len(operands) > 1:
        raise ValueError("'...' stands alone: it is whatever the operation reads")
    if repeated and len(given) != 1:
        raise ValueError("'repeated' is about one operand")
    read = given if len(given) == len(operands) else None
    return Pattern(known, read, tuple(attributes.items()), repeated, swapped)


ZEROS = pattern("zeros")
"""A value that is zero everywhere; as a template, zeros of the type of what they replace."""


@dataclass(frozen=True, slots=True)
class Again:
    """A template: the matched operation itself, with its attributes, on other operands."""

    operands: tuple[Var, ...]

    def __str__(self) -> str:
        return f"again({', '.join(map(str, self.operands))})"


def again(*operands: Var) -> Again:
    """The matched operation on other operands; its results keep their types."""
    return Again(operands)


Template: TypeAlias = "Var | Again | Pattern"
"""What takes the place of a match: a value that it named, the operation on other operands, or `ZEROS`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold besides the pattern.

    Attributes:
        text: said after ``if``.
        test: of the operation and the values that the pattern named.
    """

    text: str
    test: Callable[[Operation, Found], bool]

    def __str__(self) -> str:
        return self.text


def keeps_type(x: Var) -> Condition:
    """A value has the type of the result, so that it can take its place."""
    name = x.name
    return Condition(f"{name} has its type", lambda op, found: found[name].type == op.result.type)


def statement(matched: Pattern, template: Template, conditions: Iterable[Condition]) -> str:
    """A rule in one line: ``relu6(relu(x)) --> relu6(x)``."""
    after = str(template)
    if isinstance(template, Again) and len(matched.names) == 1:
        after = matched.names[0] + after.removeprefix("again")
    rest = " and ".join(map(str, conditions))
    return f"{matched} --> {after}" + (f" if {rest}" if rest else "")


# Compilation


def matcher(p: Pattern) -> Match:
    """A function that tells what is what in an operation, one of the pattern's names, if it fits."""
    if p.swapped:
        one, other = _match(p), _match(replace(p, operands=tuple(reversed(p.operands or ()))))
        return lambda op: found if (found := one(op)) is not None else other(op)
    return _match(p)


def _match(p: Pattern) -> Match:
    reads = _operands(p)
    wanted = p.attributes

    def match(op: Operation) -> Found | None:
        found: Found = {}
        if not reads(op, found):
            return None
        for name, value in wanted:
            if op.attributes[name] != value:
                return None
        return found

    return match


def _operands(p: Pattern) -> Callable[[Operation, Found], bool]:
    if p.operands is None:
        return lambda op, found: True
    tests = tuple(map(_value, p.operands))
    if p.repeated:
        (test,) = tests
        return lambda op, found: all(test(v, found) for v in op.operands)
    if len(tests) == 1:
        # by far the most common, and on the path of every candidate
        (only,) = tests
        return lambda op, found: len(op.operands) == 1 and not op.presence and only(op.operands[0], found)
    return lambda op, found: (
        len(op.operands) == len(tests)
        and not op.presence
        and all(test(v, found) for test, v in zip(tests, op.operands, strict=True))
    )


def _value(p: Operand) -> Callable[[Value, Found], bool]:
    if isinstance(p, Var):
        name = p.name
        return lambda value, found: found.setdefault(name, value) is value
    names = frozenset(p.names)
    if p == ZEROS or (p.operands is None and not p.attributes and not p.label):
        return lambda value, found: value.producer is not None and value.producer.definition.name in names
    match = matcher(p)
    label = p.label

    def test(value: Value, found: Found) -> bool:
        producer = value.producer
        if producer is None or producer.definition.name not in names:
            return False
        inner = match(producer)
        if inner is None or any(found.setdefault(n, v) is not v for n, v in inner.items()):
            return False
        return not label or found.setdefault(label, value) is value

    return test


def builder(template: Template) -> Replace:
    """A function that makes what a template describes."""
    if isinstance(template, Var):
        name = template.name
        return lambda op, found: found[name]
    if isinstance(template, Again):
        names = tuple(x.name for x in template.operands)
        return lambda op, found: copied(op, tuple([found[name] for name in names]))
    if template != ZEROS:
        raise ValueError(f"'{template}' is no template: only a value, 'again' and ZEROS are")
    return lambda op, found: zeros(op.result.type, op)


def is_zeros(value: Value) -> bool:
    """Whether a value is known to be zero everywhere."""
    return value.producer is not None and value.producer.definition.name == "zeros"
