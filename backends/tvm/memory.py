"""Where scratch buffers lie: buffers that are never alive at the same time share memory."""

from __future__ import annotations

from collections.abc import Sequence

from .plan import Buffer, KernelCall
from .tiles import LINE


def lay_out(calls: Sequence[KernelCall]) -> tuple[dict[Buffer, int], int]:
    """The offset of each scratch buffer in one arena, and the arena's size, in floats.

    Large buffers are placed first, each at the lowest offset where it meets no buffer that is alive with it.
    Offsets are multiples of a cache line.
    """
    spans: dict[Buffer, tuple[int, int]] = {}
    for time, call in enumerate(calls):
        for buffer in call.buffers:
            if buffer.role == "scratch":
                spans[buffer] = (spans.get(buffer, (time, time))[0], time)
    offsets: dict[Buffer, int] = {}
    for buffer in sorted(spans, key=lambda b: (-b.elements, spans[b])):
        first, last = spans[buffer]
        rivals = sorted(
            (offsets[b], offsets[b] + _rounded(b))
            for b in offsets
            if spans[b][0] <= last and first <= spans[b][1]
        )
        offset = 0
        for start, stop in rivals:
            if offset + buffer.elements <= start:
                break
            offset = max(offset, stop)
        offsets[buffer] = offset
    return offsets, max((offset + _rounded(b) for b, offset in offsets.items()), default=0)


def _rounded(buffer: Buffer) -> int:
    return -(-buffer.elements // LINE) * LINE
