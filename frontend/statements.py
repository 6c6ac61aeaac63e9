"""Runs statements; an error in one makes the names it binds erroneous and the next one runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawloom.ir import Expr, Value

from .evaluate import as_list, concatenate, evaluate, refuse_absent
from .frame import ERROR, Fault, Frame
from .loops import run_loop
from .scalars import as_condition
from .syntax import Append, Assign, Definition, For, Require, Return, Statement
from .values import ListValue, describe, tensors_in


def run_body(frame: Frame, definition: Definition) -> Any:
    """Run the body of a definition and give what it returns.

    Raises:
        Fault: when a statement failed or nothing is returned; the error has been reported.
    """
    *before, last = definition.body or (None,)
    errors = len(frame.shared.diagnostics)
    failed = not _run_all(frame, tuple(s for s in before if s is not None))
    if not isinstance(last, Return):
        if last is not None:
            _run(frame, last)
        frame.fail(
            "E0508",
            f"'{definition.name.name}' returns nothing",
            definition.name.span,
            "expected a 'return' at the end of its body",
        )
    result = evaluate(frame, last.value)
    if not any(True for _ in tensors_in(result)):
        frame.fail(
            "E0501", f"'{definition.name.name}' must return a tensor, not {describe(result)}", last.value.span
        )
    if failed or len(frame.shared.diagnostics) > errors:
        raise Fault
    return result


def _run_all(frame: Frame, statements: tuple[Statement, ...]) -> bool:
    """Run statements in order; whether none failed."""
    good = True
    for statement in statements:
        good = _run(frame, statement) and good
    return good


def _run(frame: Frame, statement: Statement) -> bool:
    try:
        frame.shared.step(statement.span)
        _RUNNERS[type(statement)](frame, statement)
    except Fault:
        for name in _bound_names(statement):
            frame.env[name] = ERROR
        return False
    return True


def _bound_names(statement: Statement) -> list[str]:
    """The names a statement binds."""
    if isinstance(statement, Assign):
        return [t.name for t in statement.targets]
    if isinstance(statement, Append):
        return [statement.target.name]
    if isinstance(statement, For):
        return [name for inner in statement.body for name in _bound_names(inner)]
    return []


def _assign(frame: Frame, statement: Assign) -> None:
    value = evaluate(frame, statement.value)
    if len(statement.targets) == 1:
        _bind(frame, statement.targets[0].name, value)
        return
    parts = as_list(frame, value, statement.value.span, "what is taken apart")
    refuse_absent(frame, parts, statement.value.span, "taken apart")
    if len(parts.items) != len(statement.targets):
        frame.fail(
            "E0505", f"{len(statement.targets)} names for {len(parts.items)} values", statement.value.span
        )
    for target, part in zip(statement.targets, parts.items, strict=True):
        _bind(frame, target.name, part)


def _bind(frame: Frame, name: str, value: Any) -> None:
    if isinstance(value, Value) and not value.name:
        value.name = name  # a hint for whoever reads the IR
    frame.env[name] = value


def _append(frame: Frame, statement: Append) -> None:
    current = evaluate(frame, statement.target)
    if not isinstance(current, ListValue):
        repair = f"write `{statement.target.name} = {statement.target.name} + ...`"
        message = f"'+=' appends to a list; '{statement.target.name}' is {describe(current)}"
        frame.fail("E0501", message, statement.target.span, help=repair)
    value = evaluate(frame, statement.value)
    if not isinstance(value, ListValue):
        repair = "put it in brackets: `xs += [x]`"
        frame.fail("E0501", f"'+=' appends a list, not {describe(value)}", statement.value.span, help=repair)
    frame.env[statement.target.name] = concatenate(frame, current, value, statement.span)


def _for(frame: Frame, statement: For) -> None:
    for inner in statement.body:
        if isinstance(inner, Return):
            frame.fail(
                "E0508", "a 'return' inside a loop", inner.span, "'return' stands once, at the end of a body"
            )
    good = True

    def run() -> None:
        nonlocal good
        good = _run_all(frame, statement.body) and good

    run_loop(frame, statement, run)
    if not good:
        raise Fault


def _require(frame: Frame, statement: Require) -> None:
    check_requirement(frame, statement)


def check_requirement(frame: Frame, statement: Require) -> None:
    """Check a static ``require``, or keep a decided one as a constraint.

    Raises:
        Fault: when it does not hold.
    """
    frame.in_require = True
    try:
        with frame.forbid_choose("a requirement does not decide"):
            value = evaluate(frame, statement.condition)
    finally:
        frame.in_require = False
    condition = as_condition(frame, value, statement.condition.span, "a requirement")
    message = statement.message or statement.condition.span.text
    if isinstance(condition, Expr) or (condition is False and frame.guarded):
        frame.demand(condition, message, statement.span)
    elif not condition:
        label = statement.message or ""
        frame.fail("E0401", "this requirement does not hold", statement.condition.span, label)


def _return(frame: Frame, statement: Return) -> None:
    frame.fail(
        "E0508", "a 'return' before the end", statement.span, "'return' stands once, at the end of a body"
    )


_RUNNERS: dict[type, Callable[[Frame, Any], None]] = {
    Assign: _assign,
    Append: _append,
    For: _for,
    Require: _require,
    Return: _return,
}
"""How each kind of statement runs."""
