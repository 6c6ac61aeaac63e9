"""What an editor is told: as much as can be known, whatever the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loom_fuzz import TEXTS, TOKENS, mutated

from drawloom.frontend import elaborate
from drawloom.frontend.inspection import Inspection, inspect
from drawloom.ir import DiagnosticError, Module, Source, UserError, Value


def read(_: Source, path: str) -> Source:
    raise UserError(f"there is no file '{path}'")


def looked_at(text: str) -> Inspection:
    return inspect(Source("test.loom", text), read)


def values(inspection: Inspection, mark: str) -> list[str]:
    """The types of the tensors that a piece of the text stands for."""
    start = inspection.source.text.index(mark)
    seen = inspection.values_at(start, start + len(mark))
    return [str(s.value.type) if isinstance(s.value, Value) else str(s.value) for s in seen]


def test_an_expression_has_every_value_that_its_instances_give_it() -> None:
    found = looked_at(
        "op f(x; k) = x |> conv(2 * k, kernel=1)\n"
        "network n(image: f32[3, 8, 8]) { for i in 1..=3 { y = f(image; i) } return y }\n"
    )
    assert found.diagnostics == ()
    assert values(found, "2 * k") == ["2", "4", "6"]
    assert values(found, "f(image; i)") == ["f32[2, 8, 8]", "f32[4, 8, 8]", "f32[6, 8, 8]"]


def test_every_network_is_elaborated_with_decisions_of_its_own() -> None:
    one = "network a(x: f32[3]) = x |> linear(choose n from [1, 2])\n"
    found = looked_at(one + one.replace("network a", "network b").replace("[1, 2]", "[3, 4]"))
    assert found.diagnostics == ()
    assert [[d.domain for d in made] for made in found.decisions.values()] == [[(1, 2)], [(3, 4)]]


def test_a_mistake_leaves_what_is_known_about_the_rest() -> None:
    found = looked_at(
        "block broken(x) { y = x + }\n"
        "network n(image: f32[3, 8, 8]) { a = image |> conv(4, kernel=1) b = rleu(a) return broken(b) }\n"
    )
    assert [d.code for d in found.diagnostics] == ["E0001", "E0101"]
    assert values(found, "conv(4, kernel=1)") == ["f32[4, 8, 8]"]
    assert set(found.names.own) == {"n"}


def test_an_import_that_cannot_be_read_leaves_the_names() -> None:
    found = looked_at('import "gone.loom"\nop f(x) = g(x)\n')
    assert [d.code for d in found.diagnostics] == ["E0107"]
    assert "f" in found.names.own


def test_networks_are_kept_and_one_that_needs_arguments_says_so() -> None:
    found = looked_at("network a(x: f32[3]) = relu(x)\nnetwork b(x: f32[3]; n) = x |> linear(n)\n")
    assert isinstance(found.networks["a"], Module)
    assert str(found.networks["b"]) == "network 'b' needs a value for 'n'"


def test_a_text_that_exhausts_the_stack_is_not_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("drawloom.frontend.inspection.elaborate_network", exhausted)
    found = looked_at("network a(x: f32[3]) = relu(x)\n")
    assert [d.code for d in found.diagnostics] == ["E0006"]


def test_a_network_that_needs_arguments_is_good() -> None:
    assert looked_at("network n(x: f32[3]; k) = x |> linear(k)\n").diagnostics == ()


@settings(max_examples=60)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(TOKENS), max_size=60).map(" ".join)))
def test_any_text(text: str) -> None:
    agrees_with_elaboration(text)


@settings(max_examples=40)
@given(st.sampled_from(sorted(TEXTS)), st.integers(1, 4), st.integers(0, 2**32))
def test_mutated_files(name: str, changes: int, seed: int) -> None:
    agrees_with_elaboration(mutated(TEXTS[name], changes, seed))


def agrees_with_elaboration(text: str) -> None:
    """Both say the same of a text; only an editor also accepts files without a network or with several."""
    found = looked_at(text)
    try:
        elaborate(Source("test.loom", text))
        said = set[tuple[str, int]]()
    except DiagnosticError as error:
        said = {(d.code, d.label.span.start) for d in error.diagnostics if d.code != "E0106"}
    except UserError:
        said = set()
    assert said <= {(d.code, d.label.span.start) for d in found.diagnostics}
    assert found.names.file.source is found.source
