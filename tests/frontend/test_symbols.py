"""Which names of a text stand for the same thing."""

from drawloom.frontend.imports import read_units
from drawloom.frontend.symbols import Symbols
from drawloom.ir import Source

TEXT = """\
op act(x; scale=1) = relu(x)
block f(x; out) {
    x = act(x; scale=out)
    for i in 0..2 { x = act(x) y = [i for i in [x]] }
    return x
}
network n(image: f32[3, out, 8]) = f(image; out=3)
"""


def symbols(text: str = TEXT, **files: str) -> Symbols:
    units, found = read_units(
        Source("main.loom", text), lambda _, path: Source(path, files[path.removesuffix(".loom")])
    )
    assert found == []
    made: dict[str, Symbols] = {}
    for unit in units:
        made[unit.name] = Symbols(unit.file, [(item, made[other.name]) for item, other in unit.imports])
    return made["main.loom"]


def places(made: Symbols, mark: str, inside: int = 0) -> list[str]:
    """Line and column of every place of the name at a piece of the text."""
    text = made.file.source.text
    found = made.at(text.index(mark) + inside)
    assert found is not None
    return [str(span).removeprefix("main.loom:") for span in found[0].places]


def test_a_definition_is_found_in_its_calls() -> None:
    assert places(symbols(), "act") == ["1:4", "3:9", "4:25"]


def test_a_parameter_is_found_where_a_call_names_it() -> None:
    assert places(symbols(), "scale=out") == ["1:11", "3:16"]
    assert places(symbols(), "out=3") == ["2:12", "3:22", "7:45"]


def test_a_rebound_name_is_one_symbol() -> None:
    assert places(symbols(), "x; out") == ["2:9", "3:5", "3:13", "4:21", "4:29", "4:49", "5:12"]


def test_a_loop_and_a_comprehension_have_names_of_their_own() -> None:
    assert places(symbols(), "i in 0") == ["4:9"]
    assert places(symbols(), "[i for i", 1) == ["4:37", "4:43"]


def test_the_binding_is_the_one_before_in_the_text() -> None:
    made = symbols()
    for mark, inside, line in [
        ("act(x; scale=out", 4, 2),
        ("act(x) y", 4, 3),
        ("return x", 7, 4),
        ("x = act(x)", 0, 4),
    ]:
        found = made.at(TEXT.index(mark) + inside)
        assert found is not None
        assert str(found[0].binding_of(found[1])).split(":")[1] == str(line), mark


def test_a_name_of_another_definition_is_not_seen() -> None:
    assert symbols().at(TEXT.index("out, 8")) is None


def test_imported_definitions_are_found_in_their_file() -> None:
    text = 'import "a.loom" as a\nimport "b.loom"\nnetwork n(x: f32[3]) = g(a.f(x; k=1); s=2)\n'
    made = symbols(text, a="op f(x; k) = x\n", b="op g(x; s) = x\n")
    assert places(made, "f(x") == ["a.loom:1:4", "3:28"]
    assert places(made, "k=1") == ["a.loom:1:9", "3:33"]
    assert places(made, "g(a") == ["b.loom:1:4", "3:24"]
    assert places(made, "a.f") == ["1:20", "3:26"]
