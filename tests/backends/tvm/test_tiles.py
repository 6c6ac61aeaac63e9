"""The tile chooser: everything is covered once, and nothing needs more registers than there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawloom.backends.tvm.tiles import (
    Machine,
    Panel,
    channel_vectors,
    choose_tiling,
    cut_panels,
    row_runs,
)

MACHINES = [Machine(16, 32, 1), Machine(16, 32, 2), Machine(8, 16), Machine(4, 32), Machine(4, 16)]
LANES = st.sampled_from([4, 8, 16])


@given(st.integers(1, 2000), LANES)
def test_vectors_cover_the_channels_exactly_with_powers_of_two(channels: int, lanes: int) -> None:
    vectors = channel_vectors(channels, lanes)
    assert sum(vectors) == channels
    assert all(v in (1, 2, 4, 8, 16) and v <= lanes for v in vectors)
    assert list(vectors) == sorted(vectors, reverse=True)


def test_vectors_of_an_awkward_number() -> None:
    assert channel_vectors(37, 16) == (16, 16, 4, 1)


@given(st.integers(1, 2000), st.integers(1, 8), LANES)
def test_panels_follow_each_other_and_cover_the_channels(channels: int, vectors: int, lanes: int) -> None:
    panels = cut_panels(channels, vectors, lanes)
    assert [p.start for p in panels] == [0, *(p.stop for p in panels[:-1])]
    assert panels[-1].stop == channels
    assert all(len(p.lanes) <= vectors for p in panels)


def test_offsets_of_a_panel() -> None:
    assert Panel(32, (16, 8, 4)).offsets == (0, 16, 24)


@given(st.integers(1, 20000), st.integers(1, 28))
def test_rows_are_cut_evenly(rows: int, limit: int) -> None:
    runs = row_runs(rows, limit)
    assert sum(size * count for size, count in runs) == rows
    sizes = [size for size, _ in runs]
    assert max(sizes) <= limit
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("machine", MACHINES, ids=str)
@given(rows=st.integers(1, 4000), channels=st.integers(1, 2000), streaming=st.booleans())
def test_a_tile_never_needs_more_registers_than_there_are(
    machine: Machine, rows: int, channels: int, streaming: bool
) -> None:
    tiling = choose_tiling(rows, channels, machine, streaming)
    assert tiling.panels[-1].stop == channels
    for panel, height in zip(tiling.panels, tiling.rows, strict=True):
        vectors = len(panel.lanes)
        assert height * vectors + vectors + 1 <= machine.registers
        assert height <= rows


def test_large_tiles_are_chosen_where_there_is_room() -> None:
    (panel,), (height,) = (lambda t: (t.panels, t.rows))(choose_tiling(196, 512, Machine(16, 32)))
    assert len(panel.lanes) * height >= 24
