"""The editor grammars know the words of the language and colour the zoo as they should."""

import json
import re
from typing import Any

import layers
import pytest
from loom_texts import EVERYTHING
from textmate import Grammar

from drawloom import zoo
from drawloom.frontend import load
from drawloom.frontend.builtins import builtins
from drawloom.frontend.primitives import primitives
from drawloom.ir import OPS, print_module
from drawloom.ir.types import DType

FOLDER = layers.ROOT / "docs" / "editor"
LOOM = json.loads((FOLDER / "loom.tmLanguage.json").read_text(encoding="utf-8"))
IR = json.loads((FOLDER / "ir.tmLanguage.json").read_text(encoding="utf-8"))
GRAMMAR = (layers.ROOT / "frontend" / "grammar.lark").read_text(encoding="utf-8")
OUT_OF_DATE = "run `python tools/editor_words.py`"


def words(pattern: str) -> set[str]:
    """The alternatives of the first group of a pattern that lists words."""
    listed = re.search(r"\((?:\?:)?((?:[a-z0-9_]+\|)*[a-z0-9_]+)\)", pattern)
    assert listed is not None, pattern
    return set(listed.group(1).split("|"))


@pytest.mark.parametrize("grammar", [LOOM, IR], ids=["loom", "ir"])
def test_every_pattern_compiles_and_every_rule_is_used(grammar: dict[str, Any]) -> None:
    for rule in Grammar(grammar).leaves(list(grammar["repository"].values())):
        for pattern in (rule.get("match", rule.get("begin")), rule.get("end", "")):
            re.compile(pattern)
        groups = re.compile(rule.get("match", "")).groups
        assert set(rule.get("captures", {})) == {str(n) for n in range(1, groups + 1)}
    included = {p["include"].removeprefix("#") for p in grammar["patterns"]}
    assert included == set(grammar["repository"])


def test_operations_and_builtins_are_those_of_the_language() -> None:
    repository = LOOM["repository"]
    assert words(repository["operations"]["match"]) == set(primitives()), OUT_OF_DATE
    assert words(repository["builtins"]["match"]) == set(builtins()) - {"network"}, OUT_OF_DATE
    assert words(repository["types"]["match"]) == {d.value for d in DType}


def test_keywords_are_those_of_the_grammar() -> None:
    reserved = set(re.findall(r"^_[A-Z]+\.2: /([a-z]+)", GRAMMAR, re.MULTILINE))
    soft = set(re.findall(r'"([a-z]+)"', GRAMMAR))
    assert "choose" in reserved  # so the patterns above find something
    assert {"network", "import"} < soft
    listed: set[str] = set()
    for name in ("definitions", "decisions", "labels", "keywords"):
        for rule in Grammar(LOOM).leaves([LOOM["repository"][name]]):
            listed |= set(re.findall(r"[a-z]{2,}", re.sub(r"\\b|\\s|\[[^]]*\]", " ", rule["match"])))
    assert listed == reserved | soft


def test_keywords_of_vim_are_those_of_the_grammar() -> None:
    text = (FOLDER / "vim" / "syntax" / "loom.vim").read_text(encoding="utf-8")
    listed = set(re.findall(r"^syntax keyword (?:\w+) (.*)", text, re.MULTILINE))
    reserved = set(re.findall(r"^_[A-Z]+\.2: /([a-z]+)", GRAMMAR, re.MULTILINE))
    assert {word for line in listed for word in line.split()} == reserved | {d.value for d in DType} | {
        "import"
    }


def test_words_of_the_textual_ir_are_those_of_its_parser() -> None:
    text = "".join((layers.ROOT / "ir" / f"{name}.py").read_text() for name in ("parser", "operation_parser"))
    read = set(re.findall(r'(?:accept|expect|at)_word\("(\w+)"\)', text)) | {"require", "check"}
    assert {"one_of", "subset", "by"} < read
    headings, keywords = IR["repository"]["keywords"]["patterns"][:2]
    assert words(keywords["match"]) == read - {"module", "decision"}
    assert words(headings["match"]) == {"module", "decision", "op", "block", "cell", "network"}


def coloured(text: str, grammar: dict[str, Any] = LOOM) -> list[tuple[str, str]]:
    """The tokens of a text that have a scope, without the ending that all scopes share."""
    ending = grammar["scopeName"].removeprefix("source")
    found = [t for line in Grammar(grammar).tokens(text) for t in line]
    return [(t.text, t.scope.removesuffix(ending)) for t in found if t.scope != grammar["scopeName"]]


def line_of(name: str, start: str) -> dict[str, str]:
    """The scopes in the line of a zoo file that begins so."""
    text = zoo.files()[name].read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return dict(coloured(line))


def test_a_definition() -> None:
    found = line_of("parts/mobilenet_v2", "block inverted_residual")
    assert found["block"] == "storage.type.definition"
    assert found["inverted_residual"] == "entity.name.function.definition"
    assert found[";"] == "punctuation.separator.statics"


def test_a_network_with_types() -> None:
    found = line_of("networks/mobilenet_v2", "network mobilenet_v2")
    assert found["image"] == "variable.parameter.tensor"
    assert found["f32"] == "support.type"
    assert found["width"] == "variable.parameter.keyword"
    assert found["224"] == "constant.numeric"


def test_pipes_and_calls() -> None:
    found = dict(coloured("x = image |> conv_bn(8) |> relu6 |> my_op"))
    assert found["|>"] == "keyword.operator.pipe"
    assert found["conv_bn"] == found["my_op"] == "entity.name.function.call"
    assert found["relu6"] == "support.function.operation"


def test_decisions() -> None:
    found = line_of("spaces/mobile_fashion", "kernel = choose")
    assert found["choose"] == found["from"] == "keyword.control.choose"
    assert found["kernel"] == "variable.other.constant.decision"
    found = dict(coloured("two = choose 1..=2 inputs from states"))
    assert found["1..=2"] == "constant.numeric.count"
    assert found["inputs"] == "variable.other.constant.decision"


def test_arms_named_like_keywords_and_operations() -> None:
    found = dict(coloured("y = choose op { sum: a + b  op: x  skip: h when s == 1 }"))
    assert found["sum"] == found["skip"] == "entity.name.tag.arm"
    assert found["when"] == "keyword.control.choose"
    assert found["=="] == "keyword.operator.comparison"


def test_loops_and_conditions() -> None:
    found = line_of("spaces/darts", "for edge, (h, s) in")
    assert found["for"] == found["in"] == found["if"] == found["else"] == "keyword.control"
    assert found["len"] == "support.function.builtin"
    assert found[".."] == "keyword.operator.range"


def test_numbers_strings_comments_labels() -> None:
    found = dict(coloured('require params(network) <= 5.3M, "a # b" # "no" text'))
    assert found["5.3"] == "constant.numeric"
    assert found["M"] == "keyword.other.unit"
    assert found["params"] == "support.function.builtin"
    assert found["network"] == "variable.language.network"
    assert found['"a # b"'] == "string.quoted.double"
    assert found['# "no" text'] == "comment.line.number-sign"
    assert dict(coloured("y = f(x) as left"))["left"] == "entity.name.label"


def test_builtin_names_may_be_variables() -> None:
    assert ("width", "support.function.builtin") not in coloured("width = 3 * width")
    assert ("add", "support.function.operation") not in coloured("y = x.add")


@pytest.mark.parametrize("name", [*zoo.files(), "everything"])
def test_whole_files(name: str) -> None:
    """Every comment is one and nothing else is; no reserved word or number goes without its colour."""
    text = EVERYTHING if name == "everything" else zoo.files()[name].read_text(encoding="utf-8")
    plain = " ".join(t.text for line in Grammar(LOOM).tokens(text) for t in line if t.scope == "source.loom")
    reserved = set(re.findall(r"^_[A-Z]+\.2: /([a-z]+)", GRAMMAR, re.MULTILINE))
    assert not reserved & set(plain.split())
    assert not re.search(r"(?<!\w)[0-9]|[^\w\s]", plain)
    comments = [t for t, scope in coloured(text) if scope.startswith("comment")]
    assert comments == re.findall(r"#.*", text)


def test_textual_ir() -> None:
    text = print_module(load(zoo.files()["spaces/mobile_fashion"]))
    found = coloured(text, IR)
    plain = " ".join(t.text for line in Grammar(IR).tokens(text) for t in line if t.scope == "source.loom-ir")
    assert not plain.strip()
    operations = {t for t, scope in found if scope == "support.function.operation"}
    assert {"conv2d", "choice", "call"} < operations <= {d.name for d in OPS}
    assert ("one_of", "keyword.control") in found
    assert ("@mobile_fashion", "entity.name.symbol") in found
    assert ("decision", "storage.type") in found


def test_the_extension_names_files_that_exist() -> None:
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    named = [package["main"], *(g["path"] for g in package["contributes"]["grammars"])]
    named += [language["configuration"] for language in package["contributes"]["languages"]]
    assert all((FOLDER / path).is_file() for path in named)
    scopes = {g["scopeName"] for g in package["contributes"]["grammars"]}
    assert scopes == {LOOM["scopeName"], IR["scopeName"]}
