"""How diagnostics look: one excerpt a file, several labels, long spans, odd characters, long lines."""

import re
from textwrap import dedent

from drawloom.ir import Diagnostic, Label, Source, Span, render


def span(source: Source, first: str, last: str = "", nth: int = 0) -> Span:
    """The place of the nth occurrence of a text, up to the next `last`."""
    start = [m.start() for m in re.finditer(re.escape(first), source.text)][nth]
    return Span(source, start, source.text.index(last, start) + len(last) if last else start + len(first))


def shown(label: Label, *others: Label) -> list[str]:
    """The lines below the headline."""
    return render(Diagnostic("E0999", "wrong", label, others)).splitlines()[1:]


def lines(text: str) -> list[str]:
    return dedent(text).strip("\n").splitlines()


def test_labels_of_one_line_hang_below_each_other() -> None:
    source = Source("a.loom", "y = part(f(x)) |> part\n")
    made = shown(
        Label(span(source, "part", nth=1)),
        Label(span(source, "part"), "first"),
        Label(span(source, "f"), "inner"),
    )
    assert made == [
        " --> a.loom:1:19",
        "  |",
        "1 | y = part(f(x)) |> part",
        "  |     ---- -        ^^^^",
        "  |     |    |",
        "  |     |    inner",
        "  |     first",
    ]


def test_labels_of_two_files() -> None:
    source, other = Source("a.loom", "\n" * 9 + "f(x)\n"), Source("b.loom", "op f(x; k) = x\n")
    assert shown(Label(span(source, "f"), "here"), Label(span(other, "k"), "declared here")) == [
        "  --> a.loom:10:1",
        "   |",
        "10 | f(x)",
        "   | ^ here",
        "  ::: b.loom:1:9",
        "   |",
        " 1 | op f(x; k) = x",
        "   |         - declared here",
    ]


def test_a_span_over_lines_has_a_bar_and_leaves_out_its_middle() -> None:
    source = Source("a.loom", "x = [\n  a\n  b\n  c\n  d\n  e\n]\n\nreturn x\n")
    assert shown(Label(span(source, "[", "]"), "all"), Label(span(source, "return"), "end")) == [
        " --> a.loom:1:5",
        "  |",
        "1 |   x = [",
        "  |  _____^",
        "2 | |   a",
        "... |",
        "7 | | ]",
        "  | |_^ all",
        "8 |",
        "9 |   return x",
        "  |   ------ end",
    ]


def test_tabs_and_wide_characters_keep_the_caret_under_its_text() -> None:
    source = Source("a.loom", '\tx = "名前" + e\u0301 + y\n')
    *_, text, carets = shown(Label(span(source, "y")))
    assert text == '1 |     x = "名前" + e\u0301 + y'
    # two wide characters take four cells, the accent none
    assert carets.index("^") == text.index("y") + 2 - 1


def test_a_source_cannot_send_control_characters_to_a_terminal() -> None:
    source = Source("\x1b[2Ja.loom", "x = \x1b[31m \u202e \x7f y\r\n")
    text = "\n".join(shown(Label(span(source, "y"), "\x1b[0m"), Label(span(source, "x"))))
    assert "␛[31m" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


def test_a_long_line_is_cut_around_the_label() -> None:
    source = Source("a.loom", "a + " * 100 + "guilty" + " + b" * 100)
    *_, text, carets = shown(Label(span(source, "guilty"), "here"))
    assert len(text) < 160
    assert text.startswith("1 | ...")
    assert text.endswith("...")
    assert text[carets.index("^") : carets.rindex("^") + 1] == "guilty"


def test_the_end_of_a_text() -> None:
    for text, row in [("ab", "  |   ^ here"), ("", "  | ^ here"), ("ab\n", "  | ^ here")]:
        source = Source("a.loom", text)
        assert shown(Label(Span(source, len(text), len(text)), "here"))[-1] == row


def test_colour_changes_nothing_else() -> None:
    source = Source("a.loom", "x = [\n  a\n]\nreturn x\n")
    diagnostic = Diagnostic(
        "E0999",
        "wrong",
        Label(span(source, "[", "]"), "all"),
        (Label(span(source, "return"), "end"),),
        ("a note",),
        "a repair",
    )
    coloured = render(diagnostic, color=True)
    assert "\x1b[1;31merror[E0999]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(diagnostic)
    assert render(diagnostic).endswith("  = note: a note\n  = help: a repair")
