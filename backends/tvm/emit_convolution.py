"""Loops of dense and grouped convolutions and of linear layers.

For each panel of output channels and each tile of output positions, all accumulators live in registers while
one loop runs
over the taps and input channels: a few weight vectors are loaded, each input value is broadcast. Taps that
    fall outside the
image are dropped when the code is made, so no padded copy is needed; rows of taps are cut by computed loop
bounds.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from tvm import tirx

from .loops import Index, Loops, Node, float_node, int_node
from .sliding import Strip, Taps, strips, window_rows
from .tiles import FLOAT_BYTES, LINE, Machine, Panel, Tiling, choose_tiling
from .vectors import EpilogueCode, Place
from .workload import BIAS, POINT, Convolution

STREAM_AHEAD = 1024
"""How many floats ahead weights are asked for that are read only once."""
UNROLL = ((8, 4), (14, 2))
"""(accumulators, reduction steps written out in the loop's body): for at most so many; beyond them one."""


def flatten(w: Convolution) -> Convolution:
    """A pointwise convolution as one over a single row of all pixels, which gives the best tiles."""
    gated = any(step.reach == "gate" for step in w.epilogue)
    if w.window != POINT or w.planar or (gated and w.batch > 1):
        return w
    return replace(w, batch=1, height=1, width=w.batch * w.height * w.width)


def weight_bytes(w: Convolution) -> int:
    """Size of the weights of one group."""
    kh, kw = w.window.kernel
    return FLOAT_BYTES * kh * kw * (w.channels // w.groups) * (w.out // w.groups)


def convolution_tiling(w: Convolution, machine: Machine) -> Tiling:
    """How the output is cut; the packing of the weights follows from it."""
    w = flatten(w)
    columns = w.output[2]
    streaming = w.window.kernel == (1, 1) and weight_bytes(w) > machine.level1 * 3 // 4 and 1 < columns < 128
    return choose_tiling(columns, w.out // w.groups, machine, streaming)


def emit_convolution(w: Convolution, machine: Machine, symbol: str) -> Node:
    """The function of a convolution: ``(x, weights, epilogue operands..., y)``."""
    return _Emitter(flatten(w), convolution_tiling(w, machine), machine).function(symbol)


def unrolled_steps(rows: int, vectors: int, machine: Machine) -> int:
    """Reduction steps in the loop's body: small tiles need several, and their weights need registers too."""
    most = next((factor for accumulators, factor in UNROLL if rows * vectors <= accumulators), 1)
    return max(
        u for u in (1, 2, 4) if u == 1 or (u <= most and (rows + u) * vectors + 2 <= machine.registers)
    )


class _Emitter:
    """State shared while one convolution is written down."""

    def __init__(self, w: Convolution, tiling: Tiling, machine: Machine) -> None:
        self.w = w
        self.tiling = tiling
        self.machine = machine
        self.inner = w.channels // w.groups
        self.group_out = w.out // w.groups
        self.rows, self.columns = w.output[1:3]
        self.steps = w.window.kernel[0] * w.window.kernel[1] * self.inner
        pixels = w.height * w.width
        planar = (w.channels * pixels, w.width, 1, pixels)
        packed = (pixels * w.channels, w.width * w.channels, w.channels, 1)
        self.x_sample, self.x_row, self.x_column, self.x_channel = planar if w.planar else packed
        self.b = Loops()
        self.x = self.b.parameter("x", w.batch * pixels * w.channels)
        self.weights = self.b.parameter("w", self.steps * w.out)
        self.epilogue = EpilogueCode.declare(self.b, w)
        self.biased = w.epilogue[:1] == (BIAS,)
        self.y = self.b.parameter("y", prod(w.output))
        self.streams = self.rows * self.columns == 1 and weight_bytes(w) > machine.level2

    def function(self, symbol: str) -> Node:
        with self.b.loop(self.w.groups, "group") as group:
            if self._rows_first():
                self._rows_then_panels(group)
            else:
                for panel, height in zip(self.tiling.panels, self.tiling.rows, strict=True):
                    self._panels_then_rows(group, panel, height)
        return self.b.function(symbol)

    def _rows_first(self) -> bool:
        """Small weights stay in the first-level cache: read the image once, row by row."""
        return self.tiling.uniform and weight_bytes(self.w) <= self.machine.level1 * 3 // 4

    def _rows_then_panels(self, group: Index) -> None:
        (panel,), (height,) = self.tiling.panels, self.tiling.rows
        b = self.b
        with b.loop(self.w.batch, "n") as sample, b.loop(self.rows, "i") as row:
            for strip in strips(self.w.width, self.columns, height, self.w.window):
                with b.loop(strip.count, "j") as tile, b.loop(panel.count, "p") as p:
                    _Tile(self, strip, panel, group, p, sample, row, tile).emit()

    def _panels_then_rows(self, group: Index, panel: Panel, height: int) -> None:
        block = self._row_block()
        b = self.b
        with (
            b.loop(self.w.batch, "n") as sample,
            b.loop(self.rows // block, "block") as outer,
            b.loop(panel.count, "p") as p,
            b.loop(block, "i") as inner,
        ):
            for strip in strips(self.w.width, self.columns, height, self.w.window):
                with b.loop(strip.count, "j") as tile:
                    _Tile(self, strip, panel, group, p, sample, outer * block + inner, tile).emit()

    def _row_block(self) -> int:
        """Output rows for which all panels are done before the next are begun: their image stays in cache."""
        image = FLOAT_BYTES * self.w.height * self.w.width * self.w.channels
        if image <= self.machine.level2 // 2:
            return self.rows
        wanted = max(1, self.rows * (self.machine.level2 // 4) // image)
        return max(d for d in range(1, self.rows + 1) if self.rows % d == 0 and d <= wanted)

    def prefetches(self, panel: Panel) -> bool:
        """Whether the next panel's weights come from so far away that asking for them early pays."""
        pointwise = self.w.window.kernel == (1, 1)
        far = self.machine.level1 * 3 // 4 if pointwise else self.machine.level2 // 4
        near = FLOAT_BYTES * self.steps * panel.width <= self.machine.level2 // 4
        return self.rows * self.columns > 1 and not self._rows_first() and weight_bytes(self.w) > far and near


class _Tile:
    """One tile: accumulators, reduction, epilogue."""

    def __init__(
        self,
        code: _Emitter,
        strip: Strip,
        panel: Panel,
        group: Index,
        p: Index,
        sample: Index,
        row: Index,
        tile: Index,
    ) -> None:
        self.code = code
        self.b = code.b
        self.strip = strip
        self.panel = panel
        self.sample = sample
        self.row = row
        self.column = tile * strip.size + strip.start
        self.channel = group * code.group_out + p * panel.width + panel.start
        window = code.w.window
        image_column = self.column * window.stride[1] + -window.padding[1]
        self.x_base = (
            sample * code.x_sample + group * (code.inner * code.x_channel) + image_column * code.x_column
        )
        self.w_base = self.channel * code.steps
        self.ahead = self._ahead(row if code.rows > 1 else tile) if code.prefetches(panel) else None

    def _ahead(self, turn: Index) -> Index:
        """Where this tile's share of the next panel begins: each asks for a line a step, the last repeat."""
        lines = -(-self.panel.width // LINE)
        share = self.b.integer(tirx.Min(turn.node, int_node(lines - 1)), "share")
        return self.w_base + self.code.steps * self.panel.width + share * (LINE * self.code.steps)

    def emit(self) -> None:
        accumulators = self._start()
        with window_rows(self.b, self.code.w.window, self.code.w.height, self.code.rows, self.row) as (
            tap,
            image_row,
        ):
            for taps in self.strip.taps:
                self._reduce(taps, accumulators, tap, image_row)
        self._finish(accumulators)

    def _start(self) -> list[list[Node]]:
        b, panel = self.b, self.panel
        first = [float_node(0.0, lanes) for lanes in panel.lanes]
        if self.code.biased:
            bias = self.code.epilogue.operands[0]
            loads = [
                b.load(bias, self.channel + o, n) for o, n in zip(panel.offsets, panel.lanes, strict=True)
            ]
            first = [b.let(load, n, "bias") for load, n in zip(loads, panel.lanes, strict=True)]
        result = [[b.accumulator(lanes) for lanes in panel.lanes] for _ in range(self.strip.size)]
        for line in result:
            for accumulator, value in zip(line, first, strict=True):
                b.set(accumulator, value)
        return result

    def _reduce(self, taps: Taps, accumulators: list[list[Node]], tap_row: Index, image_row: Index) -> None:
        code, window = self.code, self.code.w.window
        distance = window.dilation[1] * code.x_column
        span = taps.stop - taps.start
        x = self.x_base + image_row * code.x_row + taps.start * distance
        step = (tap_row * window.kernel[1] + taps.start) * code.inner
        lines = [accumulators[row] for row in taps.rows]
        offsets = [row * window.stride[1] * code.x_column for row in taps.rows]
        if code.inner == 1 or distance == code.inner * code.x_channel:
            stride = distance if code.inner == 1 else code.x_channel
            self._inner_loop(lines, offsets, x, stride, step, span * code.inner)
            return
        with self.b.loop(span, "tap") as tap:
            self._inner_loop(
                lines, offsets, x + tap * distance, code.x_channel, step + tap * code.inner, code.inner
            )

    def _inner_loop(
        self, lines: list[list[Node]], offsets: list[int], x: Index, stride: int, step: Index, extent: int
    ) -> None:
        unroll = unrolled_steps(len(lines), len(self.panel.lanes), self.code.machine)
        whole, rest = divmod(extent, unroll)
        if whole:
            with self.b.loop(whole, "k") as k:
                for i in range(unroll):
                    self._step(lines, offsets, x + (k * unroll + i) * stride, step + k * unroll + i)
        for i in range(whole * unroll, whole * unroll + rest):
            self._step(lines, offsets, x + i * stride, step + i)

    def _step(self, lines: list[list[Node]], offsets: list[int], x: Index, step: Index) -> None:
        b, panel = self.b, self.panel
        base = self.w_base + step * panel.width
        if self.ahead is not None:
            b.prefetch(self.code.weights, self.ahead + step * LINE)
        elif self.code.streams:
            for offset in range(0, panel.width, LINE):
                b.prefetch(self.code.weights, base + (STREAM_AHEAD + offset))
        loads = [
            (b.load(self.code.weights, base + o, n), n)
            for o, n in zip(panel.offsets, panel.lanes, strict=True)
        ]
        weights = [b.let(load, lanes, "w") for load, lanes in loads]
        for line, offset in zip(lines, offsets, strict=True):
            inputs: dict[int, Node] = {}
            for accumulator, weight, lanes in zip(line, weights, panel.lanes, strict=True):
                if lanes not in inputs:
                    inputs[lanes] = b.let(b.splat(self.code.x, x + offset, lanes), lanes, "x")
                b.set(accumulator, tirx.Add(tirx.Mul(inputs[lanes], weight), b.get(accumulator)))

    def _finish(self, accumulators: list[list[Node]]) -> None:
        b, code, panel = self.b, self.code, self.panel
        pixel = (self.sample * code.rows + self.row) * code.columns + self.column
        for i, line in enumerate(accumulators):
            for accumulator, offset, lanes in zip(line, panel.offsets, panel.lanes, strict=True):
                channel = self.channel + offset
                place = Place((pixel + i) * code.w.out + channel, self.sample, channel)
                value = code.epilogue.apply(b, b.get(accumulator), place, lanes, skip=int(code.biased))
                b.store(code.y, place.element, value, lanes)
