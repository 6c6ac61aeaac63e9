"""Operations taken apart by decisions: one becomes a choice of several, each for some values of decisions.

What ``expand-choices`` and ``sink-choices`` share; they differ in the decisions by which an operation is
split. For every joint value of these the operation is made again: attributes and presences have the value put
in, callees are specialised to it, and operands are the alternatives that the value selects. Equal ones are
one alternative. A choice between all takes the place of the operation.

Weights: the alternatives that differ in more than the sizes of images get paths of their own, the path of the
operation followed by the number of the alternative: ``stem.conv`` becomes ``stem.conv.0``, ``stem.conv.1``.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from drawloom.ir import (
    OPS,
    TABLE_LIMIT,
    Choice,
    Decision,
    Expr,
    Function,
    InferenceError,
    Module,
    Operation,
    TensorType,
    UserError,
    Value,
    index_of,
    make_operation,
    print_function,
    substitute,
)
from drawloom.ir.agreement import types_agree
from drawloom.ir.expression import expressions, select
from drawloom.ir.weight_paths import join_path

from .assign import replaced_function
from .dce import function_expressions
from .instances import fresh_name
from .rebuild import Rewriter, copied, rebuilt, remade, specialised

Values: TypeAlias = "dict[Decision, Choice]"


class Unsplittable(Exception):
    """An operation that cannot be split."""


class Impossible(Exception):
    """What is asked for has no type: an operation that is dead for these values of decisions."""


@dataclass(frozen=True, slots=True)
class Split:
    """By what an operation is split.

    Attributes:
        decisions: the ones whose values are put in.
        through: operands that are choices, of which the selected alternatives are taken.
        level: how many splits lie between the resulting choice and one of the space.
    """

    decisions: tuple[Decision, ...]
    through: frozenset[Value] = frozenset()
    level: int = 0


class Splitter(ABC):
    """Rebuilds a module with operations split; a subclass says by which decisions.

    Attributes:
        module: the module as it was.
        limit: most alternatives of one operation.
        levels: of the choices that were made; see `Split`.
        left: how many operations were left alone.
        split: how many were split.
    """

    def __init__(self, module: Module, limit: int) -> None:
        """Start with nothing split."""
        self.module = module
        self.limit = limit
        self.levels: dict[Value, int] = {}
        self.left = 0
        self.split = 0
        self._functions: dict[str, Function] = {}
        self._known: dict[tuple[str, tuple[tuple[Decision, Any], ...]], str | None] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._taken = set(module.functions)
        self._mentioned: dict[str, frozenset[Decision]] = {}
        self._signatures: dict[str, Any] = {}
        for name, function in module.functions.items():
            own = {d for e in function_expressions(function) for d in e.decisions}
            below = (self._mentioned[op.attributes["callee"]] for op in function.calls())
            self._mentioned[name] = frozenset(own.union(*below))

    @abstractmethod
    def wanted(
        self, function: Function, op: Operation, operands: tuple[Value, ...], values: Values
    ) -> Split | None:
        """By what to split an operation; None where it stays whole.

        Args:
            function: the function around it.
            op: as it was, with the decisions of `values` replaced.
            operands: what it reads now.
            values: decisions that are fixed in the function.
        """

    @abstractmethod
    def refuse(self, op: Operation, split: Split, reason: str) -> None:
        """Take note that an operation cannot be split and stays whole, or raise a UserError."""

    def run(self) -> Module:
        """The module with its operations split; the same object when none is."""
        self.function(self.module.entry, {})
        called = {self.module.entry.name}
        for function in reversed(self._functions.values()):
            if function.name in called:
                called.update(op.attributes["callee"] for op in function.calls())
        kept = {name: f for name, f in self._functions.items() if name in called}
        if kept.keys() == self.module.functions.keys() and all(
            f is self.module.functions[name] for name, f in kept.items()
        ):
            return self.module
        return replace(self.module, functions=kept)

    def function(self, function: Function, values: Values) -> Function:
        """A function for some values of decisions, with its operations split.

        Raises:
            Impossible: when it has no types for these values.
        """
        matter = {d: v for d, v in values.items() if d in self._mentioned[function.name]}
        key = (function.name, tuple(sorted(matter.items(), key=lambda item: item[0].name)))
        if key not in self._known:
            # what fails once fails again
            self._known[key] = None
            self._known[key] = self._made(function, matter).name
        name = self._known[key]
        if name is None:
            raise Impossible
        return self._functions[name]

    def _made(self, function: Function, values: Values) -> Function:
        fixed = _alive(_fixed(function, values)) if values else function
        body = _Body(self, values).rebuilt(fixed)
        text = print_function(rebuilt(body, body.inputs, body.operations, body.outputs, name="f"))
        known = self._texts.get((function.name, text))
        if known is not None:
            return self._functions[known]
        name = fresh_name(function.name, self._taken) if values else function.name
        if name != body.name:
            body = rebuilt(body, body.inputs, body.operations, body.outputs, name=name)
        self._texts[function.name, text] = name
        self._functions[name] = body
        return body

    def mentioned(self, function: str) -> frozenset[Decision]:
        """The decisions that a function of the module, or what it calls, mentions."""
        return self._mentioned[function]

    def signature(self, op: Operation) -> Any:
        """What tells the weights of two alternatives apart: static arguments, but not the sizes of images."""
        if op.name != "call":
            attributes = tuple((k, v) for k, v in op.attributes.items() if k != "param")
            weights = tuple(w.type.shape for w in op.definition.weights(op).values())
            return op.name, attributes, op.presence, weights
        callee = op.attributes["callee"]
        if callee not in self._signatures:
            self._signatures[callee] = tuple(map(self.signature, self._functions[callee].operations))
        return self._signatures[callee]

    def has_weights(self, op: Operation) -> bool:
        """Whether an operation, or what it calls, owns weights."""
        if op.name != "call":
            return op.definition.has_weights
        return any(map(self.has_weights, self._functions[op.attributes["callee"]].operations))


def relevant(scalars: Iterable[Any]) -> set[Decision]:
    """The decisions on which the values of scalars depend."""
    return {d for e in expressions(tuple(scalars)) for d in e.relevant}


def _fixed(function: Function, values: Values) -> Function:
    try:
        return replaced_function(function, values)
    except UserError:
        # a concat of nothing: no candidate has this function with these values
        raise Impossible from None


def _alive(function: Function) -> Function:
    """A function without operations that its outputs do not need, all others with types.

    Raises:
        Impossible: when one has none.
    """
    needed = set(function.outputs)
    kept: list[Operation] = []
    for op in reversed(function.operations):
        if needed.isdisjoint(op.results):
            continue
        needed.update(op.operands)
        kept.append(op)
        if op.name != "call":
            _inferred(op, op.operands, op.attributes, op.presence)
    return rebuilt(function, function.inputs, tuple(reversed(kept)), function.outputs)


def _inferred(
    op: Operation, operands: Sequence[Value], attributes: Mapping[str, Any], presence: Sequence[Any]
) -> Operation:
    names = tuple([r.name for r in op.results])
    try:
        return make_operation(
            op.definition, operands, attributes, presence=presence, span=op.span, names=names
        )
    except InferenceError:
        raise Impossible from None


class _Body:
    """Rebuilds one function in which the decisions of `values` are replaced already."""

    def __init__(self, splitter: Splitter, values: Values) -> None:
        self.splitter = splitter
        self.values = values
        self.rewriter = Rewriter()
        self.restricted: dict[tuple[Value, tuple[Any, ...]], Value] = {}

    def rebuilt(self, function: Function) -> Function:
        """The function with its operations split."""
        for op in function.operations:
            operands = self.rewriter.operands(op)
            split = self.splitter.wanted(function, op, operands, self.values)
            if split is None or not self.attempt(op, operands, split):
                self.rewriter.place(op, self.whole(op, operands))
        return self.rewriter.finish(function)

    def whole(self, op: Operation, operands: tuple[Value, ...]) -> Operation:
        """An operation that stays one, on its new operands."""
        if op.name != "call":
            return copied(op, operands)
        callee = self.splitter.function(self.splitter.module.functions[op.attributes["callee"]], self.values)
        if callee.name == op.attributes["callee"]:
            return copied(op, operands)
        return remade(op, operands, {**op.attributes, "callee": callee.name})

    def attempt(self, op: Operation, operands: tuple[Value, ...], split: Split) -> bool:
        """Split an operation; False where it has to stay whole."""
        size = 1
        for decision in split.decisions:
            size *= len(decision)
        before = len(self.rewriter.operations)
        try:
            if size > TABLE_LIMIT:
                raise Unsplittable(f"{size} joint values are more than {TABLE_LIMIT}")
            positions, alternatives = self.alternatives(op, operands, split)
        except Unsplittable as reason:
            del self.rewriter.operations[before:]
            self.restricted.clear()
            self.splitter.refuse(op, split, str(reason))
            self.splitter.left += 1
            return False
        self.number(op, split, alternatives)
        self.rewriter.operations += alternatives
        if len(alternatives) == 1:
            self.rewriter.values.update(zip(op.results, alternatives[0].results, strict=True))
            return True
        self.splitter.split += 1
        selector = _selector(split.decisions, positions)
        for index, result in enumerate(op.results):
            choice = _chosen(result, [a.results[index] for a in alternatives], selector, op)
            self.rewriter.operations.append(choice)
            self.rewriter.values[result] = choice.result
            self.splitter.levels[choice.result] = split.level
        return True

    def alternatives(
        self, op: Operation, operands: tuple[Value, ...], split: Split
    ) -> tuple[list[int], list[Operation]]:
        """For each joint value the position of its alternative, and the alternatives."""
        found: dict[Any, int] = {}
        positions: list[int] = []
        made: list[Operation] = []
        for combination in itertools.product(*(d.domain for d in split.decisions)):
            new = self.alternative(op, operands, split, dict(zip(split.decisions, combination, strict=True)))
            if new is None:
                # the operation is dead for this value: any alternative will do
                positions.append(0)
                continue
            key = (new.operands, tuple(map(_exact, new.attributes.values())), _exact(new.presence))
            if key not in found:
                found[key] = len(made)
                made.append(new)
            positions.append(found[key])
            if len(made) > self.splitter.limit:
                raise Unsplittable(f"it has more than limit={self.splitter.limit} alternatives")
        if not made:
            raise Unsplittable("it has a type for no value of them")
        return positions, made

    def alternative(
        self, op: Operation, operands: tuple[Value, ...], split: Split, values: Values
    ) -> Operation | None:
        """The operation for one value of the decisions; None where it has no type."""
        try:
            read = tuple([self.restrict(v, values, through=v in split.through) for v in operands])
            if op.name == "call":
                original = self.splitter.module.functions[op.attributes["callee"]]
                callee = self.splitter.function(original, {**self.values, **values})
                if not all(types_agree(v.type, i.type) for v, i in zip(read, callee.inputs, strict=True)):
                    raise Unsplittable("an operand does not get the type that the callee takes")
                attributes = {**op.attributes, "callee": callee.name}
                return remade(op, read, attributes, (), [v.type for v in callee.outputs])
            attributes = {name: substitute(v, values) for name, v in op.attributes.items()}
            presence = substitute(op.presence, values)
            kept = [i for i, p in enumerate(presence) if p is not False] if presence else range(len(read))
            if not kept and read:
                return None
            return _inferred(op, [read[i] for i in kept], attributes, [presence[i] for i in kept if presence])
        except Impossible:
            return None

    def number(self, op: Operation, split: Split, alternatives: list[Operation]) -> None:
        """Give alternatives with different weights different paths."""
        if not any(map(self.splitter.has_weights, alternatives)):
            return
        signatures: dict[Any, int] = {}
        for new in alternatives:
            signature = self.splitter.signature(new), new.operands if split.through else ()
            number = signatures.setdefault(signature, len(signatures))
            new.attributes = {**new.attributes, "param": join_path(op.param or "", str(number))}
        if len(signatures) == 1:
            for new in alternatives:
                new.attributes = {**new.attributes, "param": op.param}

    def restrict(self, value: Value, values: Values, through: bool = False) -> Value:
        """What a value is for some values of decisions; itself where its type does not depend on them.

        Args:
            value: a value of the new function.
            values: of decisions.
            through: whether of a choice the selected alternative is taken in any case.

        Raises:
            Unsplittable: when that is not known here.
        """
        kind = value.type.substitute(values)
        if kind == value.type and not through:
            return value
        key = (value, tuple(values.items()))
        if key not in self.restricted:
            self.restricted[key] = self._restricted(value, values)
        return self.restricted[key]

    def _restricted(self, value: Value, values: Values) -> Value:
        op = value.producer
        if op is None:
            raise Unsplittable(f"its operand %{value.name} comes into the function with a type of its own")
        selector = substitute(op.attributes["selector"], values) if op.name == "choice" else None
        if isinstance(selector, int):
            return self.restrict(op.operands[selector], values)
        if isinstance(selector, Expr) and selector.table is not None:
            return self._narrowed(op, selector, selector.table.reshape(-1).tolist(), values)
        if op.name == "call" or op.definition.has_weights:
            raise Unsplittable("what it reads was left alone")
        operands = tuple([self.restrict(v, values) for v in op.operands])
        attributes = {name: substitute(v, values) for name, v in op.attributes.items()}
        types = [r.type.substitute(values) for r in op.results]
        try:
            new = specialised(op, operands, attributes, substitute(op.presence, values), types)
        except UserError:
            raise Impossible from None
        if isinstance(new, Value):
            return new
        new = _inferred(new, new.operands, new.attributes, new.presence)
        self.rewriter.operations.append(new)
        return new.result

    def _narrowed(self, op: Operation, selector: Expr, chosen: list[int], values: Values) -> Value:
        """A choice with only the alternatives that its selector, which still is open, can select."""
        used = sorted(set(chosen))
        operands = tuple([self.restrict(op.operands[i], values) for i in used])
        attributes = {"selector": _selector(selector.decisions, [used.index(i) for i in chosen])}
        new = _inferred(op, operands, attributes, ())
        self.rewriter.operations.append(new)
        return new.result


def _exact(value: Any) -> Any:
    """A hashable form that tells 1, 1.0 and true apart."""
    return tuple(map(_exact, value)) if isinstance(value, tuple) else (type(value), value)


def _chosen(old: Value, alternatives: list[Value], selector: Any, op: Operation) -> Operation:
    """The choice that takes the place of a result; of the same type where that means the same."""
    choice = make_operation(
        OPS["choice"], alternatives, {"selector": selector}, span=op.span, names=(old.name,)
    )
    kept: list[TensorType] = [old.type if types_agree(old.type, choice.result.type) else choice.result.type]
    return remade(choice, choice.operands, choice.attributes, (), kept)


def _selector(decisions: tuple[Decision, ...], positions: list[int]) -> Any:
    """The expression whose value is a position for each joint value; over the decisions that matter."""
    table = np.array(positions).reshape([len(d) for d in decisions])
    matter = []
    for axis, decision in reversed(list(enumerate(decisions))):
        if (table == table.take([0], axis=axis)).all():
            table = table.take(0, axis=axis)
        else:
            matter.append(decision)
    index: Any = 0
    for decision in reversed(matter):
        index = index * len(decision) + index_of(decision)
    flat = table.reshape(-1).tolist()
    return index if flat == list(range(len(flat))) else select(index, flat)
