"""The graph: values, operations, functions and modules.

All classes are slotted and immutable by convention: passes build new ones and share what they keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .decision import Decision
from .diagnostic import unknown
from .expression import Expr, expressions
from .source import Span
from .types import TensorType

if TYPE_CHECKING:
    from .definition import OpDefinition


class Value:
    """A tensor in a function: an input or a result of an operation.

    Attributes:
        type: its tensor type.
        producer: the operation it is a result of, None for inputs.
        index: its position among the inputs or results.
        name: a hint for printing, unique or not.
    """

    __slots__ = ("index", "name", "producer", "type")

    def __init__(
        self, type: TensorType, index: int = 0, name: str = "", producer: Operation | None = None
    ) -> None:
        """A value; `Operation` makes those of its results."""
        self.type = type
        self.index = index
        self.name = name
        self.producer = producer

    def __repr__(self) -> str:
        return f"<Value %{self.name or self.index}: {self.type}>"


class Operation:
    """One operation of a function.

    Attributes:
        definition: what it is; see `drawloom.ir.definition`.
        operands: values it reads.
        attributes: its static arguments, in the order of the definition: scalars or tuples of scalars;
            defaults filled in.
        presence: for list operations, one scalar an operand: is it in the list? Empty means all always are.
        results: values it makes.
        span: where the source text asks for it.
    """

    __slots__ = ("attributes", "definition", "operands", "presence", "results", "span")

    def __init__(
        self,
        definition: OpDefinition,
        operands: tuple[Value, ...],
        attributes: dict[str, Any],
        types: Iterable[TensorType] = (),
        presence: tuple[Any, ...] = (),
        span: Span | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        """See `drawloom.ir.builder.make_operation`, which infers the types."""
        self.definition = definition
        self.operands = operands
        self.attributes = attributes
        self.presence = presence
        self.span = span
        self.results = tuple(
            [Value(t, i, names[i] if i < len(names) else "", self) for i, t in enumerate(types)]
        )

    def __repr__(self) -> str:
        return f"<Operation {self.name} {self.attributes}>"

    @property
    def name(self) -> str:
        """The name of the definition, such as ``conv2d``."""
        return self.definition.name

    @property
    def result(self) -> Value:
        """The only result."""
        (result,) = self.results
        return result

    @property
    def param(self) -> str | None:
        """Path below the function under which the weights live; None for operations without weights.

        For a ``call`` it is the component that prefixes every weight of the callee.
        """
        return self.attributes.get("param")

    def present(self, position: int) -> Any:
        """Whether an operand is in the list, a scalar; True for operations without presence."""
        return self.presence[position] if self.presence else True

    def expressions(self) -> list[Expr]:
        """Every expression in the attributes and presences (not in the types)."""
        values = (*self.attributes.values(), self.presence)
        return [e for value in values if isinstance(value, (Expr, tuple)) for e in expressions(value)]


class Function:
    """An instance of an ``op``, ``block``, ``cell`` or ``network``: a graph in SSA form.

    Attributes:
        name: unique in its module: the definition's name, with a suffix where there are several instances.
        kind: ``op``, ``block``, ``cell`` or ``network``.
        inputs: its tensor parameters.
        operations: in an order in which operands come before their readers.
        outputs: returned values.
        arguments: the static arguments it was instantiated with, for people and for latency tables.
        definition: the name of the definition in the source text.
        span: where that definition stands.
    """

    __slots__ = (
        "_template",
        "arguments",
        "definition",
        "inputs",
        "kind",
        "name",
        "operations",
        "outputs",
        "span",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        inputs: tuple[Value, ...],
        operations: tuple[Operation, ...],
        outputs: tuple[Value, ...],
        arguments: Mapping[str, Any] | None = None,
        definition: str = "",
        span: Span | None = None,
    ) -> None:
        """See `drawloom.ir.builder.FunctionBuilder`."""
        self.name = name
        self.kind = kind
        self.inputs = inputs
        self.operations = operations
        self.outputs = outputs
        self.arguments = dict(arguments or {})
        self.definition = definition or name
        self.span = span
        # what `drawloom.ir.structure` derives once from a function, which never changes
        self._template: Any = None

    def __repr__(self) -> str:
        return f"<Function {self.kind} @{self.name}, {len(self.operations)} operations>"

    def calls(self) -> Iterator[Operation]:
        """Its call operations, in order."""
        return (op for op in self.operations if op.name == "call")


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition that candidates must meet.

    Attributes:
        condition: a Boolean scalar over decisions and ``metric`` leaves.
        message: what to tell when it does not hold.
        filters: True for a ``require`` of the user, which filters candidates; False for a check that
            inference could not settle
            for all assignments (dimensions that must agree), whose violation is an error of the space.
        span: where it comes from.
    """

    condition: Any
    message: str
    filters: bool = True
    span: Span | None = None


@dataclass(frozen=True)
class Module:
    """A network or a search space: decisions, functions, constraints.

    Attributes:
        name: the network's name.
        functions: by name, callees before callers; the last is the entry, of kind ``network``.
        decisions: open decisions by name, in source order, outer before inner; empty when resolved.
        constraints: conditions on candidates.
    """

    name: str
    functions: dict[str, Function]
    decisions: dict[str, Decision] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()

    @property
    def entry(self) -> Function:
        """The network."""
        return next(reversed(self.functions.values()))

    @property
    def resolved(self) -> bool:
        """Whether no decision is open."""
        return not self.decisions

    def function(self, name: str) -> Function:
        """The function of a name.

        Raises:
            UserError: when there is none.
        """
        if name not in self.functions:
            raise unknown("function", name, self.functions)
        return self.functions[name]

    def with_functions(self, functions: Iterable[Function]) -> Module:
        """The module with other functions, the entry last; itself when they are its own."""
        new = {f.name: f for f in functions}
        if len(new) == len(self.functions) and all(
            a is b for a, b in zip(new.values(), self.functions.values(), strict=True)
        ):
            return self
        return replace(self, functions=new)

    def __len__(self) -> int:
        """Number of operations of all functions, each counted once."""
        return sum(len(f.operations) for f in self.functions.values())
