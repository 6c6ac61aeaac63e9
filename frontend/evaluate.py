"""Evaluates expressions: the table from syntax to evaluator, and the evaluators of plain expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from drawloom.ir import Expr, Scalar, Span, Value, suggest, value_of
from drawloom.ir.expression import all_of, any_of, apply, equal, where

from . import limits
from .frame import ERROR, Blame, Fault, Frame
from .merge import chooser_of_value, merge, possible_values
from .proof import implied
from .scalars import as_condition, as_integer, checked, operate
from .syntax import (
    Binary,
    Expression,
    If,
    Index,
    ListDisplay,
    Literal,
    Member,
    Name,
    Node,
    RangeDisplay,
    Slice,
    TupleDisplay,
    Unary,
)
from .tensor_arithmetic import on_tensors
from .values import (
    Builtin,
    Chooser,
    ListValue,
    Namespace,
    Placed,
    RangeValue,
    describe,
    is_callable,
    key_of,
)

Evaluator = Callable[[Frame, Any], Any]
_EVALUATORS: dict[type[Node], Evaluator] = {}
_E = TypeVar("_E", bound=Evaluator)


def evaluates(kind: type[Node]) -> Callable[[_E], _E]:
    """Register the evaluator of one kind of node."""

    def register(evaluator: _E) -> _E:
        _EVALUATORS[kind] = evaluator
        return evaluator

    return register


def evaluate(frame: Frame, node: Expression) -> Any:
    """The value of an expression.

    Raises:
        Fault: when it has none; the error has been reported.
    """
    frame.shared.step(node.span)
    value = _EVALUATORS[type(node)](frame, node)
    if frame.shared.observe is not None:
        frame.shared.observe(node, value)
    return value


def evaluate_all(frame: Frame, nodes: tuple[Any, ...]) -> list[Any]:
    """The values of several expressions; errors of all of them are reported.

    Raises:
        Fault: when any has none.
    """
    values: list[Any] = []
    for node in nodes:
        try:
            values.append(evaluate(frame, node))
        except Fault:
            values.append(ERROR)
    if any(v is ERROR for v in values):
        raise Fault
    return values


def evaluate_forbidding(frame: Frame, node: Expression, reason: str) -> Any:
    """The value of an expression that must not decide anything."""
    with frame.forbid_choose(reason):
        return evaluate(frame, node)


@evaluates(Literal)
def _literal(frame: Frame, node: Literal) -> Any:
    return node.value


@evaluates(Name)
def _name(frame: Frame, node: Name) -> Any:
    value = frame.env.get(node.name, frame)
    if value is frame:
        value = frame.globals.get(node.name, frame)
    if value is frame:
        message, repair = unknown_name(node, (*frame.env, *frame.globals))
        frame.fail("E0101", message, node.span, help=repair)
    if value is ERROR:
        raise Fault
    if isinstance(value, Undefined):
        frame.fail("E0101", f"'{node.name}' may be undefined here", node.span, value.reason)
    return value


class Undefined:
    """The value of a name that only iterations define which may be skipped."""

    def __init__(self, reason: str) -> None:
        """Say why."""
        self.reason = reason


def unknown_name(node: Name, known: Iterable[str]) -> tuple[str, str | None]:
    """What is said of a name that means nothing, and the repair; `known` are the names that do."""
    near = suggest(node.name, known)
    foreign = _FOREIGN.get(node.name)
    return f"unknown name '{node.name}'", foreign or (f"did you mean '{near}'?" if near else None)


_FOREIGN = {
    "True": "write 'true'",
    "TRUE": "write 'true'",
    "False": "write 'false'",
    "FALSE": "write 'false'",
    "None": "there is no 'None'",
    "null": "there is no 'null'",
    "range": "write a range as 0..n",
    "enumerate": "write `for i, x in xs`",
    "zip": "loop over positions: `for i, a in xs { b = ys[i] }`",
    "choice": "write `choose name from [a, b]`",
    "self": "operations are called by their name alone: `relu(x)` or `x |> relu`",
    "torch": "operations are called by their name alone: `relu(x)` or `x |> relu`",
    "nn": "operations are called by their name alone: `relu(x)` or `x |> relu`",
    "F": "operations are called by their name alone: `relu(x)` or `x |> relu`",
    "conv2d": "did you mean 'conv'?",
    "Conv2d": "did you mean 'conv'?",
    "cat": "did you mean 'concat'?",
    "skip": "write the tensor itself",
}
"""Names of other languages, with what stands for them here."""


@evaluates(ListDisplay)
def _list(frame: Frame, node: ListDisplay) -> ListValue:
    values = evaluate_all(frame, node.items)
    names = tuple(i.name for i in node.items if isinstance(i, Name))
    return ListValue(tuple(values), names=names if len(set(names)) == len(values) else ())


@evaluates(TupleDisplay)
def _tuple(frame: Frame, node: TupleDisplay) -> tuple[Any, ...]:
    return tuple(evaluate_all(frame, node.items))


@evaluates(RangeDisplay)
def _range(frame: Frame, node: RangeDisplay) -> RangeValue:
    start, stop = evaluate_all(frame, (node.start, node.stop))
    for value, end in ((start, node.start), (stop, node.stop)):
        if not isinstance(value, Expr):
            as_integer(frame, value, end.span, "the end of a range")
    if node.inclusive:
        stop = operate(frame, "+", [stop, 1], [node.stop.span, node.span], node.span)
    return RangeValue(start, stop)


@evaluates(Unary)
def _unary(frame: Frame, node: Unary) -> Any:
    value = evaluate(frame, node.operand)
    operator = "neg" if node.operator == "-" else "not"
    if isinstance(value, Value) and operator == "neg":
        return frame.operation("affine", [value], {"scale": -1}, node.span, Blame((node.operand.span,)))
    return operate(frame, operator, [value], [node.operand.span], node.span)


@evaluates(Binary)
def _binary(frame: Frame, node: Binary) -> Any:
    if node.operator in ("and", "or"):
        return _logical(frame, node)
    left, right = evaluate_all(frame, (node.left, node.right))
    spans = [node.left.span, node.right.span]
    if isinstance(left, Value) or isinstance(right, Value):
        return on_tensors(frame, node.operator, (left, right), spans, node.span)
    if node.operator == "+" and isinstance(left, ListValue) and isinstance(right, ListValue):
        return concatenate(frame, left, right, node.span)
    if node.operator in ("==", "!=") and is_callable(left) and is_callable(right):
        return (key_of(left) == key_of(right)) == (node.operator == "==")
    return operate(frame, node.operator, [left, right], spans, node.span)


def _logical(frame: Frame, node: Binary) -> Scalar:
    """``and`` and ``or``; the right side is not evaluated when the left one settles the matter."""
    left = as_condition(frame, evaluate(frame, node.left), node.left.span, f"the left of '{node.operator}'")
    settled = node.operator == "or"
    if left is settled:
        return left
    right = as_condition(
        frame, evaluate(frame, node.right), node.right.span, f"the right of '{node.operator}'"
    )
    result: Scalar = apply(node.operator, left, right)
    return result


def concatenate(frame: Frame, left: ListValue, right: ListValue, span: Span) -> ListValue:
    """Two lists in a row."""
    items = left.items + right.items
    if len(items) > limits.LIST_LENGTH:
        frame.shared.too_much(f"a list of more than {limits.LIST_LENGTH} elements", span)
    if not left.presence and not right.presence:
        return ListValue(items)
    return ListValue(items, presences(left) + presences(right))


def presences(items: ListValue) -> tuple[Scalar, ...]:
    """The presence of every element."""
    return items.presence or (True,) * len(items.items)


@evaluates(If)
def _if(frame: Frame, node: If) -> Any:
    condition = as_condition(frame, evaluate(frame, node.condition), node.condition.span)
    if not isinstance(condition, Expr):
        return evaluate(frame, node.then if condition else node.otherwise)
    chooser = Chooser.by_condition(condition)
    values: list[Any] = []
    for position, arm in enumerate((node.then, node.otherwise)):
        with frame.guard(chooser.guard(position)):
            try:
                values.append(evaluate(frame, arm))
            except Fault:
                values.append(ERROR)
    if any(v is ERROR for v in values):
        raise Fault
    return merge(frame, chooser, values, (node.then.span, node.otherwise.span), node.span)


def as_list(frame: Frame, value: Any, span: Span, what: str) -> ListValue:
    """A value as a list: a list itself, a tuple, or a range without decisions.

    Raises:
        Fault: when it is something else.
    """
    if isinstance(value, ListValue):
        return value
    if isinstance(value, tuple):
        return ListValue(value)
    if isinstance(value, RangeValue):
        start = as_integer(frame, value.start, span, f"the start of {what}")
        stop = as_integer(frame, value.stop, span, f"the end of {what}")
        if stop - start > limits.LIST_LENGTH:
            frame.shared.too_much(f"a range of more than {limits.LIST_LENGTH} numbers", span)
        return ListValue(tuple(range(start, stop)))
    frame.fail("E0501", f"{what} must be a list, not {describe(value)}", span)


def refuse_absent(frame: Frame, items: ListValue, span: Span, use: str) -> None:
    """Refuse a list whose elements may be absent where its length and positions must be known.

    Raises:
        Fault: when it is one; the error has been reported.
    """
    if items.presence:
        repair = "take an element by its position among those present, `xs[0]`, or loop over the list"
        frame.fail("E0510", f"a list whose elements may be absent cannot be {use}", span, help=repair)


@evaluates(Index)
def _index(frame: Frame, node: Index) -> Any:
    base, index = evaluate_all(frame, (node.base, node.index))
    items = as_list(frame, base, node.base.span, "what is indexed")
    if isinstance(index, RangeValue):
        return _slice_of(frame, items, index.start, index.stop, node.index.span, isinstance(base, tuple))
    if isinstance(index, Expr):
        return _decided_item(frame, items, index, node)
    position = as_integer(frame, index, node.index.span, "an index")
    if not -len(items.items) <= position < len(items.items):
        frame.fail(
            "E0503", f"index {position} of {len(items.items)} elements", node.index.span, "out of range"
        )
    if items.selection is not None:
        return _member_of_selection(frame, items, position, node)
    return _present_item(frame, items, position, node) if items.presence else items.items[position]


def _present_item(frame: Frame, items: ListValue, position: int, node: Index) -> Any:
    """The element at a position among those present: a choice."""
    if position < 0:
        label = "only positions from the start are known"
        frame.fail("E0503", "the length of this list depends on decisions", node.index.span, label)
    found: dict[int, Scalar] = {}
    before: Scalar = 0
    for i, present in enumerate(items.presence):
        here = all_of(present, equal(before, position))
        if here is not False:
            found[i] = here
        before = apply("+", before, where(present, 1, 0))
    if implied(frame.guards, any_of(*found.values())) is not True:
        label = f"fewer than {position + 1} may be present"
        frame.fail("E0503", "this index can be out of range", node.index.span, label)
    which: Scalar = 0
    for k, condition in enumerate(found.values()):
        which = where(condition, k, which)
    options = [items.items[i] for i in found]
    return merge(
        frame, Chooser(checked(frame, which, node.span)), options, (node.span,) * len(options), node.span
    )


def _member_of_selection(frame: Frame, items: ListValue, position: int, node: Index) -> Any:
    """The j-th chosen of a k-of-n choice."""
    assert items.selection is not None
    fewest = min(len(combination) for combination in items.selection.domain)  # type: ignore[arg-type]
    if not 0 <= position < fewest:
        frame.fail("E0503", f"only {fewest} are certainly chosen", node.index.span, "out of range")
    which = apply("item", value_of(items.selection), position)
    if not isinstance(which, Expr):
        return items.items[which]
    values = possible_values(frame, which, node.index.span, "this index")
    spans = (node.span,) * len(values)
    return merge(frame, chooser_of_value(which, values), [items.items[v] for v in values], spans, node.span)


def _decided_item(frame: Frame, items: ListValue, index: Expr, node: Index) -> Any:
    """An element at a decided position: a choice."""
    refuse_absent(frame, items, node.base.span, "indexed by a decision")
    values = possible_values(frame, index, node.index.span, "this index")
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool):
            frame.fail("E0501", "an index must be a whole number", node.index.span)
        if not 0 <= value < len(items.items):
            label = f"can be {value}, of {len(items.items)} elements"
            frame.fail("E0503", "this index can be out of range", node.index.span, label)
    options = [items.items[v] for v in values]
    return merge(frame, chooser_of_value(index, values), options, (node.span,) * len(values), node.span)


@evaluates(Slice)
def _slice(frame: Frame, node: Slice) -> Any:
    base = evaluate(frame, node.base)
    items = as_list(frame, base, node.base.span, "what is sliced")
    bound = node.start or node.stop
    assert bound is not None
    limit = evaluate(frame, bound)
    start = limit if node.start is not None else 0
    stop = limit if node.stop is not None else len(items.items)
    return _slice_of(frame, items, start, stop, bound.span, isinstance(base, tuple))


def _slice_of(frame: Frame, items: ListValue, start: Any, stop: Any, span: Span, as_tuple: bool) -> Any:
    low, high = (as_integer(frame, v, span, "the bound of a slice") for v in (start, stop))
    if low < 0 or high > len(items.items):
        frame.fail("E0503", f"a slice {low}..{high} of {len(items.items)} elements", span, "out of range")
    part = items.items[low:high]
    return part if as_tuple else ListValue(part, items.presence[low:high])


@evaluates(Member)
def _member(frame: Frame, node: Member) -> Any:
    base, name = evaluate(frame, node.base), node.member.name
    if isinstance(base, Namespace):
        return _imported(frame, base, node)
    function = frame.globals.get(name)
    if name in _MEMBERS and isinstance(function, Builtin):
        return function.compute(frame, [Placed(base, node.base.span)], node.span)
    near = suggest(name, _MEMBERS)
    repair = f"did you mean '{near}'?" if near else f"known: {', '.join(sorted(_MEMBERS))}"
    if name in _SHAPE_WORDS:
        repair = "ask for one dimension: `x.channels`, `x.height`, `x.width`"
    elif isinstance(base, Value) and is_callable(function):
        text = node.base.span.text
        repair = f"there are no methods: write `{name}({text})` or `{text} |> {name}`"
    frame.fail("E0101", f"unknown member '{name}'", node.member.span, help=repair)


def _imported(frame: Frame, file: Namespace, node: Member) -> Any:
    """A definition of an imported file."""
    found = file.members.get(node.member.name)
    if found is None:
        near = suggest(node.member.name, file.members)
        repair = f"did you mean '{file.name}.{near}'?" if near else f"it defines: {', '.join(file.members)}"
        frame.fail("E0101", f"'{file.name}' defines no '{node.member.name}'", node.member.span, help=repair)
    if found is ERROR:
        raise Fault
    return found


_SHAPE_WORDS = {"shape", "size", "ndim", "dtype"}

_MEMBERS = {"channels", "height", "width", "len"}
"""What ``x.name`` may ask for: the built-in functions of one argument that describe it."""
