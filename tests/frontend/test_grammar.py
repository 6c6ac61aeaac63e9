"""The grammar is unambiguous, and words end where they end."""

import logging
from importlib import resources

import pytest
from lark import Lark
from lark import logger as lark_logger

from drawloom.frontend.parse import parse
from drawloom.ir import DiagnosticError, Source


def test_there_are_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    text = resources.files("drawloom.frontend").joinpath("grammar.lark").read_text(encoding="utf-8")
    lark_logger.addHandler(caplog.handler)
    level = lark_logger.level
    lark_logger.setLevel(logging.DEBUG)
    try:
        Lark('start: x "a"?\nx: "b" ["a"]', parser="lalr", debug=True)
        assert "conflict" in caplog.text.lower()  # so one would be heard
        caplog.clear()
        Lark(text, parser="lalr", debug=True)
    finally:
        lark_logger.setLevel(level)
        lark_logger.removeHandler(caplog.handler)
    assert "conflict" not in caplog.text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "for i inputs { x = y }",
        "x = a and_b",
        "x = if a { b } elsewhere { c }",
        "x = choose k fromage [1, 2]",
        "returnx",
    ],
)
def test_a_keyword_is_a_whole_word(text: str) -> None:
    with pytest.raises(DiagnosticError):
        parse(Source("t.loom", f"block f(x) {{ {text} return x }}"))


@pytest.mark.parametrize("word", ["op", "block", "cell", "network", "any", "import", "inner", "iffy"])
def test_some_words_are_names_too(word: str) -> None:
    text = f"block f({word}; k) {{ {word} = f({word}; {word}=3) as {word} return {word} }}"
    file = parse(Source("t.loom", text))
    assert file.definitions[0].tensors[0].name.name == word


def test_newlines_and_comments_mean_nothing() -> None:
    spread = "block f(x) { # comment\n y\n=\nx\n|>\nrelu return\ny }"
    assert len(parse(Source("t.loom", spread)).definitions[0].body) == 2


def test_numbers() -> None:
    text = "block f(x; a=3, b=0.75, c=1e-5, d=5.3M, e=2K, f=1.5ms, g=20us, h=0.5K, i=1.0) = x"
    (definition,) = parse(Source("t.loom", text)).definitions
    values = [p.default.value for p in definition.statics]
    assert values == [3, 0.75, 1e-5, 5_300_000, 2000, 1_500_000, 20_000, 500, 1.0]
    assert [type(v) for v in values] == [int, float, float, int, int, int, int, int, float]
