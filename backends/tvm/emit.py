"""Which emitter writes which workload: one entry for each kind of kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .emit_convolution import emit_convolution
from .emit_simple import (
    emit_elementwise,
    emit_fill,
    emit_global_pool,
    emit_look_up,
    emit_move,
    emit_resize,
    emit_softmax,
)
from .emit_window import emit_window
from .loops import Node
from .tiles import Machine
from .workload import (
    Convolution,
    Depthwise,
    Elementwise,
    Fill,
    GlobalPool,
    LookUp,
    Move,
    Pool,
    Resize,
    Softmax,
    Workload,
)

EMITTERS: dict[type[Workload], Callable[[Any, Machine, str], Node]] = {
    Convolution: emit_convolution,
    Depthwise: emit_window,
    Pool: emit_window,
    GlobalPool: emit_global_pool,
    Elementwise: emit_elementwise,
    Fill: emit_fill,
    LookUp: emit_look_up,
    Move: emit_move,
    Resize: emit_resize,
    Softmax: emit_softmax,
}


def emit(workload: Workload, machine: Machine, symbol: str) -> Node:
    """The function of a workload for a machine, callable from C under the given symbol."""
    return EMITTERS[type(workload)](workload, machine, symbol)
