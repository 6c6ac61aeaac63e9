"""Strips: tiles cover a row once, and their taps are exactly those inside the image."""

from hypothesis import assume, given
from hypothesis import strategies as st

from drawloom.backends.tvm.sliding import strips
from drawloom.backends.tvm.workload import Window


@given(
    width=st.integers(1, 60),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 3),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    dilation=st.integers(1, 3),
    limit=st.integers(1, 14),
)
def test_strips_hold_exactly_the_taps_inside_the_image(
    width: int, kernel: int, stride: int, before: int, after: int, dilation: int, limit: int
) -> None:
    window = Window((1, kernel), (1, stride), (0, before, 0, after), (1, dilation))
    columns = window.positions(1, width)[1]
    assume(columns >= 1)
    found = set()
    position = 0
    for strip in strips(width, columns, limit, window):
        assert strip.size <= limit
        assert strip.start == position
        position += strip.size * strip.count
        for tile in range(strip.count):
            for taps in strip.taps:
                for tap in range(taps.start, taps.stop):
                    for row in taps.rows:
                        use = (strip.start + tile * strip.size + row, tap)
                        assert use not in found
                        found.add(use)
    assert position == columns
    inside = {
        (column, tap)
        for column in range(columns)
        for tap in range(kernel)
        if 0 <= column * stride - before + tap * dilation < width
    }
    assert found == inside
