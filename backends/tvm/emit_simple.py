"""Loops of kernels without windows: elementwise, fills, copies, look-ups, pools, resizing, softmax."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from tvm import tirx

from .functions import Vector, raised
from .loops import Index, Loops, Node, broadcast, float_node, int_node
from .tiles import Machine, Panel, channel_vectors, cut_panels
from .vectors import EpilogueCode, Place
from .workload import Elementwise, Fill, GlobalPool, LookUp, Move, Resize, Softmax

_LOWEST = -3.4028234663852886e38
_UNROLLED = 4
"""Vectors in the body of an elementwise loop."""


def _chunks(
    b: Loops, elements: int, machine: Machine, unrolled: int = _UNROLLED
) -> Iterator[tuple[Index, int]]:
    """Loops over a row of elements: yields (first element, lanes) inside them."""
    for panel in cut_panels(elements, unrolled, machine.lanes):
        with b.loop(panel.count, "chunk") as chunk:
            for offset, lanes in zip(panel.offsets, panel.lanes, strict=True):
                yield chunk * panel.width + panel.start + offset, lanes


def emit_elementwise(w: Elementwise, machine: Machine, symbol: str) -> Node:
    """The function ``(x, operands..., y)``; one flat loop where all operands have one shape."""
    b = Loops()
    elements = prod(w.output)
    x = b.parameter("x", elements)
    epilogue = EpilogueCode.declare(b, w)
    y = b.parameter("y", elements)
    flat = all(step.reach == "full" for step in w.operands)
    samples, pixels, channels = (1, 1, elements) if flat else (w.batch, w.height * w.width, w.channels)
    with b.loop(samples, "n") as sample, b.loop(pixels, "pixel") as pixel:
        for channel, lanes in _chunks(b, channels, machine):
            place = Place((sample * pixels + pixel) * channels + channel, sample, channel)
            b.store(y, place.element, epilogue.apply(b, b.load(x, place.element, lanes), place, lanes), lanes)
    return b.function(symbol)


def emit_fill(w: Fill, machine: Machine, symbol: str) -> Node:
    """The function ``(y)``."""
    b = Loops()
    y = b.parameter("y", prod(w.output))
    for element, lanes in _chunks(b, prod(w.output), machine):
        b.store(y, element, float_node(0.0, lanes), lanes)
    return b.function(symbol)


def emit_move(w: Move, machine: Machine, symbol: str) -> Node:
    """The function ``(x, y)``; vectors where both sides run along memory."""
    b = Loops()
    x, y = b.parameter("x", w.x_elements), b.parameter("y", w.y_elements)
    *outer, (size, x_stride, y_stride) = zip(w.sizes, w.x_strides, w.y_strides, strict=True)
    vectors = y_stride == 1 and x_stride in (0, 1)

    def copy(axis: int, source: Index, target: Index) -> None:
        if axis < len(outer):
            extent, x_step, y_step = outer[axis]
            with b.loop(extent, f"i{axis}") as i:
                copy(axis + 1, source + i * x_step, target + i * y_step)
            return
        if not vectors:
            with b.loop(size, "i") as i:
                b.store(y, target + i * y_stride, b.load(x, source + i * x_stride, 1), 1)
            return
        for element, lanes in _chunks(b, size, machine):
            value = b.load(x, source + element, lanes) if x_stride else b.splat(x, source, lanes)
            b.store(y, target + element, value, lanes)

    copy(0, Index(w.x_offset), Index(w.y_offset))
    return b.function(symbol)


def emit_look_up(w: LookUp, machine: Machine, symbol: str) -> Node:
    """The function ``(tokens, table, y)``; no token reads outside the table."""
    b = Loops()
    tokens = b.parameter("tokens", w.tokens, "int32")
    table, y = b.parameter("table", w.vocabulary * w.channels), b.parameter("y", w.tokens * w.channels)
    with b.loop(w.tokens, "t") as position:
        token = tirx.Max(b.load(tokens, position, 1), int_node(0))
        row = b.integer(tirx.Min(token, int_node(w.vocabulary - 1)), "row")
        for channel, lanes in _chunks(b, w.channels, machine):
            value = b.load(table, row * w.channels + channel, lanes)
            b.store(y, position * w.channels + channel, value, lanes)
    return b.function(symbol)


def emit_global_pool(w: GlobalPool, machine: Machine, symbol: str) -> Node:
    """The function ``(x, operands..., y)``: some channel vectors at a time, over all pixels."""
    b = Loops()
    pixels = w.height * w.width
    x = b.parameter("x", w.batch * pixels * w.channels)
    epilogue = EpilogueCode.declare(b, w)
    y = b.parameter("y", w.batch * w.channels)
    with b.loop(w.batch, "n") as sample:
        for panel in cut_panels(w.channels, _UNROLLED, machine.lanes):
            with b.loop(panel.count, "p") as p:
                channel = p * panel.width + panel.start
                accumulators = _pool(b, x, sample * (pixels * w.channels) + channel, w, panel)
                for accumulator, offset, lanes in zip(accumulators, panel.offsets, panel.lanes, strict=True):
                    place = Place(sample * w.channels + channel + offset, sample, channel + offset)
                    value = tirx.Mul(b.get(accumulator), float_node(1 / pixels, lanes))
                    b.store(y, place.element, epilogue.apply(b, value, place, lanes), lanes)
    return b.function(symbol)


def _pool(b: Loops, x: Node, base: Index, w: GlobalPool, panel: Panel) -> list[Node]:
    accumulators = [b.accumulator(lanes) for lanes in panel.lanes]
    for accumulator, lanes in zip(accumulators, panel.lanes, strict=True):
        b.set(accumulator, float_node(0.0, lanes))
    with b.loop(w.height * w.width, "pixel") as pixel:
        for accumulator, offset, lanes in zip(accumulators, panel.offsets, panel.lanes, strict=True):
            value = b.load(x, base + pixel * w.channels + offset, lanes)
            b.set(accumulator, tirx.Add(b.get(accumulator), value))
    return accumulators


def emit_resize(w: Resize, machine: Machine, symbol: str) -> Node:
    """The function ``(x, y)``; source positions are computed in integers, so they are exact."""
    b = Loops()
    height, width = w.size
    x = b.parameter("x", w.batch * w.height * w.width * w.channels)
    y = b.parameter("y", prod(w.output))
    source = _nearest if w.kind == "nearest" else _bilinear
    with b.loop(w.batch, "n") as sample, b.loop(height, "i") as i:
        rows = source(b, i, w.height, height)
        with b.loop(width, "j") as j:
            columns = source(b, j, w.width, width)
            target = ((sample * height + i) * width + j) * w.channels
            for channel, lanes in _chunks(b, w.channels, machine):
                value: Node = None
                for row, row_share in rows:
                    for column, column_share in columns:
                        base = ((sample * w.height + row) * w.width + column) * w.channels
                        term = b.load(x, base + channel, lanes)
                        for share in (row_share, column_share):
                            term = term if share is None else tirx.Mul(term, broadcast(share, lanes))
                        value = term if value is None else tirx.Add(value, term)
                b.store(y, target + channel, value, lanes)
    return b.function(symbol)


_Sources = list[tuple[Index, Node]]
"""Source positions with their shares; a share of None is the whole."""


def _nearest(b: Loops, position: Index, size: int, wanted: int) -> _Sources:
    return [(b.integer(tirx.Div((position * size).node, int_node(wanted)), "source"), None)]


def _bilinear(b: Loops, position: Index, size: int, wanted: int) -> _Sources:
    # ((i + 1/2) * size / wanted - 1/2) as a fraction over 2 * wanted.
    fraction = b.integer(tirx.Max((position * (2 * size) + (size - wanted)).node, int_node(0)), "fraction")
    low = b.integer(tirx.Div(fraction.node, int_node(2 * wanted)), "low")
    high = b.integer(tirx.Min((low + 1).node, int_node(size - 1)), "high")
    rest = tirx.Cast("float32", (fraction + low * (-2 * wanted)).node)
    share = b.let(tirx.Mul(rest, float_node(1 / (2 * wanted))), name="share")
    return [(low, b.let(tirx.Sub(float_node(1.0), share))), (high, share)]


def emit_softmax(w: Softmax, machine: Machine, symbol: str) -> Node:
    """The function ``(x, y)``: the maximum of a pixel, then exponentials and their sum, then the quotient."""
    b = Loops()
    elements = prod(w.output)
    x, y = b.parameter("x", elements), b.parameter("y", elements)
    with b.loop(elements // w.channels, "pixel") as pixel:
        base = pixel * w.channels
        most = _fold(b, w.channels, machine, _LOWEST, tirx.Max, lambda c, lanes: b.load(x, base + c, lanes))

        def exponential(channel: Index, lanes: int) -> Node:
            below = tirx.Sub(b.load(x, base + channel, lanes), broadcast(most, lanes))
            value = raised(Vector(b, below, lanes)).node
            b.store(y, base + channel, value, lanes)
            return value

        total = _fold(b, w.channels, machine, 0.0, tirx.Add, exponential)
        factor = b.let(tirx.Div(float_node(1.0), total), name="factor")
        for channel, lanes in _chunks(b, w.channels, machine):
            value = tirx.Mul(b.load(y, base + channel, lanes), broadcast(factor, lanes))
            b.store(y, base + channel, value, lanes)
    return b.function(symbol)


def _fold(b: Loops, elements: int, machine: Machine, start: float, combine: Node, value: Node) -> Node:
    """Combine all elements of a row: vectors first, then the lanes of each accumulator."""
    accumulators: dict[int, Node] = {}
    for lanes in sorted(set(channel_vectors(elements, machine.lanes)), reverse=True):
        accumulators[lanes] = b.accumulator(lanes)
        b.set(accumulators[lanes], float_node(start, lanes))
    for element, lanes in _chunks(b, elements, machine, 1):
        b.set(accumulators[lanes], combine(b.get(accumulators[lanes]), value(element, lanes)))
    result = float_node(start)
    for lanes, accumulator in accumulators.items():
        vector = b.let(b.get(accumulator), lanes)
        for lane in range(lanes):
            result = combine(result, vector if lanes == 1 else tirx.Shuffle([vector], [int_node(lane)]))
    return b.let(result)
