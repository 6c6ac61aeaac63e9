"""Which nodes and edges stand for a function: cells as in their papers, choices, selections, strengths."""

import json
from collections import Counter
from pathlib import Path

import generators
import layers
import loom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_files import ENTRIES, small

from drawloom.drawing import Beliefs, Picture, load_strengths, of_function, selected, whole
from drawloom.drawing.picture import Node, Shape
from drawloom.drawing.sheet import LIMIT
from drawloom.drawing.sketch import sketch
from drawloom.frontend import load
from drawloom.ir import FunctionBuilder, Module, TensorType, UserError, check_assignment, value_of
from drawloom.passes import resolve

ZOO = layers.ROOT / "zoo"


@pytest.fixture(scope="module")
def darts() -> Module:
    return load(ZOO / "spaces" / "darts.loom")


@pytest.fixture(scope="module")
def darts_v2(darts: Module) -> Beliefs:
    given = json.loads((ZOO / "networks" / "darts_v2.json").read_text())
    return selected(darts.decisions, check_assignment(darts.decisions, given, partial=False))


def name(node: Node) -> str:
    return node.lines[0]


def edges(picture: Picture) -> Counter[tuple[str, str]]:
    """The edges by the names of what they join."""
    return Counter((name(picture.nodes[e.source]), name(picture.nodes[e.target])) for e in picture.edges)


def through_labels(picture: Picture) -> set[tuple[str, str, str]]:
    """The edges from state to state with what stands on them."""
    labels = {i: node for i, node in enumerate(picture.nodes) if node.shape is Shape.LABEL}
    source = {e.target: name(picture.nodes[e.source]) for e in picture.edges if e.target in labels}
    return {
        (source[e.source], name(labels[e.source]), name(picture.nodes[e.target]))
        for e in picture.edges
        if e.source in labels
    }


# Liu et al. (2019), figures 4 and 5: the published cells, by source, operation and node.
NORMAL = {
    ("s0", "sep3", "node 0"),
    ("s1", "sep3", "node 0"),
    ("s0", "sep3", "node 1"),
    ("s1", "sep3", "node 1"),
    ("s0", "skip", "node 2"),
    ("s1", "sep3", "node 2"),
    ("s0", "skip", "node 3"),
    ("node 0", "dil3", "node 3"),
}
REDUCE = {
    ("s0", "max3", "node 0"),
    ("s1", "max3", "node 0"),
    ("s1", "max3", "node 1"),
    ("node 0", "skip", "node 1"),
    ("s0", "max3", "node 2"),
    ("node 0", "skip", "node 2"),
    ("s1", "max3", "node 3"),
    ("node 0", "skip", "node 3"),
}


@pytest.mark.parametrize(("cell", "published"), [("normal", NORMAL), ("reduce", REDUCE)])
def test_darts_v2_is_the_picture_of_the_paper(
    darts: Module, darts_v2: Beliefs, cell: str, published: set[tuple[str, str, str]]
) -> None:
    for picture in of_function(darts, cell, darts_v2, only_selected=True):
        assert through_labels(picture) == published
        assert {e for e in edges(picture) if e[1] == "output"} == {(f"node {i}", "output") for i in range(4)}
        assert {n.shape for n in picture.nodes} == {Shape.INPUT, Shape.LABEL, Shape.JOIN, Shape.OUTPUT}


def test_the_darts_space_has_a_card_on_every_edge(darts: Module) -> None:
    first, second = of_function(darts, "normal")
    for picture, first_input in ((first, "relu_conv_bn"), (second, "factorized_reduce")):
        cards = [n for n in picture.nodes if n.shape is Shape.CARD]
        assert len(cards) == 14
        assert {tuple(a.label for a in c.alternatives) for c in cards} == {
            ("none", "max3", "avg3", "skip", "sep3", "sep5", "dil3", "dil5")
        }
        assert [a.detail for a in picture.legend][4:6] == ["sep_conv k=3", "sep_conv k=5"]
        assert picture.nodes[0].lines == ("s0", first_input)
        assert [n.lines for n in picture.nodes if n.shape is Shape.JOIN] == [
            ("node 0", "sum"),
            ("node 1", "sum", "2 of 3"),
            ("node 2", "sum", "2 of 4"),
            ("node 3", "sum", "2 of 5"),
        ]
        assert sum(e.optional for e in picture.edges) == 3 + 4 + 5
    # Six calls of the cell look in two ways: after a reduction the first input is halved.
    assert (first.note.split()[0], second.note.split()[0]) == ("×4", "×2")


def test_a_selection_is_strong_and_the_rest_pale(darts: Module, darts_v2: Beliefs) -> None:
    picture = of_function(darts, "normal", darts_v2)[0]
    chosen = {
        name(n): [a.label for a in n.alternatives if a.weight == 1]
        for n in picture.nodes
        if n.shape is Shape.CARD and n.weight == 1
    }
    assert sorted(label for labels in chosen.values() for label in labels) == sorted(x[1] for x in NORMAL)
    pale = [n for n in picture.nodes if n.weight == 0]
    assert len(pale) == 14 - 8
    assert {e.weight for e in picture.edges if picture.nodes[e.source] in pale} == {0}


def test_every_zoo_network_shows_all_its_operations() -> None:
    for name in ENTRIES:
        module = small(name)
        pictures = whole(module)
        called = {n for p in pictures for node in p.nodes for n in node.lines}
        for call in module.entry.calls():
            assert module.function(call.attributes["callee"]).definition in called


@settings(max_examples=60)
@given(generators.modules(), st.data())
def test_every_operation_of_a_function_is_in_its_picture(module: Module, data: st.DataObject) -> None:
    for function in module.functions.values():
        picture = sketch(module, function, Beliefs(), "f")
        tips = "\n".join(f"{n.tip} {' '.join(n.lines)}" for n in picture.nodes)
        for op in function.operations:
            wanted = f"call @{op.attributes['callee']}" if op.name == "call" else op.name
            assert wanted in tips
        assert len({(e.source, e.target) for e in picture.edges}) == len(picture.edges)
        assert all(e.source < len(picture.nodes) > e.target for e in picture.edges)


@settings(max_examples=40)
@given(generators.modules(), st.data())
def test_an_assignment_leaves_no_choice(module: Module, data: st.DataObject) -> None:
    beliefs = selected(module.decisions, data.draw(generators.assignments(module)))
    for picture in whole(module, beliefs, only_selected=bool(module.decisions)):
        if module.decisions:
            assert not {n.shape for n in picture.nodes} & {Shape.CARD, Shape.CHOICE}
            assert not any(e.optional for e in picture.edges)


def test_alternatives_that_are_values_of_their_own_are_edges() -> None:
    body = """
        a = conv(image; 3, kernel=1)  b = relu(image)
        return relu(choose input from [a, b, image])
    """
    module = loom.module(body)
    (picture,) = whole(module)
    (hexagon,) = [n for n in picture.nodes if n.shape is Shape.CARD or n.shape is Shape.CHOICE]
    # Both are computed from the image alone and for this choice only: one card.
    assert [a.detail for a in hexagon.alternatives] == ["conv2d kernel=1 out=3", "relu", ""]
    module = loom.module(
        "a = conv(image; 3, kernel=1)\nb = relu(a)\nreturn relu(choose input from [b, image]) + a"
    )
    (picture,) = whole(module)
    assert [name(n) for n in picture.nodes if n.shape is Shape.CHOICE] == ["input"]
    assert sum(e.optional for e in picture.edges) == 4


@pytest.mark.parametrize(
    ("result", "on_edges"),
    [
        ("relu(image) + tanh(image)", {"relu", "tanh"}),
        ("softmax(relu(image))", set()),
        ("joined(relu(image), image)", set()),
    ],
)
def test_only_what_leads_to_a_meeting_of_values_stands_on_an_edge(result: str, on_edges: set[str]) -> None:
    module = loom.module(f"return {result}", before="block joined(a, b) { return tanh(a + b) }")
    picture = whole(module)[0]
    assert {name(n) for n in picture.nodes if n.shape is Shape.LABEL} == on_edges


def test_a_value_that_is_not_selected_keeps_its_node_but_no_edge() -> None:
    module = loom.module("h = relu(image)\nreturn sum(choose 2 edges from [h, tanh(h), sigmoid(h)])")
    beliefs = selected(module.decisions, check_assignment(module.decisions, {"edges": "1+2"}, partial=False))
    (picture,) = whole(module, beliefs, only_selected=True)
    assert edges(picture) == Counter(
        [
            ("image", "relu"),
            *(("relu", between) for between in ("tanh", "sigmoid")),
            *((between, "output") for between in ("tanh", "sigmoid")),
        ]
    )


def test_alternatives_have_the_names_of_their_own_module() -> None:
    text = "{0} = relu(image)  {1} = tanh(image)  return relu(choose input from [{0}, {1}])"
    modules = [loom.module(text.format(*names)) for names in (("a", "b"), ("c", "d"))]
    found = [n.alternatives for module in modules for n in whole(module)[0].nodes if n.alternatives]
    assert [[a.label for a in alternatives] for alternatives in found] == [["a", "b"], ["c", "d"]]


def test_a_choice_within_a_choice_stays_visible() -> None:
    body = """
        y = choose outer { a: relu(choose inner { c: tanh(image)  d: sigmoid(image) })  b: image }
        return y
    """
    (picture,) = whole(loom.module(body))
    assert {name(n) for n in picture.nodes if n.shape in (Shape.CARD, Shape.CHOICE)} == {"outer", "a.inner"}
    assert {"relu", "output"} <= {name(n) for n in picture.nodes}


def test_a_decided_attribute_tells_its_values() -> None:
    module = loom.module("return image |> conv(4, kernel=choose kernel from [3, 5])")
    (picture,) = whole(module)
    assert "kernel ∈ {3, 5}" in picture.nodes[1].words
    (picture,) = whole(module, selected(module.decisions, {"kernel": 5}))
    assert "kernel=5" in picture.nodes[1].words
    (picture,) = whole(module, load_strengths('{"kernel": [0.25, 0.75]}', module.decisions))
    assert "kernel: 5 (75 %), 3 (25 %)" in picture.nodes[1].words


def test_a_decided_operation_in_a_call_is_told_by_its_name() -> None:
    module = loom.module(
        "return f(image; choose act from [relu, hswish])",
        before="op f(x; act) = conv(x; 4, kernel=1) |> act",
    )
    (call,) = (n for n in whole(module)[0].nodes if n.shape is Shape.CALL)
    assert call.words == ("act ∈ {relu, hswish}",)
    (call,) = (n for n in whole(module, selected(module.decisions, {"act": "hswish"}))[0].nodes if n.words)
    assert call.words == ("act=hswish",)
    (call,) = (n for n in whole(resolve(module, {"act": "relu"}))[0].nodes if n.shape is Shape.CALL)
    assert call.words == ("act=relu",)


def test_strengths_weigh_alternatives_and_members() -> None:
    body = "edges = [relu(image), tanh(image), image]\nreturn sum(choose 2 edges from edges)"
    module = loom.module(body)
    strengths = load_strengths('{"edges": {"0+1": 0.5, "0+2": 0.3, "1+2": 0.2}}', module.decisions)
    (picture,) = whole(module, strengths)
    labels = {name(n) for n in picture.nodes if n.shape is Shape.LABEL}
    # A member is there in every pair that has it.
    assert {"80 %", "70 %", "50 %"} <= labels
    weights = {round(e.weight, 3) for e in picture.edges if e.optional and e.weight is not None}
    assert weights == {0.8, 0.7, 0.5}


@given(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.lists(st.floats(0.01, 1), min_size=2, max_size=2)
)
def test_the_distribution_of_an_expression_is_the_product_of_its_decisions(
    first: list[float], second: list[float]
) -> None:
    body = "return image |> conv(choose a from [2, 4, 6], kernel=choose b from [1, 3])"
    module = loom.module(body)
    a, b = module.decisions.values()
    p, q = ([w / sum(ws) for w in ws] for ws in (first, second))
    beliefs = Beliefs({a: p, b: q})
    found = beliefs.distribution(value_of(a) * value_of(b))
    assert found is not None
    expected: Counter[int] = Counter()
    for x, s in zip(a.domain, p, strict=True):
        for y, t in zip(b.domain, q, strict=True):
            expected[int(x) * int(y)] += s * t  # type: ignore[assignment, arg-type]
    assert found == pytest.approx(dict(expected))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "JSON object"),
        ("{", "not JSON"),
        ('{"kernl": [0.5, 0.5]}', "did you mean 'kernel'"),
        ('{"kernel": [1.0]}', "has 2 values"),
        ('{"kernel": 1}', "has 2 values"),
        ('{"kernel": [0.5, 0.6]}', "add up to 1.1"),
        ('{"kernel": [1.5, -0.5]}', "at least 0"),
        ('{"kernel": [NaN, 1]}', "at least 0"),
        ('{"kernel": [true, 0]}', "at least 0"),
        ('{"kernel": {"7": 1}}', "not a value"),
    ],
)
def test_strengths_that_do_not_fit_are_told(text: str, said: str) -> None:
    module = loom.module("return image |> conv(4, kernel=choose kernel from [3, 5])")
    with pytest.raises(UserError, match=said):
        load_strengths(text, module.decisions)


def test_shares_of_the_multiply_adds_add_up(darts: Module, darts_v2: Beliefs) -> None:
    network = resolve(darts, {d.name: v for d, v in darts_v2.decided.items()})
    assert sum(n.heat for n in whole(network, heat=True)[0].nodes) == pytest.approx(1)


def chain(length: int) -> Module:
    b = FunctionBuilder("chain", "network")
    x = b.input(TensorType((4, 8, 8)), "image")
    values = [x]
    for i in range(length):
        values.append(b.op("add", [values[-1], values[max(0, i - 7)]]))
    return Module("chain", {"chain": b.finish([values[-1]])})


def test_a_function_that_is_too_large_is_refused() -> None:
    with pytest.raises(UserError, match=f"{LIMIT + 1} operations, and at most {LIMIT}"):
        whole(chain(LIMIT + 1))


def test_equal_names_of_pictures_do_not_hide_a_function(tmp_path: Path) -> None:
    module = load(ZOO / "networks" / "mobilenet_v2.loom")
    pictures = whole(module)
    # With and without a residual, with and without expansion, with and without stride.
    assert Counter(p.title for p in pictures)["inverted_residual"] == 4
    assert sum(int(p.note.split()[0][1:]) for p in pictures[1:] if p.note.startswith("×")) == 16


def test_depth_draws_calls_in_place() -> None:
    module = load(ZOO / "networks" / "mobilenet_v2.loom")
    flat = whole(module, depth=3)
    assert len(flat) == 1
    assert not {Shape.CALL} & {n.shape for n in flat[0].nodes}
    names = Counter(name(n) for n in flat[0].nodes)
    assert (names["conv2d"], names["batch norm"], names["add"]) == (52, 52, 10)
