"""Positions in texts, as people count them and as editors do."""

from hypothesis import given
from hypothesis import strategies as st

from drawloom.ir import Source


def test_utf16_positions_count_code_units() -> None:
    source = Source("a.loom", "a😀b\nü\n")
    assert source.position(2) == (1, 3)
    assert source.position_utf16(2) == (0, 3)
    assert source.position_utf16(5) == (1, 1)
    assert source.position_utf16(6) == (2, 0)


def test_positions_beyond_the_text_are_its_end() -> None:
    source = Source("a.loom", "ab\ncd")
    assert source.offset_utf16(0, 99) == 2
    assert source.offset_utf16(9, 0) == 5


@given(st.text(alphabet=st.sampled_from("aü名😀\n\t\u2028")), st.data())
def test_utf16_positions_are_read_back(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    source = Source("a.loom", text)
    line, column = source.position_utf16(offset)
    lines = text.split("\n")
    assert source.offset_utf16(line, column) == offset
    assert lines[line].encode("utf-16-le")[: 2 * column].decode("utf-16-le") == text[:offset].split("\n")[-1]
