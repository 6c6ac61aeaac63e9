"""Loops of depthwise convolutions and of pooling: channels never mix, so vectors run along them.

Each input vector of a row is loaded once and used by every tap and output position that needs it.
"""

from __future__ import annotations

from math import prod

from tvm import tirx

from .loops import Index, Loops, Node, broadcast, float_node
from .sliding import Strip, row_bounds, strips, window_rows
from .tiles import FLOAT_BYTES, LINE, Machine, Panel, cut_panels
from .vectors import EpilogueCode, Place
from .workload import BIAS, Depthwise, Pool

_LOWEST = -3.4028234663852886e38
_SMALL_TILE = (4, 3)
_TILE = (7, 2)
"""Output positions and channel vectors of a tile, for images beyond and within the second-level cache."""


def emit_window(w: Depthwise | Pool, machine: Machine, symbol: str) -> Node:
    """The function of a depthwise convolution or pool: ``(x, weights if any, operands..., y)``."""
    return _Emitter(w, machine).function(symbol)


def tile_shape(w: Depthwise | Pool, machine: Machine) -> tuple[int, int]:
    """Output positions and channel vectors of a tile: its accumulators and weights stay in registers."""
    rows, vectors = _SMALL_TILE if image_bytes(w) > machine.level2 // 2 else _TILE
    taps = w.window.kernel[1] if isinstance(w, Depthwise) else 0
    while vectors > 1 and (rows + taps) * vectors + 1 > machine.registers:
        vectors -= 1
    while rows > 1 and (rows + min(taps, machine.registers // 2)) * vectors + 1 > machine.registers:
        rows -= 1
    return rows, vectors


def image_bytes(w: Depthwise | Pool) -> int:
    """Size of one image."""
    return FLOAT_BYTES * w.height * w.width * w.channels


class _Emitter:
    """State shared while one kernel is written down."""

    def __init__(self, w: Depthwise | Pool, machine: Machine) -> None:
        self.w = w
        self.machine = machine
        self.rows, self.columns = w.output[1:3]
        self.tile_rows, vectors = tile_shape(w, machine)
        self.panels = cut_panels(w.channels, vectors, machine.lanes)
        self.strips = strips(w.width, self.columns, self.tile_rows, w.window)
        self.b = Loops()
        self.x = self.b.parameter("x", w.batch * w.height * w.width * w.channels)
        self.weights = (
            self.b.parameter("w", prod(w.window.kernel) * w.channels) if isinstance(w, Depthwise) else None
        )
        self.epilogue = EpilogueCode.declare(self.b, w)
        self.biased = isinstance(w, Depthwise) and w.epilogue[:1] == (BIAS,)
        self.y = self.b.parameter("y", prod(w.output))
        self.far = image_bytes(w) > machine.level2

    def function(self, symbol: str) -> Node:
        # Rows of a multiple of 1 KiB would compete for the same cache sets when one panel walks down the
        # image.
        clashes = self.w.channels * FLOAT_BYTES % 1024 == 0
        with self.b.loop(self.w.batch, "n") as sample:
            if image_bytes(self.w) <= self.machine.level2 // 2 and not clashes:
                self._panels_first(sample)
            else:
                self._rows_first(sample)
        return self.b.function(symbol)

    def _panels_first(self, sample: Index) -> None:
        b = self.b
        for panel in self.panels:
            with b.loop(panel.count, "p") as p, b.loop(self.rows, "i") as row:
                for strip in self.strips:
                    with b.loop(strip.count, "j") as tile:
                        _Tile(self, strip, panel, p, sample, row, tile).emit()

    def _rows_first(self, sample: Index) -> None:
        b = self.b
        with b.loop(self.rows, "i") as row:
            for strip in self.strips:
                with b.loop(strip.count, "j") as tile:
                    for panel in self.panels:
                        with b.loop(panel.count, "p") as p:
                            _Tile(self, strip, panel, p, sample, row, tile).emit()


class _Tile:
    """One tile: accumulators, taps, epilogue."""

    def __init__(
        self, code: _Emitter, strip: Strip, panel: Panel, p: Index, sample: Index, row: Index, tile: Index
    ) -> None:
        self.code = code
        self.b = code.b
        self.strip = strip
        self.panel = panel
        self.sample = sample
        self.row = row
        self.column = tile * strip.size + strip.start
        self.channel = p * panel.width + panel.start

    def emit(self) -> None:
        b, code, w = self.b, self.code, self.code.w
        accumulators = self._start()
        if code.far:
            self._prefetch()
        with window_rows(b, w.window, w.height, code.rows, self.row) as (tap_row, image_row):
            filters = self._filters(tap_row)
            left = self.column * w.window.stride[1] + -w.window.padding[1]
            base = ((self.sample * w.height + image_row) * w.width + left) * w.channels + self.channel
            for column, uses in self._uses().items():
                self._column(base + column * w.channels, uses, filters, accumulators)
        self._finish(accumulators)

    def _prefetch(self) -> None:
        """Ask for this tile's part of the image rows that the next output row is the first to need."""
        b, w = self.b, self.code.w
        height, width = w.window.stride
        bottom = self.row * height + (
            (w.window.kernel[0] - 1) * w.window.dilation[0] + 1 - w.window.padding[0]
        )
        for row in range(height):
            pixel = (self.sample * w.height + bottom + row) * w.width + self.column * width
            for column in range(self.strip.size * width):
                for offset in range(0, self.panel.width, LINE):
                    b.prefetch(self.code.x, (pixel + column) * w.channels + self.channel + offset)

    def _start(self) -> list[list[Node]]:
        b, code, panel = self.b, self.code, self.panel
        initial = _LOWEST if isinstance(code.w, Pool) and code.w.kind == "max" else 0.0
        first = [float_node(initial, lanes) for lanes in panel.lanes]
        if code.biased:
            pairs = zip(panel.offsets, panel.lanes, strict=True)
            bias = code.epilogue.operands[0]
            first = [
                b.let(b.load(bias, self.channel + offset, lanes), lanes, "bias") for offset, lanes in pairs
            ]
        result = [[b.accumulator(lanes) for lanes in panel.lanes] for _ in range(self.strip.size)]
        for line in result:
            for accumulator, value in zip(line, first, strict=True):
                b.set(accumulator, value)
        return result

    def _filters(self, tap_row: Index) -> list[list[Node]]:
        """The weights of one row of the window: for each column of it, one vector for each of the panel's."""
        code, b, panel = self.code, self.b, self.panel
        if code.weights is None:
            return []
        width = code.w.window.kernel[1]
        base = tap_row * (width * code.w.channels) + self.channel
        return [
            [
                b.let(b.load(code.weights, base + tap * code.w.channels + offset, lanes), lanes, "w")
                for offset, lanes in zip(panel.offsets, panel.lanes, strict=True)
            ]
            for tap in range(width)
        ]

    def _uses(self) -> dict[int, list[tuple[int, int]]]:
        """For each image column of the tile, counted from its first: the (position, tap) that read it."""
        window = self.code.w.window
        uses: dict[int, list[tuple[int, int]]] = {}
        for taps in self.strip.taps:
            for tap in range(taps.start, taps.stop):
                for row in taps.rows:
                    column = row * window.stride[1] + tap * window.dilation[1]
                    uses.setdefault(column, []).append((row, tap))
        return dict(sorted(uses.items()))

    def _column(
        self,
        base: Index,
        uses: list[tuple[int, int]],
        filters: list[list[Node]],
        accumulators: list[list[Node]],
    ) -> None:
        b, code = self.b, self.code
        for v, (offset, lanes) in enumerate(zip(self.panel.offsets, self.panel.lanes, strict=True)):
            value = b.let(b.load(code.x, base + offset, lanes), lanes, "x")
            for row, tap in uses:
                accumulator = accumulators[row][v]
                present = b.get(accumulator)
                if filters:
                    b.set(accumulator, tirx.Add(tirx.Mul(value, filters[tap][v]), present))
                elif isinstance(code.w, Pool) and code.w.kind == "max":
                    b.set(accumulator, tirx.Max(value, present))
                else:
                    b.set(accumulator, tirx.Add(value, present))

    def _finish(self, accumulators: list[list[Node]]) -> None:
        b, code, w = self.b, self.code, self.code.w
        scales = self._scales()
        pixel = (self.sample * code.rows + self.row) * code.columns + self.column
        for i, line in enumerate(accumulators):
            for accumulator, offset, lanes in zip(line, self.panel.offsets, self.panel.lanes, strict=True):
                channel = self.channel + offset
                place = Place((pixel + i) * w.channels + channel, self.sample, channel)
                value = b.get(accumulator)
                if scales:
                    value = tirx.Mul(value, broadcast(scales[i], lanes))
                b.store(
                    code.y,
                    place.element,
                    code.epilogue.apply(b, value, place, lanes, skip=int(code.biased)),
                    lanes,
                )

    def _scales(self) -> list[Node]:
        """For averages, one over the number of pixels averaged, for each position of the tile."""
        b, w = self.b, self.code.w
        if not isinstance(w, Pool) or w.kind != "avg":
            return []
        height, width = w.window.kernel
        if w.include_padding:
            return [float_node(1 / (height * width))] * self.strip.size
        start, stop = row_bounds(b, w.window, w.height, self.code.rows, self.row)
        inside = [
            sum(t.stop - t.start for t in self.strip.taps if row in t.rows) for row in range(self.strip.size)
        ]
        if isinstance(start, int) and isinstance(stop, int):
            return [float_node(1 / (height * n)) for n in inside]
        rows = tirx.Cast("float32", (Index() + start * -1 + stop).node)
        made = {
            n: b.let(tirx.Div(float_node(1.0), tirx.Mul(rows, float_node(float(n)))))
            for n in sorted(set(inside))
        }
        return [made[n] for n in inside]
