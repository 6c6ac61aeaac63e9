"""The state of one function while it is elaborated, and of the whole elaboration around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from drawloom.ir import (
    Constraint,
    Decision,
    Diagnostic,
    DiagnosticError,
    Expr,
    Function,
    FunctionBuilder,
    InferenceError,
    Label,
    Scalar,
    Span,
    UserError,
    Value,
)
from drawloom.ir.text import FreeNames

from . import limits
from .complexity import too_complex_type
from .proof import implied
from .syntax import Definition, Node
from .values import Placed


class Fault(Exception):
    """Stops the evaluation of a statement whose error has been reported."""


ERROR = Fault("a value that could not be computed")
"""The value of a name whose statement failed; using it fails silently, so that one mistake is reported
once."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A definition elaborated for certain arguments.

    Attributes:
        function: the function in the IR.
        result: the value it returns, with the function's outputs in place of tensors.
        decides: whether it makes decisions that belong to the call.
        obligations: conditions inference relies on that its own guards could not show.
        requirements: conditions of ``require`` that depend on decisions.
    """

    function: Function
    result: Any
    decides: bool
    obligations: tuple[Constraint, ...]
    requirements: tuple[Constraint, ...]


@dataclass
class Elaboration:
    """State shared by all functions of a module.

    Attributes:
        scopes: what each file sees by name, definitions, primitives and built-in functions, by its source.
        decisions: decisions made so far, by name.
        functions: finished functions, callees first.
        instances: elaborated definitions by key; None while its elaboration failed.
        stack: definitions being elaborated with the call that asked for each, outermost first.
        diagnostics: errors found so far.
        names: for each definition, how many functions have been named after it.
        steps: expressions and statements evaluated so far.
        operations: operations made so far.
        agreeing: sets of functions that have been found to agree in the weights that they can share.
        observe: is told the value of every expression that gets one, for editors; None costs nothing.
    """

    scopes: Mapping[str, Mapping[str, Any]]
    decisions: dict[str, Decision] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    instances: dict[Any, Instance | None] = field(default_factory=dict)
    stack: list[tuple[Definition, Span | None]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    operations: int = 0
    reported: set[tuple[str, str, int]] = field(default_factory=set)
    agreeing: set[frozenset[str]] = field(default_factory=set)
    observe: Callable[[Node, Any], None] | None = None

    def names_in(self, definition: Definition) -> Mapping[str, Any]:
        """What the file of a definition sees."""
        return self.scopes[definition.span.source.name]

    def report(self, diagnostic: Diagnostic) -> None:
        """Record an error, once for each place and code.

        Raises:
            DiagnosticError: when there are too many to be of use.
        """
        span = diagnostic.label.span
        key = (diagnostic.code, span.source.name, span.start)
        if key in self.reported:
            return
        self.reported.add(key)
        self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= limits.ERRORS or diagnostic.code == "E0701":
            self.raise_errors()

    def raise_errors(self) -> None:
        """Raise what was found, in source order.

        Raises:
            DiagnosticError: when anything was found.
        """
        if self.diagnostics:
            ordered = sorted(self.diagnostics, key=lambda d: (d.label.span.source.name, d.label.span.start))
            raise DiagnosticError(ordered)

    def function_name(self, wanted: str) -> str:
        """A name for a function that no other has."""
        number = self.names.get(wanted, 0)
        name = f"{wanted}_{number}" if number else wanted
        while name in self.functions:  # a definition may be called like a numbered one
            number += 1
            name = f"{wanted}_{number}"
        self.names[wanted] = number + 1
        return name

    def step(self, span: Span) -> None:
        """Count one step.

        Raises:
            DiagnosticError: when there were too many.
        """
        self.steps += 1
        if self.steps > limits.STEPS:
            self.too_much(f"more than {limits.STEPS} steps", span)

    def too_much(self, what: str, span: Span) -> NoReturn:
        """Refuse to go on.

        Raises:
            DiagnosticError: always, together with what was found before.
        """
        self.report(Diagnostic("E0701", f"this network is too large: {what}", Label(span)))
        raise Fault


@dataclass(frozen=True, slots=True)
class _Component:
    """One part of a path, as in the names of decisions (``stage[2]``) and of weights (``stage.2``)."""

    decision: str
    param: str


class _SharedPaths:
    """The weight paths of calls that share them: the first call takes them, all others get them again."""

    def __init__(self) -> None:
        self.first = True
        self._taken: list[str] = []
        self._next = 0

    def again(self) -> None:
        """Begin the next call."""
        self.first, self._next = False, 0

    def path(self, fresh: Callable[[], str]) -> str:
        """The next path, which the first call makes."""
        if self.first:
            self._taken.append(fresh())
        self._next += 1
        return self._taken[self._next - 1]


class Frame:
    """One function under elaboration.

    Attributes:
        shared: the elaboration it is part of.
        globals: what the file of its definition sees.
        kind: ``op``, ``block``, ``cell`` or ``network``.
        builder: collects its operations.
        env: names bound in its body.
        scope: path that prefixes the names of its decisions, empty for the network.
        decides: whether it has made decisions.
        obligations: conditions inference relies on that could not be shown.
        requirements: decided conditions of ``require``.
        forbidden: why ``choose`` is not allowed here, or None.
        guards: conditions known to hold where evaluation stands.
        in_require: whether a ``require`` is being evaluated, where prices of the network are known.
    """

    def __init__(self, shared: Elaboration, definition: Definition, scope: str) -> None:
        kind = definition.kind
        self.shared = shared
        self.globals = shared.names_in(definition)
        self.kind = kind
        self.scope = scope
        self.builder = FunctionBuilder(definition.name.name, kind, require=self._require)
        self.env: dict[str, Any] = {}
        self.decides = False
        self.obligations: list[Constraint] = []
        self.requirements: list[Constraint] = []
        self.forbidden: str | None = "an op is a leaf and decides nothing" if kind == "op" else None
        self.in_require = False
        self._path: list[_Component] = []
        self.guards: list[Scalar] = []
        self._decided: dict[str, Span] = {}
        self._called: dict[str, Span] = {}
        self._params: set[str] = set()
        self._prefixes: set[str] = set()
        self._free_paths = FreeNames(lambda path: path in self._params or path in self._prefixes)
        self._free_prefixes = FreeNames(self._params.__contains__)
        self._shared_paths: _SharedPaths | None = None
        self._span: Span | None = None

    # Errors

    def fail(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        others: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
    ) -> NoReturn:
        """Report an error and stop evaluating the statement.

        Raises:
            Fault: always.
        """
        labels = tuple(others)
        call = self.shared.stack[-1][1] if self.shared.stack else None
        if call is not None and all(call != place for place in (span, *(o.span for o in labels))):
            labels += (Label(call, "in this call"),)
        self.shared.report(Diagnostic(code, message, Label(span, label), labels, tuple(notes), help))
        raise Fault

    # Paths and guards

    @contextmanager
    def component(self, decision: str, param: str) -> Iterator[None]:
        """Prefix the names of decisions and weights made inside."""
        self._path.append(_Component(decision, param))
        try:
            yield
        finally:
            self._path.pop()

    @contextmanager
    def guard(self, condition: Scalar) -> Iterator[None]:
        """Know a condition to hold inside."""
        self.guards.append(condition)
        try:
            yield
        finally:
            self.guards.pop()

    @contextmanager
    def forbid_choose(self, reason: str) -> Iterator[None]:
        """Allow no decisions inside."""
        before, self.forbidden = self.forbidden, reason
        try:
            yield
        finally:
            self.forbidden = before

    @contextmanager
    def environment(self, env: dict[str, Any], definition: Definition) -> Iterator[None]:
        """Evaluate what stands in the head of a definition inside: other bindings, the names of its file."""
        before = self.env, self.globals
        self.env, self.globals = env, self.shared.names_in(definition)
        try:
            yield
        finally:
            self.env, self.globals = before

    def decision_path(self, last: str) -> str:
        """The full name of a decision, or the scope of a call, made here."""
        parts = [self.scope, *(c.decision for c in self._path), last]
        return ".".join(p for p in parts if p)

    def param_path(self, last: str) -> str:
        """A path for weights made here, relative to the function; numbered when it is taken."""
        if self._shared_paths is not None:
            return self._shared_paths.path(lambda: self._new_param_path(last))
        return self._new_param_path(last)

    def _new_param_path(self, last: str) -> str:
        path = self._free_paths.of(f"{self._param_prefix()}{last}")
        self._params.add(path)
        return path

    def _param_prefix(self) -> str:
        """The components of weight paths, each numbered away from an operation of that name."""
        prefix = ""
        for component in self._path:
            if not component.param:
                continue
            prefix = self._free_prefixes.of(f"{prefix}{component.param}")
            self._prefixes.add(prefix)
            prefix += "."
        return prefix

    def sharing(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """The values of calls that have the weights and decisions of the first."""
        shared = self._shared_paths = _SharedPaths()
        values = []
        try:
            for call in calls:
                values.append(call())
                shared.again()
        finally:
            self._shared_paths = None
        return values

    def claim_decision(self, path: str, span: Span) -> None:
        """Take the name of a decision; two of one name in a function are an error."""
        self._claim(self._decided, path, span, "decisions", "give one of them another word after 'choose'")

    def claim_call(self, path: str, span: Span) -> None:
        """Take the scope of a call that decides something; two such calls of one scope are an error."""
        if self._shared_paths is not None and not self._shared_paths.first:
            return
        self._claim(
            self._called, path, span, "calls that decide something", "label one of them: `f(x) as name`"
        )

    def _claim(self, taken: dict[str, Span], path: str, span: Span, what: str, repair: str) -> None:
        if path not in taken:
            taken[path] = span
            return
        first = taken[path]
        others = [] if first == span else [Label(first, "the first is here")]
        self.fail("E0303", f"two {what} are named '{path}'", span, others=others, help=repair)

    # Conditions

    def _require(
        self, condition: Any, message: str, *, operand: int | None = None, attribute: str | None = None
    ) -> None:
        """The `drawloom.ir.Require` of this function."""
        if condition is True:
            return
        if not isinstance(condition, Expr):
            if not condition:
                raise InferenceError(message, operand=operand, attribute=attribute)
            return
        unproven = implied(self.guards, condition)
        if unproven is not True:
            self.obligations.append(Constraint(unproven, message, filters=False, span=self._span))

    def demand(self, condition: Scalar, message: str, span: Span) -> None:
        """Record a decided ``require`` as it holds under the guards here."""
        needed = implied(self.guards, condition)
        if needed is not True:
            self.requirements.append(Constraint(needed, message, filters=True, span=span))

    @property
    def guarded(self) -> bool:
        """Whether what is evaluated now holds only for some assignments."""
        return any(isinstance(g, Expr) for g in self.guards)

    def inherit(self, instance: Instance) -> None:
        """Take over what a callee could not show, weakened by the guards of the call."""
        for constraint in instance.obligations:
            unproven = implied(self.guards, constraint.condition)
            if unproven is not True:
                self.obligations.append(_with_condition(constraint, unproven))
        for constraint in instance.requirements:
            needed = implied(self.guards, constraint.condition)
            if needed is not True:
                self.requirements.append(_with_condition(constraint, needed))

    # Operations

    def emit(self, span: Span, blame: Blame, make: Callable[[], Any]) -> Any:
        """Run something that adds operations and report what does not fit at the guilty argument.

        Args:
            span: the text that asks for it.
            blame: the places of operands and attributes.
            make: adds the operations and returns their value.
        """
        before, self._span = self._span, span
        try:
            made = make()
        except InferenceError as error:
            place = blame.place(error.operand, error.attribute) or span
            self.fail("E0502", _sentence(str(error)), place)
        except UserError as error:
            self.fail("E0502", _sentence(str(error)), span)
        except ArithmeticError as error:
            self.fail("E0502", f"the shape of this cannot be computed: {error}", span)
        finally:
            self._span = before
        values = made if isinstance(made, tuple) else (made,)
        if any(too_complex_type(v.type) for v in values):
            self.fail("E0701", "the shape of this depends on decisions in too many ways", span)
        self.shared.operations += 1
        if self.shared.operations > limits.OPERATIONS:
            self.shared.too_much(f"more than {limits.OPERATIONS} operations", span)
        return made

    def operation(
        self,
        name: str,
        operands: list[Value],
        attributes: dict[str, Any],
        span: Span,
        blame: Blame,
        presence: tuple[Scalar, ...] = (),
    ) -> Value:
        """Add an operation with one result."""
        made: Value = self.emit(
            span, blame, lambda: self.builder.op(name, operands, attributes, presence=presence, span=span)
        )
        for dimension in made.type.shape:
            if isinstance(dimension, int) and not 1 <= dimension <= limits.DIMENSION:
                self.fail(
                    "E0502", f"this gives a tensor of type {made.type}", span, "a dimension is out of range"
                )
        return made


@dataclass(frozen=True, slots=True)
class Blame:
    """Where the operands and attributes of an operation were written."""

    operands: tuple[Span, ...] = ()
    attributes: Mapping[str, Placed] = field(default_factory=dict)

    def place(self, operand: int | None, attribute: str | None) -> Span | None:
        """The text of an operand or attribute, None when it was not written."""
        if operand is not None and operand < len(self.operands):
            return self.operands[operand]
        if attribute is not None and attribute in self.attributes:
            return self.attributes[attribute].span
        return None


def _with_condition(constraint: Constraint, condition: Scalar) -> Constraint:
    return Constraint(condition, constraint.message, constraint.filters, constraint.span)


def _sentence(message: str) -> str:
    return message.removesuffix(".")
