"""What stands around the cursor of a text that is being written; `¦` marks the cursor."""

import time

import pytest

from drawloom.lsp.cursor import Cursor, at, at_arm, names_before


def cursor(marked: str) -> Cursor:
    return at(marked.replace("¦", ""), marked.index("¦"))


@pytest.mark.parametrize(
    ("marked", "name", "position", "semicolon", "piped", "keyword"),
    [
        ("op f(x) = conv(¦", "conv", 0, False, False, ""),
        ("op f(x) = conv(x; 3, ¦", "conv", 1, True, False, ""),
        ("op f(x) = x |> conv(3, ¦", "conv", 1, False, True, ""),
        ("op f(x) = conv(g(x, y), [1, 2], ¦", "conv", 2, False, False, ""),
        ("op f(x) = conv(x; 3, kernel=¦", "conv", 1, True, False, "kernel"),
        ("block f(x) { y = conv(x; 3, kernel=(2 + ¦", "conv", 1, True, False, "kernel"),
        ("block f(x) { y = g(x, h(x; ¦", "h", 0, True, False, ""),
    ],
)
def test_the_open_call(
    marked: str, name: str, position: int, semicolon: bool, piped: bool, keyword: str
) -> None:
    call = cursor(marked).call
    assert call is not None
    found = (call.name, call.position, call.after_semicolon, call.piped, call.keyword)
    assert found == (name, position, semicolon, piped, keyword)


@pytest.mark.parametrize(
    "marked", ["op f(x¦", "op f(x) = (1 + ¦", "op f(x) = conv(x; 3)¦", "op f(x) { y = ¦"]
)
def test_outside_of_calls(marked: str) -> None:
    assert cursor(marked).call is None


def test_a_definition_of_an_imported_file_is_called_by_both_names() -> None:
    call = cursor("op f(x) = blocks.act(x; ¦").call
    assert call is not None
    assert (call.name, call.member) == ("blocks", "act")


@pytest.mark.parametrize(
    ("marked", "quiet"),
    [
        ("# a¦", True),
        ('import "a¦', True),
        ('require 1 == 1, "a"¦', False),
        ("# a\n¦", False),
        ("x ¦", False),
    ],
)
def test_comments_and_texts(marked: str, quiet: bool) -> None:
    assert cursor(marked).quiet is quiet


def test_names_in_scope_are_those_bound_before_in_the_same_definition() -> None:
    marked = (
        "op other(q) = q\n"
        "block f(x, y; out, k=g(z)) {\n"
        "    a, b = pair(x; width=3)\n"
        "    for i, (s, t) in xs { c = [v for v in xs] states += [c] ¦ }\n"
        "    later = 3\n}\n"
    )
    found = names_before(cursor(marked))
    assert [n for n, kind in found.items() if kind == "parameter"] == ["x", "y", "out", "k"]
    assert [n for n, kind in found.items() if kind == "variable"] == [
        "a",
        "b",
        "i",
        "s",
        "t",
        "c",
        "v",
        "states",
    ]


@pytest.mark.parametrize(
    ("marked", "arm"),
    [
        ("block f(x) { y = choose op { ¦", True),
        ("block f(x) { y = choose 1..=2 ops { a: relu(x) ¦", True),
        ("block f(x) { y = choose op { a: ¦", False),
        ("block f(x) { y = if true { ¦", False),
    ],
)
def test_where_an_arm_can_begin(marked: str, arm: bool) -> None:
    assert at_arm(marked.replace("¦", ""), cursor(marked)) is arm


@pytest.mark.parametrize("piece", ["for ", "a, ", "choose any x ", "f(", "x = ", '"', "{ "])
def test_hostile_texts_are_looked_at_quickly(piece: str) -> None:
    text = "block f(x) { " + piece * (200_000 // len(piece))
    start = time.perf_counter()
    found = at(text, len(text))
    names_before(found)
    at_arm(text, found)
    assert time.perf_counter() - start < 5
