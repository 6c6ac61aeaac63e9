"""Sliding windows without padding copies: which taps of a tile lie inside the image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tvm import tirx

from .loops import Index, Loops, int_node
from .tiles import row_runs
from .workload import Window


@dataclass(frozen=True, slots=True)
class Taps:
    """Neighbouring columns of the window that reach the same rows of a tile.

    Attributes:
        start, stop: the columns of the window.
        rows: positions in the tile for which they lie inside the image.
    """

    start: int
    stop: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """Tiles of one size that follow each other along a row and drop the same taps."""

    start: int
    size: int
    count: int
    taps: tuple[Taps, ...]


def strips(width: int, columns: int, limit: int, window: Window) -> tuple[Strip, ...]:
    """Cut a row of output positions over an image of some width into tiles, equal neighbours merged."""
    if _inside(width, columns, window):
        return tuple(_inner_strips(row_runs(columns, limit), window.kernel[1]))
    result: list[Strip] = []
    start = 0
    for size in (size for size, count in row_runs(columns, limit) for _ in range(count)):
        taps = _taps(start, size, width, window)
        last = result[-1] if result else None
        whole = (
            len(taps) == 1 and len(taps[0].rows) == size and taps[0].stop - taps[0].start == window.kernel[1]
        )
        if last is not None and whole and (last.size, last.taps) == (size, taps):
            result[-1] = replace(last, count=last.count + 1)
        else:
            result.append(Strip(start, size, 1, taps))
        start += size
    return tuple(result)


def _inside(width: int, columns: int, window: Window) -> bool:
    last = (columns - 1) * window.stride[1] - window.padding[1] + (window.kernel[1] - 1) * window.dilation[1]
    return window.padding[1] == 0 and last < width


def _inner_strips(runs: tuple[tuple[int, int], ...], taps: int) -> Iterator[Strip]:
    start = 0
    for size, count in runs:
        yield Strip(start, size, count, (Taps(0, taps, tuple(range(size))),))
        start += size * count


def _taps(start: int, size: int, width: int, window: Window) -> tuple[Taps, ...]:
    result: list[Taps] = []
    for tap in range(window.kernel[1]):
        columns = [
            (start + row) * window.stride[1] - window.padding[1] + tap * window.dilation[1]
            for row in range(size)
        ]
        rows = tuple(row for row, column in enumerate(columns) if 0 <= column < width)
        if result and result[-1].rows == rows and result[-1].stop == tap:
            result[-1] = replace(result[-1], stop=tap + 1)
        elif rows:
            result.append(Taps(tap, tap + 1, rows))
    return tuple(result)


@contextmanager
def window_rows(
    b: Loops, window: Window, height: int, rows: int, row: Index
) -> Iterator[tuple[Index, Index]]:
    """The loop over the window's rows inside the image, for one output row: yields (tap row, image row).

    Args:
        b: the function under construction.
        window: the sliding window.
        height: rows of the image.
        rows: output rows; `row` is one of them.
        row: the output row.
    """
    start, stop = row_bounds(b, window, height, rows, row)
    first = row * window.stride[0] + -window.padding[0]
    if isinstance(start, int) and isinstance(stop, int):
        with b.loop(stop - start, "tap_row") as tap:
            yield tap + start, first + (tap + start) * window.dilation[0]
        return
    with b.loop_between(_index(start), _index(stop), "tap_row") as tap:
        yield tap, first + tap * window.dilation[0]


def _index(bound: Index | int) -> Index:
    return Index(bound) if isinstance(bound, int) else bound


def row_bounds(
    b: Loops, window: Window, height: int, rows: int, row: Index
) -> tuple[Index | int, Index | int]:
    """Window rows inside the image, from and below; numbers where every output row has the same."""
    taps, dilation = window.kernel[0], window.dilation[0]
    first = row * window.stride[0] + -window.padding[0]
    above = window.padding[0] > 0
    below = (rows - 1) * window.stride[0] - window.padding[0] + (taps - 1) * dilation >= height
    start: Index | int = 0
    stop: Index | int = taps
    if above:
        hidden = tirx.Max((first * -1).node, int_node(0))
        start = b.integer(_ceiling(hidden, dilation), "first")
    if below:
        reach = tirx.Max((first * -1 + height).node, int_node(0))
        stop = b.integer(tirx.Min(_ceiling(reach, dilation), int_node(taps)), "last")
    return start, stop


def _ceiling(value: object, divisor: int) -> object:
    if divisor == 1:
        return value
    return tirx.Div(tirx.Add(value, int_node(divisor - 1)), int_node(divisor))
