"""What expressions of the language evaluate to: scalars, tensors, tuples, lists, ranges and things to call.

Scalars are `drawloom.ir.Scalar`, tensors `drawloom.ir.Value`, tuples Python tuples; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drawloom.ir import Decision, Expr, Scalar, Span, Value, index_of
from drawloom.ir.expression import apply, same, select, where

from .syntax import Definition

if TYPE_CHECKING:
    from .arguments import Given
    from .frame import Frame


@dataclass(frozen=True, slots=True)
class ListValue:
    """A list.

    Attributes:
        items: its elements.
        presence: one scalar an element: is it in the list? Empty means all always are.
        selection: the k-of-n decision that made the list, whose j-th member then is ``item(@selection, j)``.
        names: what the text calls the elements, where all have a name; for labels of decisions.
    """

    items: tuple[Any, ...]
    presence: tuple[Scalar, ...] = ()
    selection: Decision | None = None
    names: tuple[str, ...] = ()

    def present(self, position: int) -> Scalar:
        """Whether an element is in the list."""
        return self.presence[position] if self.presence else True


def make_list(items: Sequence[Any], presence: Sequence[Scalar]) -> ListValue:
    """A list with presence, without members known to be absent and flags that are always true."""
    kept = [(item, p) for item, p in zip(items, presence, strict=True) if p is not False]
    flags = tuple(p for _, p in kept)
    return ListValue(tuple(item for item, _ in kept), () if all(f is True for f in flags) else flags)


@dataclass(frozen=True, slots=True)
class RangeValue:
    """The whole numbers from `start` up to `stop`, which is left out; bounds may depend on decisions."""

    start: Scalar
    stop: Scalar


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of the language on shapes, numbers and lists; it makes no operation.

    Attributes:
        name: its name.
        least: smallest number of arguments.
        most: largest number, None for any number.
        compute: the value, from the frame, the arguments with their places, and the place of the call.
        names: of its arguments, where they may be given by name.
    """

    name: str
    least: int
    most: int | None
    compute: Callable[[Frame, list[Placed], Span], Any] = field(repr=False)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A value together with the text it comes from."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """A static parameter of a primitive.

    Attributes:
        name: its name in the language.
        kind: as of `drawloom.ir.Attribute`: ``int``, ``ints``, ``float``, ``bool``, ``string`` or ``shape``.
        required: whether it must be given.
        default: from the arguments bound so far, its value when left out; None leaves it to the operation.
    """

    name: str
    kind: str
    required: bool
    default: Callable[[dict[str, Any]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Primitive:
    """An operation of the IR under its name in the language.

    Attributes:
        name: name in the language.
        operation: name in the IR.
        tensors: names of the tensor operands.
        variadic: whether it takes any number of tensors and lists of tensors.
        parameters: static parameters in order; each sets the attribute of its name.
        weighted: whether it owns weights.
    """

    name: str
    operation: str
    tensors: tuple[str, ...]
    variadic: bool
    parameters: tuple[Parameter, ...]
    weighted: bool


@dataclass(frozen=True, slots=True)
class Defined:
    """An ``op``, ``block``, ``cell`` or ``network`` of a text."""

    definition: Definition

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name.name


@dataclass(frozen=True, slots=True)
class Partial:
    """A callable with some static arguments already given.

    Attributes:
        callee: what will be called.
        positional: static arguments in order.
        keywords: static arguments by name.
    """

    callee: Callee
    positional: tuple[Placed, ...]
    keywords: tuple[tuple[str, Placed], ...]

    @property
    def name(self) -> str:
        """The name of what will be called."""
        return self.callee.name


@dataclass(frozen=True, slots=True)
class DecidedCallable:
    """One of several callables, by a decision."""

    choice: Chooser
    options: tuple[Callee, ...]

    @property
    def name(self) -> str:
        """The names of the options, for messages."""
        return " or ".join(o.name for o in self.options)


@dataclass(frozen=True, slots=True)
class Template:
    """A function of the language that makes operations, by applying what it is given.

    Attributes:
        name: its name.
        least: smallest number of tensors before the ``;``.
        most: largest number, None for any number.
        parameters: names of its static arguments.
        required: how many of them must be given.
        expand: the value, from the frame, the call, and its static arguments by name.
    """

    name: str
    least: int
    most: int | None
    parameters: tuple[str, ...]
    required: int
    expand: Callable[[Frame, Given, dict[str, Placed]], Any] = field(repr=False)


Callee = Builtin | Template | Primitive | Defined | Partial | DecidedCallable


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """The definitions of a file imported under a name.

    Attributes:
        name: that name.
        members: the definitions by name; an error value for one that could not be read.
    """

    name: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RandomGraph:
    """A random graph, by the arguments of its generator.

    Attributes:
        generator: name of the generator.
        nodes: number of nodes.
        parameters: the other arguments of the generator, in its order; the last is the seed.
    """

    generator: str
    nodes: int
    parameters: tuple[Scalar, ...]


class NetworkMark:
    """The value of the word ``network`` in ``params(network)``."""


NETWORK = NetworkMark()


@dataclass(frozen=True, slots=True)
class Chooser:
    """Which of several alternatives holds.

    Attributes:
        position: the position of the alternative, a scalar.
        condition: for two alternatives by a condition, that condition; the first holds when it does.
    """

    position: Scalar
    condition: Expr | None = None

    @staticmethod
    def by_condition(condition: Expr) -> Chooser:
        """The first of two alternatives where the condition holds."""
        return Chooser(where(condition, 0, 1), condition)

    @staticmethod
    def by_decision(decision: Decision) -> Chooser:
        """The alternative at the position of the decision's value."""
        return Chooser(index_of(decision))

    def scalar(self, options: Sequence[Scalar]) -> Scalar:
        """The alternative among scalars."""
        chosen: Scalar
        if self.condition is not None:
            chosen = where(self.condition, options[0], options[1])
        else:
            chosen = select(self.position, options)
        return chosen

    def guard(self, alternative: int) -> Scalar:
        """The condition under which an alternative holds."""
        guard: Scalar
        if self.condition is not None:
            guard = self.condition if alternative == 0 else apply("not", self.condition)
        else:
            guard = apply("==", self.position, alternative)
        return guard


def is_scalar(value: Any) -> bool:
    """Whether a value is a number, a truth value, a text or an expression."""
    return isinstance(value, (int, float, bool, str, Expr))


def is_callable(value: Any) -> bool:
    """Whether a value can be called."""
    return isinstance(value, (Builtin, Template, Primitive, Defined, Partial, DecidedCallable))


_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a truth value"),
    ((int, float), "a number"),
    (str, "a text"),
    (Value, "a tensor"),
    (tuple, "a tuple"),
    (ListValue, "a list"),
    (RangeValue, "a range"),
    (Builtin, "a function on numbers and shapes"),
    (Defined, "a definition"),
    ((Primitive, Partial, DecidedCallable), "an operation"),
    (NetworkMark, "the network"),
    (Template, "a function on tensors"),
    (Namespace, "an imported file"),
    (RandomGraph, "a random graph"),
)


def describe(value: Any) -> str:
    """What kind of thing a value is, for messages."""
    if isinstance(value, Expr):
        kind = kind_of(value)
        return {"bool": "a decided truth value", "text": "a decided text"}.get(kind, "a decided number")
    if isinstance(value, Defined):
        return f"{'an' if value.definition.kind == 'op' else 'a'} {value.definition.kind}"
    return next((name for types, name in _NAMES if isinstance(value, types)), "something else")


_LOGICAL = {"==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "has", "random_edge"}


def kind_of(scalar: Scalar) -> str:
    """``bool``, ``number``, ``text``, or ``members`` for the raw value of a k-of-n decision."""
    if isinstance(scalar, Expr):
        if scalar.operator in _LOGICAL:
            return "bool"
        if scalar.operator == "decision":
            return kind_of(scalar.args[0].domain[0])
        if scalar.operator in ("where", "select"):
            return kind_of(scalar.args[1])
        return "number"
    if isinstance(scalar, bool):
        return "bool"
    if isinstance(scalar, tuple):
        return "members"
    return "text" if isinstance(scalar, str) else "number"


def tensors_in(value: Any) -> Iterator[Value]:
    """The tensors in a value, in order."""
    if isinstance(value, Value):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, ListValue):
        for item in value.items:
            yield from tensors_in(item)


def replace_tensors(value: Any, replacements: Iterator[Value]) -> Any:
    """The value with its tensors replaced, in the order of `tensors_in`."""
    if isinstance(value, Value):
        return next(replacements)
    if isinstance(value, tuple):
        return tuple(replace_tensors(item, replacements) for item in value)
    if isinstance(value, ListValue):
        items = tuple(replace_tensors(item, replacements) for item in value.items)
        return ListValue(items, value.presence, value.selection, value.names)
    return value


def key_of(value: Any) -> Any:
    """A hashable key, equal for values that elaborate alike.

    Tensors count by their type, expressions by identity, which is their structure.
    """
    if isinstance(value, Value):
        return (Value, value.type.dtype, tuple(key_of(d) for d in value.type.shape))
    if isinstance(value, (Expr, Defined, Builtin, Template, Primitive)):
        return value
    if isinstance(value, tuple):
        return (tuple, *(key_of(v) for v in value))
    if isinstance(value, ListValue):
        return (
            ListValue,
            value.selection,
            *(key_of(v) for v in value.items),
            *(key_of(p) for p in value.presence),
        )
    if isinstance(value, RangeValue):
        return (RangeValue, key_of(value.start), key_of(value.stop))
    if isinstance(value, RandomGraph):
        return (RandomGraph, value.generator, value.nodes, *(key_of(p) for p in value.parameters))
    if isinstance(value, Partial):
        given = (
            *(key_of(p.value) for p in value.positional),
            *((n, key_of(p.value)) for n, p in value.keywords),
        )
        return (Partial, key_of(value.callee), given)
    if isinstance(value, DecidedCallable):
        return (DecidedCallable, key_of(value.choice.position), *(key_of(o) for o in value.options))
    return (type(value), value)


def alike(a: Any, b: Any) -> bool:
    """Whether two values are certainly the same."""
    if a is b:
        return True
    if is_scalar(a) and is_scalar(b):
        return same(a, b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, ListValue) and isinstance(b, ListValue):
        return alike(a.items, b.items) and alike(a.presence, b.presence)
    if is_callable(a) and is_callable(b):
        return bool(key_of(a) == key_of(b))
    return False


def argument_text(value: Any) -> Any:
    """A static argument as a function of the IR shows it: a scalar, or a tuple of scalars."""
    if is_scalar(value):
        return value
    if isinstance(value, (tuple, ListValue)):
        items = value.items if isinstance(value, ListValue) else value
        nested = (tuple, ListValue)
        return tuple(_nested_text(v) if isinstance(v, nested) else argument_text(v) for v in items)
    if isinstance(value, RangeValue):
        return (value.start, value.stop)
    if isinstance(value, DecidedCallable):
        return value.choice.scalar([argument_text(option) for option in value.options])
    return str(getattr(value, "name", describe(value)))


def _nested_text(value: Any) -> str:
    """An item of a list, as a text where it is a list itself: ``(sep3, 0)``."""
    if not isinstance(value, (tuple, ListValue)):
        return str(argument_text(value))
    items = value.items if isinstance(value, ListValue) else value
    return f"({', '.join(map(_nested_text, items))})"
