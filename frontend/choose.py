"""Elaborates ``choose``: makes the decision and the value that depends on it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Choice, Decision, Expr, Label, Scalar, Span, choice_text, value_of
from drawloom.ir.expression import apply

from . import limits
from .evaluate import as_list, evaluate, evaluates, refuse_absent
from .frame import ERROR, Fault, Frame
from .merge import merge
from .scalars import as_condition, as_integer
from .syntax import Arm, ChooseArms, ChooseFrom, Count, ListDisplay
from .values import Callee, Chooser, ListValue, Partial, is_callable, is_scalar, make_list


@evaluates(ChooseFrom)
def _choose_from(frame: Frame, node: ChooseFrom) -> Any:
    _check_allowed(frame, node)
    value = evaluate(frame, node.source)
    items = as_list(frame, value, node.source.span, "what is chosen from")
    refuse_absent(frame, items, node.source.span, "chosen from")
    if not items.items and node.count is None:
        frame.fail("E0305", "there is nothing to choose from", node.source.span, "this list is empty")
    spans = _item_spans(node, len(items.items))
    if node.count is not None:
        members = _choose_members(frame, node, node.count, len(items.items), items.names)
        return _members_of(members, items.items)
    return _choose_one(frame, node, items, spans)


def _item_spans(node: ChooseFrom, count: int) -> tuple[Span, ...]:
    if isinstance(node.source, ListDisplay) and len(node.source.items) == count:
        return tuple(i.span for i in node.source.items)
    return (node.source.span,) * count


def _choose_one(frame: Frame, node: ChooseFrom, items: ListValue, spans: Sequence[Span]) -> Any:
    """One element of a list: the decision's value itself for literals, else a choice by its position."""
    if all(is_scalar(v) and not isinstance(v, Expr) for v in items.items):
        domain = _numbers_alike(items.items)
        _check_distinct(frame, domain, spans)
        decision = _decide(frame, node, domain)
        return domain[0] if decision is None else value_of(decision)
    labels: tuple[str, ...] = ()
    if all(is_callable(v) for v in items.items):
        domain = tuple(_callable_name(v) for v in items.items)
        _check_distinct(frame, domain, spans, "write arms to name them: `choose f { a: relu  b: tanh }`")
    else:
        domain, labels = tuple(range(len(items.items))), items.names
    decision = _decide(frame, node, domain, labels)
    if decision is None:
        return items.items[0]
    return merge(frame, Chooser.by_decision(decision), items.items, spans, node.span)


def _numbers_alike(values: Sequence[Any]) -> tuple[Choice, ...]:
    """Whole numbers among fractions as fractions, so that a decision has values of one type."""
    if any(isinstance(v, float) for v in values) and not any(isinstance(v, (bool, str)) for v in values):
        return tuple(float(v) for v in values)
    return tuple(values)


def _callable_name(value: Callee) -> str:
    return value.name if not isinstance(value, Partial) else _callable_name(value.callee)


def _check_distinct(
    frame: Frame, domain: Sequence[Any], spans: Sequence[Span], repair: str | None = None
) -> None:
    seen: dict[Any, int] = {}
    kinds = {("text" if isinstance(v, str) else "bool" if isinstance(v, bool) else "number") for v in domain}
    if len(kinds) > 1:
        odd = next(i for i, v in enumerate(domain) if type(v) is not type(domain[0]))
        frame.fail("E0507", "the values to choose from are of different kinds", spans[odd])
    for i, value in enumerate(domain):
        if value in seen:
            first = spans[seen[value]]
            others = [] if first == spans[i] else [Label(first, "the first is here")]
            message = f"the value '{choice_text(value)}' stands twice"
            frame.fail("E0302", message, spans[i], others=others, help=repair)
        seen[value] = i


@evaluates(ChooseArms)
def _choose_arms(frame: Frame, node: ChooseArms) -> Any:
    _check_allowed(frame, node)
    arms = _present_arms(frame, node)
    names = tuple(a.name.name for a in arms)
    spans = tuple(a.value.span for a in arms)
    if node.count is not None:
        members = _choose_members(frame, node, node.count, len(arms), names)
        return _members_of(members, _arm_values(frame, arms, members.flags))
    decision = _decide(frame, node, names)
    if decision is None:
        return _arm_values(frame, arms, [True])[0]
    chooser = Chooser.by_decision(decision)
    values = _arm_values(frame, arms, [chooser.guard(i) for i in range(len(arms))])
    return merge(frame, chooser, values, spans, node.span)


def _present_arms(frame: Frame, node: ChooseArms) -> list[Arm]:
    """The arms whose static conditions hold."""
    seen: dict[str, Span] = {}
    present: list[Arm] = []
    for arm in node.arms:
        if arm.name.name in seen:
            first = Label(seen[arm.name.name], "the first is here")
            frame.fail("E0302", f"two arms are named '{arm.name.name}'", arm.name.span, others=[first])
        seen[arm.name.name] = arm.name.span
        if arm.condition is None or _holds(frame, arm):
            present.append(arm)
    if not present:
        frame.fail("E0305", "no alternative is present", node.span, "every 'when' is false here")
    return present


def _holds(frame: Frame, arm: Arm) -> bool:
    assert arm.condition is not None
    with frame.forbid_choose("'when' must be known without decisions"):
        condition = as_condition(frame, evaluate(frame, arm.condition), arm.condition.span, "'when'")
    if isinstance(condition, Expr):
        repair = f"write `{arm.name.name}: if ... {{ ... }} else {{ ... }}`"
        message = "'when' must be known without decisions"
        frame.fail("E0506", message, arm.condition.span, "depends on a decision", help=repair)
    return bool(condition)


def _arm_values(frame: Frame, arms: Sequence[Arm], guards: Sequence[Scalar]) -> list[Any]:
    """The values of the arms, each named and guarded; errors of all are reported."""
    values: list[Any] = []
    for arm, guard in zip(arms, guards, strict=True):
        with frame.component(arm.name.name, arm.name.name), frame.guard(guard):
            try:
                values.append(evaluate(frame, arm.value))
            except Fault:
                values.append(ERROR)
    if any(v is ERROR for v in values):
        raise Fault
    return values


@dataclass(frozen=True, slots=True)
class _Members:
    """Which of n are chosen: the one decision on it, None where there is no such, and a flag for each."""

    decision: Decision | None
    flags: tuple[Scalar, ...]


def _members_of(members: _Members, items: Sequence[Any]) -> ListValue:
    if members.decision is None:
        return make_list(items, members.flags)
    made = make_list(items, members.flags)
    # positions in the decision's values are those of the list only while no member is certainly absent
    selection = members.decision if len(made.items) == len(items) else None
    return ListValue(made.items, made.presence, selection)


def _choose_members(
    frame: Frame, node: ChooseFrom | ChooseArms, count: Count, total: int, names: tuple[str, ...]
) -> _Members:
    """The decision which `count` of `total` are in."""
    low, high = _bounds(frame, count, total)
    combinations = sum(math.comb(total, k) for k in range(low, high + 1))
    if combinations > limits.DOMAIN:
        if (low, high) == (0, total):
            return _each_or_not(frame, node, total)
        label = f"more than {limits.DOMAIN} combinations"
        repair = "choose from fewer, or `choose any`, which has no such limit"
        frame.fail("E0307", "too many combinations to choose from", node.span, label, help=repair)
    sizes = range(low, high + 1)
    domain = tuple(c for k in sizes for c in itertools.combinations(range(total), k))
    decision = _decide(frame, node, domain, names)
    if decision is None:
        return _Members(None, tuple(i in domain[0] for i in range(total)))
    chosen = value_of(decision)
    return _Members(decision, tuple(apply("has", chosen, i) for i in range(total)))


def _each_or_not(frame: Frame, node: ChooseFrom | ChooseArms, total: int) -> _Members:
    """One decision for each member, where the combinations are too many to be the values of one."""
    made = [_decide(frame, node, (False, True), member=f"[{i}]") for i in range(total)]
    return _Members(None, tuple(value_of(d) for d in made if d is not None))


def _bounds(frame: Frame, count: Count, total: int) -> tuple[int, int]:
    if count.low is None or count.high is None:
        return 0, total
    low = as_integer(frame, evaluate(frame, count.low), count.low.span, "how many are chosen")
    high = (
        low
        if count.high is count.low
        else as_integer(frame, evaluate(frame, count.high), count.high.span, "how many are chosen")
    )
    if not 0 <= low <= high <= total:
        wanted = str(low) if low == high else f"{low} to {high}"
        frame.fail("E0306", f"cannot choose {wanted} of {total}", count.span)
    return low, high


def _check_allowed(frame: Frame, node: ChooseFrom | ChooseArms) -> None:
    if frame.forbidden is not None:
        frame.fail("E0301", f"nothing can be chosen here: {frame.forbidden}", node.span)


def _decide(
    frame: Frame,
    node: ChooseFrom | ChooseArms,
    domain: tuple[Choice, ...],
    labels: tuple[str, ...] = (),
    member: str = "",
) -> Decision | None:
    """The decision of a ``choose``, or of one `member` of it; None for a domain of one value.

    A cell that is elaborated again finds the decision it made before.
    """
    path = frame.decision_path(node.name.name + member)
    frame.claim_decision(path, node.span)
    if len(domain) > limits.DOMAIN:
        frame.fail(
            "E0307", f"{len(domain)} values to choose from", node.span, f"the limit is {limits.DOMAIN}"
        )
    known = frame.shared.decisions.get(path)
    if known is not None:
        _check_same(frame, node, known, domain)
    if len(domain) == 1:
        return None
    frame.decides = True
    if known is not None:
        return known
    decision = Decision(path, domain, labels if len(labels) == len(domain) or labels else (), node.span)
    frame.shared.decisions[path] = decision
    if len(frame.shared.decisions) > limits.DECISIONS:
        frame.shared.too_much(f"more than {limits.DECISIONS} decisions", node.span)
    return decision


_SAME_DECISIONS = (
    "calls of a cell, and those that 'shared' makes, have the same decisions and so the same alternatives"
)


def _check_same(
    frame: Frame, node: ChooseFrom | ChooseArms, known: Decision, domain: tuple[Choice, ...]
) -> None:
    """A decision met again: the same ``choose`` of a cell with the same values, or an error."""
    if known.span != node.span:
        others = [Label(known.span, "the first is here")] if known.span is not None else []
        cell = "give the cells different names, which are those of their decisions"
        repair = cell if frame.kind == "cell" else "label one of the calls: `f(x) as name`"
        frame.fail("E0303", f"two decisions are named '{known.name}'", node.span, others=others, help=repair)
    if known.domain != domain:
        before = ", ".join(choice_text(v) for v in known.domain[:6])
        now = ", ".join(choice_text(v) for v in domain[:6])
        frame.fail(
            "E0304",
            f"the alternatives of '{known.name}' differ between calls that share it",
            node.span,
            f"{now} here, {before} before",
            notes=(_SAME_DECISIONS,),
            help="choose a ratio instead of a width; put a condition inside an arm instead of 'when'",
        )
