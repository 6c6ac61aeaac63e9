"""How a convolution is cut into register tiles, for a machine: pure arithmetic, no search, no TVM.

A tile is some output positions (rows) by some channel vectors; each of its vectors is an accumulator in a
register.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

FLOAT_BYTES = 4
LINE = 16
"""Floats in a cache line."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the emitted code depends on.

    Attributes:
        lanes: floats in the widest vector.
        registers: vector registers.
        multipliers: vector multiply-adds that can start in one cycle.
        level1, level2: data cache sizes in bytes, of one core.
    """

    lanes: int
    registers: int
    multipliers: int = 2
    level1: int = 32 * 1024
    level2: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Panel:
    """Neighbouring output channels computed together, repeated.

    Attributes:
        start: first channel.
        lanes: sizes of its vectors.
        count: how many such panels follow each other.
    """

    start: int
    lanes: tuple[int, ...]
    count: int = 1

    @property
    def width(self) -> int:
        """Channels of one panel."""
        return sum(self.lanes)

    @property
    def stop(self) -> int:
        """First channel after the last of them."""
        return self.start + self.width * self.count

    @property
    def offsets(self) -> tuple[int, ...]:
        """First channel of each vector, from the panel's first."""
        return tuple(sum(self.lanes[:i]) for i in range(len(self.lanes)))


def channel_vectors(channels: int, lanes: int) -> tuple[int, ...]:
    """Sizes of the vectors that cover the channels exactly: full ones, then falling powers of two.

    Example:
        >>> channel_vectors(37, 16)
        (16, 16, 4, 1)
    """
    rest = channels % lanes
    tail = tuple(1 << bit for bit in range(rest.bit_length() - 1, -1, -1) if rest >> bit & 1)
    return (lanes,) * (channels // lanes) + tail


def cut_panels(channels: int, vectors: int, lanes: int) -> tuple[Panel, ...]:
    """Cut channels into panels of at most `vectors` vectors: equal full ones, then one of the rest."""
    sizes = channel_vectors(channels, lanes)
    full = (channels // lanes) // vectors
    panels: tuple[Panel, ...] = (Panel(0, (lanes,) * vectors, full),) if full else ()
    rest = sizes[full * vectors :]
    start = full * vectors * lanes
    while rest:
        panel = Panel(start, rest[:vectors])
        panels += (panel,)
        start, rest = panel.stop, rest[vectors:]
    return panels


def row_runs(rows: int, limit: int) -> tuple[tuple[int, int], ...]:
    """Cut rows evenly into tiles of at most `limit`: runs of (size, number of tiles), the larger ones first.

    Example:
        >>> row_runs(15, 14)
        ((8, 1), (7, 1))
    """
    count = -(-rows // limit)
    size, longer = divmod(rows, count)
    return tuple(run for run in ((size + 1, longer), (size, count - longer)) if run[1])


MAX_VECTORS = 4
"""Most vectors in a panel, but for a single row, where weights are only streamed."""
MAX_ROWS = 14
_LATENCY = 4
"""Cycles from a multiply-add to the next on the same accumulator."""
_OVERHEAD = 0.5


def fits(rows: int, vectors: int, machine: Machine) -> bool:
    """Whether a tile's accumulators, its weight vectors and one broadcast input are registers."""
    return rows * vectors + vectors + 1 <= machine.registers


def tile_cycles(rows: int, vectors: int, machine: Machine) -> float:
    """Estimated cycles of a tile's reduction step: multiply-adds, loads or latency, whichever is most."""
    return max(rows * vectors / machine.multipliers, (rows + vectors) / 2, _LATENCY) + _OVERHEAD


@cache
def best_rows(rows: int, vectors: int, limit: int, machine: Machine) -> tuple[int, float]:
    """The tile height for panels of so many vectors, and the cycles of one reduction step over all rows."""
    candidates = [r for r in range(1, min(rows, limit) + 1) if fits(r, vectors, machine)]
    cost = {
        r: sum(n * tile_cycles(size, vectors, machine) for size, n in row_runs(rows, r)) for r in candidates
    }
    best = min(candidates, key=lambda r: (cost[r], -r))
    return best, cost[best]


@dataclass(frozen=True, slots=True)
class Tiling:
    """Channel panels, each with the height of its tiles."""

    panels: tuple[Panel, ...]
    rows: tuple[int, ...]

    @property
    def uniform(self) -> bool:
        """Whether all panels are alike."""
        return len(self.panels) == 1


@cache
def choose_tiling(rows: int, channels: int, machine: Machine, streaming: bool = False) -> Tiling:
    """The tiling with the fewest estimated cycles.

    Args:
        rows: output positions that may share a tile (pixels of a row, or of the image for 1x1).
        channels: output channels of a group.
        machine: what it runs on.
        streaming: the weights are large and used a few times only: small tiles, so that loading them
            overlaps.
    """
    choices = [v for v in _vector_choices(rows, streaming) if fits(1, v, machine)]
    options = [_tiling(rows, channels, v, machine, streaming) for v in choices]
    return min(options, key=lambda option: option[1])[0]


def _vector_choices(rows: int, streaming: bool) -> range:
    if rows == 1:
        return range(8, 0, -1)
    return range(3 if streaming else MAX_VECTORS, 0, -1)


def _row_limit(vectors: int, streaming: bool) -> int:
    if streaming:
        return 8
    return 2 * MAX_ROWS if vectors == 1 else MAX_ROWS


def _tiling(
    rows: int, channels: int, vectors: int, machine: Machine, streaming: bool
) -> tuple[Tiling, float]:
    panels = cut_panels(channels, vectors, machine.lanes)
    heights = [best_rows(rows, len(p.lanes), _row_limit(len(p.lanes), streaming), machine) for p in panels]
    cost = sum(p.count * cycles for p, (_, cycles) in zip(panels, heights, strict=True))
    return Tiling(panels, tuple(height for height, _ in heights)), cost
