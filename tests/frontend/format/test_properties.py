"""Whatever the text: the layout is stable, the meaning stays, and so does every comment."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loom_texts import EVERYTHING, Program, remarks, shape, spread, tokens
from zoo_files import ENTRIES

from drawloom import zoo
from drawloom.frontend import elaborate
from drawloom.frontend.format import format_source
from drawloom.frontend.parse import parse
from drawloom.ir import DiagnosticError, Source, print_module

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in zoo.files().items()}
TEXTS["everything"] = EVERYTHING

SEEDS = st.integers(0, 2**32)
SHARES = st.sampled_from([0.0, 0.003, 0.02, 0.2, 0.6])
"""How many of the places between two tokens have a comment."""


def keeps_everything(text: str) -> None:
    """The property."""
    once = format_source(Source("before.loom", text))
    assert shape(parse(Source("after.loom", once))) == shape(parse(Source("before.loom", text)))
    assert remarks(once) == remarks(text)
    assert format_source(Source("after.loom", once)) == once
    assert "\n\n\n" not in once
    assert all(line == line.rstrip() for line in once.split("\n"))
    assert once.endswith("\n")


@settings(max_examples=12)
@given(st.sampled_from(sorted(TEXTS)), SEEDS, SHARES)
def test_files_with_other_white_space_and_comments(name: str, seed: int, comments: float) -> None:
    keeps_everything(spread(TEXTS[name], random.Random(seed), comments))


@settings(max_examples=60)
@given(SEEDS, st.integers(0, 3), SHARES)
def test_any_program(seed: int, depth: int, comments: float) -> None:
    rng = random.Random(seed)
    keeps_everything(spread(Program(rng, depth).text(), rng, comments))


SHORT = (
    'import "a.loom" as b require a <= 5.3M, "text"',
    "op f(x, y; k=1, s=2,) = x |> g(1, k=(a + b)) as left |> relu",
    "block f(x: f32[3, 2 * n,]*) { return x } cell g(x) {}",
    "op f(x) = g([x, -1])[2..] * (a - [b])",
    "op f(x) = [g((x,))] and ([[y]]) or not (if a { b } else if c { d } else { e })",
    "block f(x) { a, b = choose 1..=2 k from [x.k, o.f(;)] c += g(k=[x for i, (a, b) in y if c]) }",
    "block f(x) { for a in 0..2 { y = choose (n) op { a: x, op: y when s == 1 } } return f(x; a,) }",
    "op f(x) = g(; [a], b) == h(; k=(1))",
)


@pytest.mark.parametrize("text", SHORT)
@pytest.mark.parametrize("comment", [" # c\n", "\n# c\n", " # c\n\n\n# d\n\n"])
def test_a_comment_anywhere(text: str, comment: str) -> None:
    words = tokens(text)
    for at in range(len(words) + 1):
        keeps_everything(" ".join(words[:at]) + comment + " ".join(words[at:]))


@settings(max_examples=8)
@given(st.sampled_from(sorted(TEXTS)), SEEDS)
def test_white_space_does_not_matter(name: str, seed: int) -> None:
    """But for empty lines, which are the author's, the layout is that of the tokens alone."""
    rng = random.Random(seed)
    first, second = (spread(TEXTS[name], rng, 0.0).replace("\n", " ") for _ in range(2))
    assert format_source(Source("a.loom", first)) == format_source(Source("b.loom", second))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_same_ir(name: str) -> None:
    entry = ENTRIES[name]
    text = spread(TEXTS[name], random.Random(1), 0.05)
    again = format_source(Source(str(entry.path), text))
    assert again != text
    first, second = (
        elaborate(
            Source(str(entry.path), t), network=entry.network, arguments={**entry.arguments, **entry.small}
        )
        for t in (again, text)
    )
    assert print_module(first) == print_module(second)


HOSTILE = {
    "parentheses": "op f(x) = " + "(" * 110 + "x" + ")" * 110,
    "sum": "op f(x) = x" + " + x" * 2_000,
    "pipe": "op f(x) = x" + " |> relu" * 2_000,
    "minuses": "op f(x) = " + "-" * 3_000 + "x",
    "else_if": "op f(x) = " + "if a { x } else " * 1_500 + "{ x }",
    "list": "op f(x) = [" + "x, " * 3_000 + "]",
    "comments": "op f(x) = # c" + "\n# c" * 9_000 + "\nx",
    "indexes": "op f(x) = x" + "[0]" * 2_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_long_and_deep_texts(name: str) -> None:
    once = format_source(Source("hostile.loom", HOSTILE[name]))
    assert format_source(Source("hostile.loom", once)) == once


def test_too_deep_is_said() -> None:
    with pytest.raises(DiagnosticError, match="E0006"):
        format_source(Source("deep.loom", "op f(x) = " + "(" * 200 + "x" + ")" * 200))
