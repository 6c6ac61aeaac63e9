"""Unrolls loops: ``for`` statements, comprehensions, and loops whose number of iterations is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Expr, Scalar
from drawloom.ir.expression import all_of, apply

from . import limits
from .evaluate import Undefined, as_list, evaluate, evaluates, presences
from .frame import ERROR, Fault, Frame
from .merge import chooser_of_value, merge, possible_values
from .scalars import as_condition, as_integer, operate
from .syntax import Comprehension, Expression, For, Targets
from .values import Chooser, RangeValue, describe, is_scalar, kind_of, make_list


@dataclass(frozen=True, slots=True)
class _Iteration:
    """One pass of a loop: its position, the element, and whether it takes place."""

    position: int
    item: Any
    present: Scalar


@dataclass(frozen=True, slots=True)
class _Course:
    """What a loop runs over.

    Attributes:
        iterations: all that can take place.
        trips: the decided number that do; None when all do or each has its own presence.
        counts: the values `trips` can take, ascending.
    """

    iterations: Sequence[_Iteration]
    trips: Expr | None = None
    counts: tuple[int, ...] = ()


def _course(frame: Frame, source: Expression) -> _Course:
    value = evaluate(frame, source)
    if isinstance(value, RangeValue) and (isinstance(value.start, Expr) or isinstance(value.stop, Expr)):
        return _decided_course(frame, value, source)
    items = as_list(frame, value, source.span, "what a loop runs over")
    flags = presences(items)
    return _Course([_Iteration(i, item, flags[i]) for i, item in enumerate(items.items)])


def _decided_course(frame: Frame, value: RangeValue, source: Expression) -> _Course:
    """A range with a decided bound, unrolled to its maximum."""
    for end in (value.start, value.stop):
        if not is_scalar(end) or kind_of(end) != "number":
            frame.fail(
                "E0501", f"the end of a range must be a whole number, not {describe(end)}", source.span
            )
    spans = [source.span, source.span]
    trips = operate(
        frame,
        "max",
        [0, operate(frame, "-", [value.stop, value.start], spans, source.span)],
        spans,
        source.span,
    )
    if not isinstance(trips, Expr):
        start = value.start
        count = as_integer(frame, trips, source.span, "the number of iterations")
        return _Course([_Iteration(i, apply("+", start, i), True) for i in range(count)])
    counts = possible_values(frame, trips, source.span, "the number of iterations")
    if any(not isinstance(c, int) or isinstance(c, bool) for c in counts):
        frame.fail("E0501", "the number of iterations must be a whole number", source.span)
    if counts[-1] > limits.LIST_LENGTH:
        frame.shared.too_much(f"a loop of more than {limits.LIST_LENGTH} iterations", source.span)
    iterations = [
        _Iteration(
            i, apply("+", value.start, i), True if i < counts[0] else apply("<", i, _bare(value, trips))
        )
        for i in range(counts[-1])
    ]
    return _Course(iterations, _bare(value, trips), tuple(counts))


def _bare(value: RangeValue, trips: Expr) -> Expr:
    """The bound itself where it is the number of iterations, which reads better than ``max(0, n)``."""
    stop = value.stop
    if (
        value.start == 0
        and isinstance(stop, Expr)
        and stop.table is not None
        and not bool((stop.table < 0).any())
    ):
        return stop
    return trips


@contextmanager
def _bound(frame: Frame, targets: Targets, iteration: _Iteration) -> Iterator[None]:
    """Bind the loop's names inside, and what they hid again after it."""
    values: dict[str, Any] = {}
    if targets.position is not None:
        values[targets.position.name] = iteration.position
    if targets.unpack:
        values.update(
            zip((n.name for n in targets.items), _unpacked(frame, targets, iteration.item), strict=True)
        )
    else:
        values[targets.items[0].name] = iteration.item
    hidden = {name: frame.env[name] for name in values if name in frame.env}
    frame.env.update(values)
    component = f"{targets.component}[{iteration.position}]"
    try:
        with (
            frame.component(component, f"{targets.component}.{iteration.position}"),
            frame.guard(iteration.present),
        ):
            yield
    finally:
        for name in values:
            frame.env.pop(name, None)
        frame.env.update(hidden)


def _unpacked(frame: Frame, targets: Targets, item: Any) -> tuple[Any, ...]:
    parts = as_list(frame, item, targets.span, "what is taken apart").items
    if len(parts) != len(targets.items):
        message = f"{len(targets.items)} names for {len(parts)} values"
        frame.fail("E0505", message, targets.span)
    return parts


@evaluates(Comprehension)
def _comprehension(frame: Frame, node: Comprehension) -> Any:
    items: list[Any] = []
    presence: list[Scalar] = []
    failed = False
    for iteration in _course(frame, node.source).iterations:
        try:
            with _bound(frame, node.targets, iteration):
                present = _filter(frame, node, iteration)
                if present is False:
                    continue
                with frame.guard(present):
                    items.append(evaluate(frame, node.body))
                presence.append(present)
        except Fault:
            failed = True
    if failed:
        raise Fault
    if len(items) > limits.LIST_LENGTH:
        frame.shared.too_much(f"a list of more than {limits.LIST_LENGTH} elements", node.span)
    return make_list(items, presence)


def _filter(frame: Frame, node: Comprehension, iteration: _Iteration) -> Scalar:
    if node.condition is None:
        return iteration.present
    with frame.forbid_choose("a filter must not decide"):
        condition = as_condition(frame, evaluate(frame, node.condition), node.condition.span, "a filter")
    present: Scalar = all_of(iteration.present, condition)
    return present


def run_loop(frame: Frame, node: For, run: Callable[[], None]) -> None:
    """Run a ``for`` statement.

    Args:
        frame: where it stands.
        node: the loop.
        run: runs its body once.

    Raises:
        Fault: when its source cannot be looped over; errors in the body are contained there.
    """
    course = _course(frame, node.source)
    if course.trips is not None:
        _run_decided(frame, node, course, run)
        return
    for iteration in course.iterations:
        before = dict(frame.env)
        with _bound(frame, node.targets, iteration):
            run()
        if isinstance(iteration.present, Expr):
            chooser = Chooser.by_condition(iteration.present)
            _choose_versions(frame, node, chooser, [dict(frame.env), before])


def _run_decided(frame: Frame, node: For, course: _Course, run: Callable[[], None]) -> None:
    """Run all iterations that can take place, then choose each rebound name among its versions."""
    assert course.trips is not None
    least = course.counts[0]
    versions: dict[int, dict[str, Any]] = {}
    if least == 0:
        versions[0] = dict(frame.env)
    for iteration in course.iterations:
        with _bound(frame, node.targets, iteration):
            run()
        if iteration.position + 1 in course.counts:
            versions[iteration.position + 1] = dict(frame.env)
    chooser = chooser_of_value(course.trips, course.counts)
    _choose_versions(frame, node, chooser, [versions[c] for c in course.counts])


def _choose_versions(
    frame: Frame, node: For, chooser: Chooser, versions: Sequence[Mapping[str, Any]]
) -> None:
    """Bind each name that differs between versions of the environment to a choice among them."""
    for name, last in list(frame.env.items()):
        values = [v.get(name, _MISSING) for v in versions]
        if any(v is not last for v in values):
            frame.env[name] = _version(frame, node, values, chooser)


_MISSING = object()


def _version(frame: Frame, node: For, values: list[Any], chooser: Chooser) -> Any:
    if any(v is ERROR for v in values):
        return ERROR
    if any(v is _MISSING or isinstance(v, Undefined) for v in values):
        return Undefined("only iterations of a loop define it, and they may all be skipped")
    try:
        return merge(frame, chooser, values, (node.span,) * len(values), node.span)
    except Fault:
        return ERROR
