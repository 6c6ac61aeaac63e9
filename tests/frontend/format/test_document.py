"""Documents: what is broken where."""

from collections.abc import Callable

import pytest

from drawloom.frontend.format.document import (
    HARD,
    LINE,
    SOFT,
    Document,
    IfBroken,
    Line,
    Remark,
    Text,
    concat,
    group,
    indent,
    render,
)


def call(*arguments: Document) -> Document:
    """``f(a, b)``, or one argument a line."""
    inner = [part for argument in arguments for part in (Text(","), LINE, argument)]
    return group(Text("f("), indent(SOFT, *inner[2:]), IfBroken(","), SOFT, Text(")"))


def test_what_fits_is_on_one_line() -> None:
    document = call(Text("aa"), Text("bb"))
    assert render(document, width=9, step=2) == "f(aa, bb)"
    assert render(document, width=8, step=2) == "f(\n  aa,\n  bb,\n)"


def test_what_follows_must_fit_too() -> None:
    document = concat(call(Text("aa")), Text(" = 1"))
    assert render(document, width=9, step=2) == "f(aa) = 1"
    assert render(document, width=8, step=2) == "f(\n  aa,\n) = 1"


def test_what_follows_ends_at_the_next_possible_line() -> None:
    document = concat(call(Text("aa")), group(LINE, Text("= a long value")))
    assert render(document, width=16, step=2) == "f(aa)\n= a long value"


def test_inner_groups_stay_together_when_the_outer_is_broken() -> None:
    document = call(call(Text("aa"), Text("bb")), Text("c"))
    assert render(document, width=12, step=2) == "f(\n  f(aa, bb),\n  c,\n)"


def test_a_line_that_always_breaks_breaks_the_groups_around_it() -> None:
    document = call(concat(Text("aa"), Remark("  # far too long a remark"), HARD, Text("b")))
    assert render(document, width=100, step=2) == "f(\n  aa  # far too long a remark\n  b,\n)"


def test_a_remark_after_a_group_does_not_break_it() -> None:
    document = concat(call(Text("aa")), Remark("  # far too long a remark"), HARD)
    assert render(document, width=8, step=2) == "f(aa)  # far too long a remark\n"


def test_empty_lines_are_left_where_a_group_is_broken() -> None:
    document = group(Text("a"), Line(" ", blank=True), Text("b"))
    assert render(document, width=3, step=2) == "a b"
    assert render(document, width=2, step=2) == "a\n\nb"


@pytest.mark.parametrize("wrap", [group, indent, concat])
def test_nothing_is_too_deep(wrap: Callable[[Document], Document]) -> None:
    document: Document = Text("x")
    for _ in range(20_000):
        document = wrap(document)
    assert render(document) == "x"
