"""Positions in texts, as people count them and as editors do."""

from hypothesis import given
from hypothesis import strategies as st

from drawloom.ir import Source


def test_utf16_positions_count_code_units() -> None:
    source = Source("a.loom", "a😀b\nü\n")
    assert source.position(2) == (1, 3)
    assert source.editor_position(2) == (0, 3)
    assert source.editor_position(5) == (1, 1)
    assert source.editor_position(6) == (2, 0)


def test_positions_beyond_the_text_are_its_end() -> None:
    source = Source("a.loom", "ab\ncd")
    assert source.editor_offset(0, 99) == 2
    assert source.editor_offset(9, 0) == 5


@given(
    st.text(alphabet=st.sampled_from("aü名😀\n\t\u2028")),
    st.sampled_from([("utf-8", "utf-8", 1), ("utf-16", "utf-16-le", 2), ("utf-32", "utf-32-le", 4)]),
    st.data(),
)
def test_positions_of_editors_are_read_back(
    text: str, unit: tuple[str, str, int], data: st.DataObject
) -> None:
    encoding, codec, size = unit
    offset = data.draw(st.integers(0, len(text)))
    source = Source("a.loom", text)
    line, column = source.editor_position(offset, encoding)
    before = text.split("\n")[line].encode(codec)[: size * column].decode(codec)
    assert source.editor_offset(line, column, encoding) == offset
    assert before == text[:offset].split("\n")[-1]
