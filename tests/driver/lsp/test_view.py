"""What is known of an earlier text is found again in the text as it is now."""

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp

from drawloom.frontend.inspection import Inspection
from drawloom.ir import Source
from drawloom.lsp.analysis import View
from drawloom.lsp.documents import Document

OLD = "aü\n名bcd\n😀efgh\n"


@given(
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 4), st.text("xy😀\n", max_size=3)), max_size=4),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_what_was_not_edited_is_found_where_it_moved(
    edits: list[tuple[int, int, str]], encoding: str
) -> None:
    document = Document("file:///a.loom", Source("/a.loom", OLD))
    view = View(Inspection(document.source), document.source)
    # the offset in the old text of every character that is still there
    origin: list[int | None] = list(range(len(OLD)))
    for start, length, text in edits:
        source = document.source
        start, end = min(start, len(source.text)), min(start + length, len(source.text))
        places = [lsp.Position(*source.editor_position(o, encoding)) for o in (start, end)]
        change = lsp.TextDocumentContentChangePartial(range=lsp.Range(*places), text=text)
        view.follow(document.apply(change, encoding), document.source)
        origin[start:end] = [None] * len(text)
    assert len(document.source.text) == len(origin)
    for now, before in enumerate(origin):
        if before is not None:
            assert document.source.text[now] == OLD[before]
            assert view.earlier(now) == before
            assert view.now(before, before + 1) == (now, now + 1)
    gone = set(range(len(OLD))) - set(origin)
    assert all(view.now(before, before + 1) is None for before in gone)


def test_a_whole_new_text_keeps_what_both_have() -> None:
    document = Document("file:///a.loom", Source("/a.loom", "one two three"))
    view = View(Inspection(document.source), document.source)
    change = lsp.TextDocumentContentChangeWholeDocument(text="one twenty three")
    view.follow(document.apply(change, "utf-16"), document.source)
    assert document.source.text == "one twenty three"
    assert view.now(0, 3) == (0, 3)
    assert view.now(8, 13) == (11, 16)
    assert view.now(4, 7) is None
