"""The rules of the IR, checked on a whole module, and all violations reported at once.

* The entry is a network; callees stand before their callers, so that nothing recurses.
* SSA: every operand is an input of the function or a result of an earlier operation.
* Operations have their definition's attributes, of the right kinds, and results of the types it infers.
* Calls agree with their callee; only list operations have presence, one condition for each operand.
* Decisions are declared with the domain they are used with; selectors stay in range.
* One weight path is one weight: two operations share it only when they are the same operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from .agreement import types_agree
from .builder import complete_attributes
from .collector import collector_paused
from .decision import Decision
from .definition import REQUIRED, InferenceError, OpDefinition, require_now
from .diagnostic import UserError
from .expression import Expr, all_of, apply, expressions, same
from .graph import Function, Module, Operation, Value
from .kinds import ATTRIBUTE_KINDS, BOOLEAN, INTEGER, NAMES, fits, kind_of
from .printer import print_operation, value_names
from .source import Span
from .weight_paths import weight_conflicts

FUNCTION_KINDS = ("op", "block", "cell", "network")
"""What a function can be an instance of."""

_SHOWN = 20
"""Most problems that a message spells out."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One violated rule.

    Attributes:
        message: what is wrong.
        function: name of the function, or None for the module itself.
        line: the operation as the printer writes it, or None.
        span: where the source asked for it, or None.
    """

    message: str
    function: str | None = None
    line: str | None = None
    span: Span | None = None

    @property
    def place(self) -> str:
        """Function and operation, for messages."""
        where = "the module" if self.function is None else f"@{self.function}"
        return where if self.line is None else f"{where}: {self.line}"

    def __str__(self) -> str:
        return f"{self.message}\n    in {self.place}"


class VerificationError(UserError):
    """A module that breaks rules of the IR.

    Attributes:
        problems: all violations found.
    """

    def __init__(self, name: str, found: list[Problem]) -> None:
        """Wrap the problems, which must not be empty, of the module called `name`."""
        listed = "\n".join(f"  {p}" for p in found[:_SHOWN])
        more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        super().__init__(
            f"module @{name} is not valid: {len(found)} problem{'s' * (len(found) > 1)}\n{listed}{more}"
        )
        self.problems = tuple(found)


def verify(module: Module) -> None:
    """Check every rule of the IR.

    Raises:
        VerificationError: listing all violations.
    """
    found = problems(module)
    if found:
        raise VerificationError(module.name, found)


def problems(module: Module) -> list[Problem]:
    """All violations of the rules, in the order of the module's text; empty for a valid module."""
    with collector_paused():
        return _problems(module)


def _problems(module: Module) -> list[Problem]:
    found = list(_module_problems(module))
    known: dict[str, Function] = {}
    for name, function in module.functions.items():
        found += _FunctionChecker(module, known, name, function).problems()
        known[name] = function
    # weight paths only make sense where calls resolve
    if not found:
        found += _weight_problems(module)
    return found


def _weight_problems(module: Module) -> Iterator[Problem]:
    for function, conflicts in groupby(weight_conflicts(module), lambda c: c.function):
        names = value_names(function)
        for conflict in conflicts:
            op = conflict.operation
            yield Problem(conflict.message, function.name, print_operation(op, names), op.span)


def _module_problems(module: Module) -> Iterator[Problem]:
    for name, decision in module.decisions.items():
        if name != decision.name:
            yield Problem(f"decision '{decision.name}' is entered as '{name}'")
        if len(decision.domain) < 2:
            yield Problem(f"decision '{name}' has fewer than two values", span=decision.span)
        if len({(type(v), v) for v in decision.domain}) < len(decision.domain):
            yield Problem(f"decision '{name}' has a value twice", span=decision.span)
    for constraint in module.constraints:
        if not fits(constraint.condition, BOOLEAN):
            yield Problem(
                f"the condition of '{constraint.message}' is not true or false", span=constraint.span
            )
        for message in undeclared(module, expressions(constraint.condition)):
            yield Problem(message, span=constraint.span)
    if not module.functions:
        yield Problem("the module has no function")
    elif module.entry.kind != "network":
        message = f"the last function is the entry and must be a network, not '{module.entry.kind}'"
        yield Problem(message, module.entry.name, span=module.entry.span)


def undeclared(module: Module, found: Iterable[Expr]) -> Iterator[str]:
    """A message for each decision that expressions mention and the module does not declare so."""
    for decision in _mentioned(found):
        declared = module.decisions.get(decision.name)
        if declared is None:
            yield f"decision '{decision.name}' is not declared"
        elif declared != decision:
            yield f"decision '{decision.name}' is used with another domain than declared"


def _mentioned(found: Iterable[Expr]) -> Iterator[Decision]:
    seen: set[Decision] = set()
    for expr in found:
        for decision in expr.decisions:
            if decision not in seen:
                seen.add(decision)
                yield decision


class _FunctionChecker:
    """Checks one function; `known` are the functions before it."""

    def __init__(self, module: Module, known: dict[str, Function], name: str, function: Function) -> None:
        self.module = module
        self.known = known
        self.name = name
        self.function = function
        self.defined: set[int] = set()
        # by identity: types of plain positive dimensions, which many values share
        self.sound: set[int] = set()
        self.found: list[Problem] = []
        self.names: dict[int, str] | None = None

    def problems(self) -> list[Problem]:
        self.head()
        for op in self.function.operations:
            self.operation(op)
        self.outputs()
        return self.found

    def report(self, message: str, op: Operation | None = None) -> None:
        if op is None:
            self.found.append(Problem(message, self.name, None, self.function.span))
            return
        self.names = self.names or value_names(self.function)
        self.found.append(Problem(message, self.name, print_operation(op, self.names), op.span))

    def head(self) -> None:
        function = self.function
        if function.name != self.name:
            self.report(f"function '{function.name}' is entered as '{self.name}'")
        if function.kind not in FUNCTION_KINDS:
            self.report(f"'{function.kind}' is no kind of function: {', '.join(FUNCTION_KINDS)}")
        for position, value in enumerate(function.inputs):
            if value.producer is not None or value.index != position:
                self.report(f"input {position} is the result of an operation or has another position")
            if id(value) in self.defined:
                self.report(f"input {position} occurs twice")
            self.defined.add(id(value))
            self.check_type(value, None)
        arguments = [e for a in function.arguments.values() for e in expressions(a)]
        for message in undeclared(self.module, arguments):
            self.report(f"in the static arguments: {message}")

    def outputs(self) -> None:
        if not self.function.outputs:
            self.report("the function returns nothing")
        for position, value in enumerate(self.function.outputs):
            if id(value) not in self.defined:
                self.report(f"output {position} is not defined in the function")

    def operation(self, op: Operation) -> None:
        before = len(self.found)
        self.check_operands(op)
        self.check_presence(op)
        self.check_decisions(op)
        if op.name == "call":
            self.check_call(op)
        else:
            self.check_attributes(op)
        if op.name == "choice":
            self.check_selector(op)
        self.check_results(op)
        if len(self.found) == before and op.name != "call":
            self.check_inference(op)

    def check_operands(self, op: Operation) -> None:
        expected = len(op.definition.operands)
        if not op.definition.variadic and len(op.operands) != expected:
            self.report(f"'{op.name}' takes {expected} operands, got {len(op.operands)}", op)
        if op.definition.variadic and not op.operands and op.name != "call":
            self.report(f"'{op.name}' needs an operand", op)
        for position, value in enumerate(op.operands):
            if id(value) not in self.defined:
                self.report(f"operand {position} is not defined above", op)

    def check_presence(self, op: Operation) -> None:
        if not op.presence:
            return
        if not op.definition.variadic or op.name in ("call", "choice"):
            self.report(f"'{op.name}' has presence, which only list operations have", op)
        if len(op.presence) != len(op.operands):
            self.report(f"{len(op.presence)} presences for {len(op.operands)} operands", op)
        if not all(fits(p, BOOLEAN) for p in op.presence):
            self.report("a presence is not true or false", op)

    def check_decisions(self, op: Operation) -> None:
        found = op.expressions()
        for value in op.results:
            if id(value.type) not in self.sound:
                found += expressions(value.type.shape)
        if found:
            for message in undeclared(self.module, found):
                self.report(message, op)

    def check_attributes(self, op: Operation) -> None:
        definition = op.definition
        for attribute in definition.attributes:
            if attribute.name not in op.attributes:
                what = "needs" if attribute.default is REQUIRED else "lacks the default of"
                self.report(f"'{op.name}' {what} '{attribute.name}'", op)
        known = _kinds(definition)
        for name, value in op.attributes.items():
            kind = known.get(name)
            if kind is None:
                self.report(f"'{op.name}' has no attribute '{name}'", op)
                continue
            for item in value if isinstance(value, tuple) else (value,):
                if not fits(item, kind):
                    self.report(f"'{name}' is {NAMES[kind]}, got {NAMES[kind_of(item)]}", op)

    def check_call(self, op: Operation) -> None:
        name = op.attributes.get("callee")
        if set(op.attributes) != {"callee", "param"} or not all(
            isinstance(v, str) for v in op.attributes.values()
        ):
            self.report("a call has the attributes 'callee' and 'param', both texts", op)
        callee = self.known.get(name) if isinstance(name, str) else None
        if callee is None:
            late = name in self.module.functions
            self.report(f"'@{name}' stands after its caller" if late else f"unknown function '@{name}'", op)
            return
        if len(op.operands) != len(callee.inputs):
            self.report(f"'@{name}' takes {len(callee.inputs)} tensors, got {len(op.operands)}", op)
        for position, (given, wanted) in enumerate(zip(op.operands, callee.inputs, strict=False)):
            if not types_agree(given.type, wanted.type):
                self.report(f"operand {position} is {given.type}, '@{name}' takes {wanted.type}", op)
        results = [v.type for v in op.results]
        promised = [v.type for v in callee.outputs]
        if len(results) != len(promised) or not all(map(types_agree, results, promised)):
            self.report(f"'@{name}' returns {', '.join(map(str, promised))}", op)

    def check_selector(self, op: Operation) -> None:
        selector: Any = op.attributes.get("selector")
        if not fits(selector, INTEGER):
            return
        inside = all_of(apply("<=", 0, selector), apply("<", selector, len(op.operands)))
        if inside is True or (isinstance(inside, Expr) and inside.table is None):
            return
        self.report(f"the selector can be outside of the {len(op.operands)} alternatives", op)

    def check_results(self, op: Operation) -> None:
        if not op.results:
            self.report(f"'{op.name}' has no result", op)
        for position, value in enumerate(op.results):
            if value.producer is not op or value.index != position:
                self.report(f"result {position} belongs to another operation or position", op)
            if id(value) in self.defined:
                self.report(f"result {position} is defined twice", op)
            self.defined.add(id(value))
            self.check_type(value, op)

    def check_type(self, value: Value, op: Operation | None) -> None:
        if id(value.type) in self.sound:
            return
        for size in value.type.shape:
            if not fits(size, INTEGER) or (isinstance(size, int) and size < 1):
                self.report(f"a dimension of {value.type} is not a positive integer", op)
                return
            if op is None:
                for message in undeclared(self.module, expressions(size)):
                    self.report(message)
        if value.type.static:
            self.sound.add(id(value.type))

    def check_inference(self, op: Operation) -> None:
        try:
            complete = complete_attributes(op.definition, op.attributes)
            short = [n for n, value in complete.items() if not _same_attribute(value, op.attributes[n])]
            types = () if short else op.definition.infer(op, require_now)
        except (InferenceError, UserError, ArithmeticError, TypeError, ValueError) as error:
            self.report(str(error), op)
            return
        for name in short:
            self.report(f"'{name}' is not in its full form (a pair for each spatial axis)", op)
        if short:
            return
        if len(types) != len(op.results):
            self.report(f"'{op.name}' has {len(types)} results, not {len(op.results)}", op)
        for value, inferred in zip(op.results, types, strict=False):
            if not types_agree(value.type, inferred):
                self.report(f"the type is {inferred}, not {value.type}", op)


@cache
def _kinds(definition: OpDefinition) -> dict[str, str]:
    """The kind of value that each attribute takes."""
    return {a.name: ATTRIBUTE_KINDS[a.kind] for a in definition.attributes}


def _same_attribute(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return not isinstance(b, (tuple, list)) and same(a, b)
