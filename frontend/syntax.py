"""The syntax tree of the language: frozen nodes, each with the span of its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from drawloom.ir import Source, Span


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Anything written in a source text; nodes are compared by identity."""

    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """An identifier, as an expression or as the target of a binding."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A number, a text, ``true`` or ``false``."""

    value: int | float | bool | str


@dataclass(frozen=True, slots=True, eq=False)
class ListDisplay(Node):
    """``[a, b, c]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TupleDisplay(Node):
    """``(a, b)``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Targets(Node):
    """What a loop binds: ``x``, ``(a, b)``, ``position, x`` or ``position, (a, b)``.

    Attributes:
        position: the name of the 0-based position, if there are two targets.
        items: the names an element is taken apart into.
        unpack: whether the element is a tuple taken apart (else `items` has one name).
    """

    position: Name | None
    items: tuple[Name, ...]
    unpack: bool

    @property
    def component(self) -> str:
        """The word that stands for this loop in paths of decisions and weights."""
        return (self.position or self.items[0]).name


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension(Node):
    """``[body for targets in source if condition]``."""

    body: Expression
    targets: Targets
    source: Expression
    condition: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """``-a`` or ``not a``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """``a + b`` and all other infix operators."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class RangeDisplay(Node):
    """``a..b`` (exclusive) or ``a..=b`` (inclusive)."""

    start: Expression
    stop: Expression
    inclusive: bool


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """``xs[i]``, or ``xs[a..b]`` when the index is a range."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    """``xs[a..]`` or ``xs[..b]``; one bound is None."""

    base: Expression
    start: Expression | None
    stop: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """``x.name``."""

    base: Expression
    member: Name


@dataclass(frozen=True, slots=True, eq=False)
class Argument(Node):
    """One argument of a call, with its keyword if it has one."""

    keyword: Name | None
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """``f(x; a, k=b) as label`` or ``x |> f(a, k=b) as label``.

    Attributes:
        callee: what is called: a name, or a member of an imported file.
        tensors: arguments before the ``;``; for a pipe the piped value comes first.
        statics: arguments after it.
        semicolon: whether a ``;`` was written, or the call is a pipe.
        label: the name given with ``as``.
    """

    callee: Name | Member
    tensors: tuple[Argument, ...]
    statics: tuple[Argument, ...]
    semicolon: bool
    label: Name | None

    @property
    def name(self) -> str:
        """The name of what is called, without that of the file it comes from."""
        return self.callee.member.name if isinstance(self.callee, Member) else self.callee.name


@dataclass(frozen=True, slots=True, eq=False)
class Count(Node):
    """How many are chosen: ``2``, ``1..=2``, ``any``, ``(n)``.

    Attributes:
        low: smallest number, None for ``any``.
        high: largest number, included; the same node as `low` when one number is given.
    """

    low: Expression | None
    high: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Arm(Node):
    """One alternative of a choice: ``name: value when condition``."""

    name: Name
    value: Expression
    condition: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class ChooseFrom(Node):
    """``choose count name from source``."""

    count: Count | None
    name: Name
    source: Expression


@dataclass(frozen=True, slots=True, eq=False)
class ChooseArms(Node):
    """``choose count name { arm arm ... }``."""

    count: Count | None
    name: Name
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True, eq=False)
class If(Node):
    """``if condition { then } else { otherwise }``."""

    condition: Expression
    then: Expression
    otherwise: Expression


Expression: TypeAlias = (
    "Name | Literal | ListDisplay | TupleDisplay | Comprehension | Unary | Binary | RangeDisplay | Index"
    " | Slice | Member | Call | ChooseFrom | ChooseArms | If"
)


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Node):
    """``a, b = value``."""

    targets: tuple[Name, ...]
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Append(Node):
    """``xs += value``."""

    target: Name
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class For(Node):
    """``for targets in source { body }``."""

    targets: Targets
    source: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Return(Node):
    """``return value``."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Require(Node):
    """``require condition, "message"``."""

    condition: Expression
    message: str | None


Statement: TypeAlias = "Assign | Append | For | Return | Require"


@dataclass(frozen=True, slots=True, eq=False)
class TypeSyntax(Node):
    """``f32[3, 224, 224]``, with a star for a list of such tensors."""

    dtype: Name
    dimensions: tuple[Expression, ...]
    many: bool


@dataclass(frozen=True, slots=True, eq=False)
class TensorParameter(Node):
    """A parameter before the ``;``."""

    name: Name
    type: TypeSyntax | None


@dataclass(frozen=True, slots=True, eq=False)
class StaticParameter(Node):
    """A parameter after the ``;``."""

    name: Name
    default: Expression | None


@dataclass(frozen=True, slots=True, eq=False)
class Definition(Node):
    """An ``op``, ``block``, ``cell`` or ``network``.

    Attributes:
        kind: which of the four.
        name: its name.
        tensors: parameters before the ``;``.
        statics: parameters after it.
        body: statements; ``= value`` stands for one `Return`.
    """

    kind: str
    name: Name
    tensors: tuple[TensorParameter, ...]
    statics: tuple[StaticParameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Import(Node):
    """``import "other.loom"`` or ``import "other.loom" as other``.

    Attributes:
        path: the text between the quotes.
        alias: the name given with ``as``.
    """

    path: str
    alias: Name | None


@dataclass(frozen=True, slots=True)
class File:
    """A parsed source text.

    Attributes:
        source: the text.
        imports: its imports.
        requires: the requirements outside any definition.
        definitions: in source order.
    """

    source: Source
    imports: tuple[Import, ...]
    requires: tuple[Require, ...]
    definitions: tuple[Definition, ...]
