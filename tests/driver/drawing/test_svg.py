"""The SVG: well-formed, self-contained, everything escaped, no text outside of its node."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import generators
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drawloom.drawing import render, selected, whole
from drawloom.drawing.nodes import lines_of, size_of
from drawloom.drawing.picture import Alternative, Edge, Node, Picture, Shape
from drawloom.drawing.text import text_width
from drawloom.ir import Module

SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", "]]>", "--><!--", "\"'><&amp;", "\x00\x0b\ud800", "a\nb", "&#60;", "图层"]
)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Pictures whose every text is hostile."""
    nodes = []
    for shape in Shape:
        alternatives = [Alternative(draw(HOSTILE), draw(HOSTILE), draw(st.none() | st.floats(0, 1)))]
        nodes.append(
            Node(
                shape,
                (draw(HOSTILE), draw(HOSTILE)),
                draw(HOSTILE),
                tuple(alternatives) if shape is Shape.CARD else (),
                draw(st.sampled_from([None, 0.0, 1.0])),
                draw(st.floats(0, 1)),
                (draw(HOSTILE),),
            )
        )
    edges = [Edge(i, i + 1, draw(st.booleans()), draw(st.none() | st.floats(0, 1))) for i in range(7)]
    return Picture(
        draw(HOSTILE), draw(HOSTILE), tuple(nodes), tuple(edges), (Alternative(draw(HOSTILE), ""),)
    )


@given(pictures(), HOSTILE)
@settings(max_examples=60)
def test_hostile_texts_stay_texts(picture: Picture, label: str) -> None:
    root = ET.fromstring(render([picture], label))
    allowed = {"svg", "title", "style", "g", "path", "rect", "text", "tspan"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    names = {key for element in root.iter() for key in element.attrib}
    assert not [key for key in names if key.startswith("on") or "href" in key or key == "style"]


def test_texts_are_all_there() -> None:
    node = Node(Shape.CALL, ("<b>",), "tip & trick", words=("k=3",))
    root = ET.fromstring(render([Picture("p", "n", (node,), ())], "it"))
    texts = {element.text for element in root.iter()}
    assert {"<b>", "tip & trick", "k=3", "it"} <= texts
    assert root.attrib["aria-label"] == "it"
    assert root.attrib["role"] == "img"


def test_nothing_is_loaded_and_both_themes_are_there() -> None:
    text = render([Picture("p", "", (Node(Shape.INPUT, ("x",)),), ())], "it")
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"url\(|@import|<script|xlink|javascript:", text)


@settings(max_examples=30)
@given(generators.modules(), st.data())
def test_any_module_can_be_drawn_and_is_drawn_alike(module: Module, data: st.DataObject) -> None:
    beliefs = selected(module.decisions, data.draw(generators.assignments(module)))
    for known in (None, beliefs):
        first, second = (render(whole(module, known), module.name) for _ in range(2))
        assert first == second
        root = ET.fromstring(first)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        assert width > 0
        assert height > 0


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.sampled_from(sorted(Shape, key=str)))
def test_a_node_is_as_wide_as_its_text(lines: list[str], shape: Shape) -> None:
    node = Node(shape, tuple(lines), "", (Alternative("a", lines[0], 0.5),) if shape is Shape.CARD else ())
    size = size_of(node)
    shown = lines[:1] if shape is Shape.CARD else lines_of(node)
    assert size.width >= max(text_width(line, 10.5) for line in shown)


@pytest.mark.parametrize(
    ("text", "regular", "bold"),
    # Measured by a browser in DejaVu Sans of 2048 pixels.
    [
        ("inverted_residual", 17683, 20080),
        ("conv2d", 7492, 8305),
        ("MWmw@%", 11456, 12423),
        ("0123456789", 13030, 14250),
        ("iljtfrI.,:", 6669, 8123),
        ("ABCDEFGHKLNOPQRSTUVXYZ", 30782, 34375),
        ("128×28×28", 12553, 13407),
        ("kernel ∈ {3, 5}", 15906, 17774),
    ],
)
def test_texts_are_not_taken_for_narrower_than_they_are(text: str, regular: int, bold: int) -> None:
    assert regular <= text_width(text, 2048) <= 1.3 * regular
    assert bold <= text_width(text, 2048, bold=True) <= 1.3 * bold


def test_strengths_are_width_and_opacity() -> None:
    nodes = tuple(Node(Shape.JOIN, (str(i),)) for i in range(4))
    edges = tuple(Edge(i, 3, True, weight) for i, weight in enumerate([0.0, 0.4, 1.0]))
    root = ET.fromstring(render([Picture("p", "", nodes, edges)], "it"))
    links = [e.attrib for e in root.iter(f"{SVG}path") if e.attrib["class"].startswith("link")]
    assert all(float(a["stroke-width"]) < float(b["stroke-width"]) for a, b in pairwise(links))
    assert all(float(a["opacity"]) < float(b["opacity"]) for a, b in pairwise(links))
    # What is certain is drawn as a whole line.
    assert [link["class"] for link in links] == ["link optional", "link optional", "link"]


def test_pale_and_strong_alternatives_are_marked() -> None:
    alternatives = (Alternative("no", "", 0.0), Alternative("maybe", "", 0.3), Alternative("yes", "", 1.0))
    root = ET.fromstring(render([Picture("p", "", (Node(Shape.CARD, ("d",), "", alternatives),), ())], "it"))
    shown = {e.text: e.attrib["class"] for e in root.iter(f"{SVG}text")}
    assert (shown["no"], shown["maybe"], shown["yes"]) == (
        "alternative pale",
        "alternative",
        "alternative bold",
    )
    assert "30 %" in shown
    bars = [float(e.attrib["width"]) for e in root.iter(f"{SVG}rect") if e.attrib["class"] == "bar"]
    assert bars[0] / bars[1] == pytest.approx(0.3, abs=0.01)


@example("a")
@given(st.text(min_size=1, max_size=10))
def test_bold_is_wider(text: str) -> None:
    assert text_width(text, 12, bold=True) >= text_width(text, 12)
