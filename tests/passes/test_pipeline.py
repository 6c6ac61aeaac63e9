"""Pipelines in text: grammar, options, round trip, and carets under what is wrong."""

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawloom.ir import DiagnosticError, Entry, Module
from drawloom.passes import (
    Context,
    Fixpoint,
    Pass,
    PassRegistry,
    parse_pipeline,
    parse_specs,
    pipeline_text,
)


@dataclass(frozen=True)
class Knobs(Pass):
    """A pass with an option of every type."""

    name: ClassVar[str] = "knobs"
    count: int = 1
    rate: float = 0.5
    fast: bool = False
    mode: str = "plain"
    limit: int | None = None
    axis_names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()

    def run(self, module: Module, context: Context) -> Module:
        return module


@dataclass(frozen=True)
class Set(Pass):
    """A pass that collects whatever it is given."""

    name: ClassVar[str] = "set"
    strict: bool = True
    values: Mapping[str, int | float | bool | str | tuple[int, ...]] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        return module


@dataclass(frozen=True)
class Needs(Pass):
    """A pass that makes no sense without its option."""

    name: ClassVar[str] = "needs"
    n: int

    def run(self, module: Module, context: Context) -> Module:
        return module


class LocalRegistry(PassRegistry):
    """A registry of classes at hand."""

    def load(self, name: str) -> type[Pass]:
        return {"knobs": Knobs, "set": Set, "needs": Needs, "fixpoint": Fixpoint}[name]


REGISTRY = LocalRegistry(Entry(name, "here:Here", "") for name in ("knobs", "set", "needs", "fixpoint"))


def parse(text: str) -> tuple[Pass, ...]:
    return parse_pipeline(text, REGISTRY)


def one(text: str) -> Pass:
    (found,) = parse(text)
    return found


def problem(text: str) -> str:
    with pytest.raises(DiagnosticError) as caught:
        parse(text)
    (d,) = caught.value.diagnostics
    assert d.label.span.source.name == "<pipeline>"
    return f"{d.code} {d.message} <{d.label.span.text}>"


def test_the_pipeline_of_the_design() -> None:
    specs = parse_specs("assign{stem.kernel=5,a.node[2].edge[1].op=sep3},canonicalize,fixpoint(cse,dce)")
    assert [s.name for s in specs] == ["assign", "canonicalize", "fixpoint"]
    assert [(o.name, o.values) for o in specs[0].options] == [
        ("stem.kernel", ("5",)),
        ("a.node[2].edge[1].op", ("sep3",)),
    ]
    assert [s.name for s in specs[2].children] == ["cse", "dce"]


def test_options_have_the_types_of_fields() -> None:
    text = "knobs{count=2,rate=1e-3,fast,mode=a.b,limit=7,axis-names=[x,y],sizes=[1,2]}"
    assert one(text) == Knobs(2, 0.001, True, "a.b", 7, ("x", "y"), (1, 2))
    assert one("knobs{sizes=0+2,fast=false}") == Knobs(sizes=(0, 2))
    assert one("knobs{limit=none}") == one("knobs{}") == one("knobs") == Knobs()


def test_a_mapping_collects_what_is_no_field() -> None:
    assert one("set{strict=false,a.b[0].op=sep3,c=0+2,d=[1,2]}") == Set(
        False, {"a.b[0].op": "sep3", "c": "0+2", "d": ("1", "2")}
    )


def test_texts_are_quoted_where_they_must_be() -> None:
    assert one(r'knobs{mode="a, \"b\" {\\}"}') == Knobs(mode='a, "b" {\\}')
    assert Knobs(mode="").spec() == 'knobs{mode=""}'
    assert Set(values={"k": (0, 2), "a[0].b": 0.25}).spec() == "set{k=0+2,a[0].b=0.25}"


def test_spaces_do_not_matter() -> None:
    assert parse(" knobs { count = 2 , fast } , fixpoint ( knobs ) ") == parse(
        "knobs{count=2,fast},fixpoint(knobs)"
    )
    assert parse(" ") == ()


def test_fixpoint_has_passes_and_options() -> None:
    assert one("fixpoint{limit=3}(knobs,fixpoint(set))") == Fixpoint((Knobs(), Fixpoint((Set(),))), 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("knobs,", "E0901 the pipeline ends where the name of a pass is expected <>"),
        ("knobs knobs", "E0901 unexpected 'k' in the pipeline <k>"),
        ("knobs{count=2", "E0901 the pipeline ends where ',' or '}' is expected <>"),
        ("knobs{=2}", "E0901 unexpected '=' in the pipeline <=>"),
        ("knobs{mode=}", "E0901 unexpected '}' in the pipeline <}>"),
        ('knobs{mode="a}', "E0901 a text without its closing '\"' <\"a}>"),
        ("fixpoint(knobs", "E0901 the pipeline ends where ',' or ')' is expected <>"),
        ("fixpoint()", "E0901 unexpected ')' in the pipeline <)>"),
        ("fixpoint(" * 40 + "knobs" + ")" * 40, "E0901 passes are nested more than 16 deep <fixpoint>"),
        ("knob", "E0902 unknown pass 'knob' <knob>"),
        ("fixpoint(knobs,st)", "E0902 unknown pass 'st' <st>"),
        ("knobs{size=1}", "E0903 unknown option 'size' of pass 'knobs' <size=1>"),
        ("knobs{axis_names=a}", "E0903 unknown option 'axis_names' of pass 'knobs' <axis_names=a>"),
        ("knobs{count=1,count=2}", "E0903 option 'count' is given twice <count=2>"),
        ("set{a=1,a=2}", "E0903 option 'a' is given twice <a=2>"),
        ("needs", "E0904 pass 'needs' needs the option 'n' <needs>"),
        ("knobs{count=a}", "E0904 option 'count' is an integer, got 'a' <count=a>"),
        ("knobs{rate=a}", "E0904 option 'rate' is a number, got 'a' <rate=a>"),
        ("knobs{fast=1}", "E0904 option 'fast' is true or false, got '1' <fast=1>"),
        ("knobs{sizes=[a]}", "E0904 option 'sizes' is an integer, got 'a' <sizes=[a]>"),
        ("knobs{count=[1]}", "E0904 option 'count' takes one value, not a list <count=[1]>"),
        ("knobs{count}", "E0904 option 'count' needs a value <count>"),
        ("set{a}", "E0904 option 'a' needs a value <a>"),
        ("knobs(set)", "E0905 pass 'knobs' takes no passes in parentheses <knobs>"),
    ],
)
def test_mistakes_have_a_caret_under_them(text: str, expected: str) -> None:
    assert problem(text) == expected


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(DiagnosticError, match="did you mean 'knobs'"):
        parse("knob")
    with pytest.raises(DiagnosticError, match="did you mean 'axis-names'"):
        parse("knobs{axis_names=a}")


KNOBS = st.builds(
    Knobs,
    count=st.integers(),
    rate=st.floats(allow_nan=False),
    fast=st.booleans(),
    mode=st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
    limit=st.none() | st.integers(),
    axis_names=st.lists(st.sampled_from(["a", "b c", "", "]", "none"])).map(tuple),
    sizes=st.lists(st.integers(0, 9)).map(tuple),
)
PASSES = st.recursive(
    KNOBS,
    lambda inner: st.builds(Fixpoint, st.lists(inner, min_size=1, max_size=3).map(tuple), st.integers(1, 9)),
)


@given(st.lists(PASSES, max_size=4))
@settings(max_examples=200)
def test_pipelines_survive_printing_and_parsing(passes: list[Pass]) -> None:
    text = pipeline_text(passes)
    assert parse(text) == tuple(passes)
    assert pipeline_text(parse(text)) == text


@given(
    st.text(alphabet=string.printable, max_size=60) | st.text(alphabet='knobsetfix{}()[]=,"01. ', max_size=60)
)
@settings(max_examples=300)
def test_any_text_gives_passes_or_diagnostics(text: str) -> None:
    try:
        parse(text)
    except DiagnosticError as error:
        str(error)
