"""A text is read in pieces, cut at the heads of definitions in column 0; the cuts change nothing."""

import pytest
from loom_fuzz import TEXTS

from drawloom.frontend import parse as parsing
from drawloom.frontend.parse import parse, read
from drawloom.ir import Source


@pytest.mark.parametrize(
    "text",
    [
        "op f(x)\n= x\n|> g\n(; 3)\n",
        "block f(x) {\na = b == 1\nand h(x)\nor not\nh (x)\nc = [y for y\nin h(x) if\nh(y)]\nreturn x }\n",
        "block f(x) {\na = choose any\nxs\nfrom h (x)\nb = choose op { a: x\nwhen h (x) }\nreturn a }\n",
        "op op(op) = op\nblock block(block) { op\n= op\nreturn op (block) as\nop }\n",
    ],
)
def test_a_line_that_continues_an_expression_is_no_definition(text: str) -> None:
    # indented, no line is cut
    assert _shape(text) == _shape(text.replace("\n", "\n "))


def _shape(text: str) -> list[tuple[str, int]]:
    return [(d.name.name, len(d.body)) for d in parse(Source("a.loom", text)).definitions]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_file_of_the_zoo_is_read_alike_whole_and_in_pieces(name: str) -> None:
    assert _shape(TEXTS[name]) == _shape(TEXTS[name].replace("\n", "\n "))


def test_a_broken_definition_leaves_the_others() -> None:
    reading = read(Source("a.loom", "op f(x) = x +\nop g(x) = x\nblok h(x) = x\nimport\nop i(x) = x\n"))
    assert [d.name.name for d in reading.file.definitions] == ["g", "i"]
    assert reading.broken == {"f", "h"}
    assert len(reading.diagnostics) == 2


def test_an_edit_parses_the_changed_definition_only() -> None:
    part = "block part_{}(x; out) {{\n    return x |> conv(out, kernel=3)\n}}\n"
    text = "".join(part.format(i) for i in range(20))
    read(Source("a.loom", text))
    before = parsing._tree.cache_info().misses
    read(Source("a.loom", "# a comment moves all definitions\n" + text.replace("kernel=3", "kernel=5", 1)))
    assert parsing._tree.cache_info().misses == before + 2
