"""The measuring process: runs as a script, imports nothing of Drawloom or TVM, loads one library and times it.

It reads a request as JSON on standard input and prints samples as JSON. Before every sample of the network it times the
sentinel, a small fixed kernel, so that changes of the clock can be told from changes of the network.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_ALIGNMENT = 64
_WARM_UP = 3
_SENTINEL_RUNS = 5
_FEW_SECONDS = 1e-7


def _aligned(elements: int, rng: np.random.Generator | None = None) -> Any:
    raw = np.zeros(elements + _ALIGNMENT // 4, np.float32)
    start = (-raw.ctypes.data // 4) % (_ALIGNMENT // 4)
    array = raw[start : start + elements]
    if rng is not None:
        array[:] = rng.standard_normal(elements, dtype=np.float32) * np.float32(0.1)
    return array


def _runner(library: ctypes.CDLL, symbol: str, arrays: list[Any]) -> Callable[[], None]:
    function = getattr(library, symbol)
    function.restype = None
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]

    def run(kept: list[Any] = arrays) -> None:
        function(*pointers)

    return run


def _timed(run: Callable[[], None], number: int) -> tuple[float, float]:
    """Seconds of one run, by the wall clock and by the thread's processor time."""
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(number):
        run()
    cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    return wall / number / 1e9, cpu / number / 1e9


def main() -> None:
    """Measure what the request on standard input says."""
    request = json.load(sys.stdin)
    library = ctypes.CDLL(request["library"])
    rng = np.random.default_rng(0)
    weights = _aligned(request["weights"], rng)
    if request["weights_file"] is not None:
        weights[:] = np.fromfile(request["weights_file"], np.float32)
    inputs = [_aligned(n, rng) for n in request["inputs"]]
    outputs = [_aligned(n) for n in request["outputs"]]
    network = _runner(library, request["symbol"], [*inputs, weights, _aligned(request["arena"]), *outputs])
    sentinel = _runner(library, request["sentinel"], [_aligned(n, rng) for n in request["sentinel_arguments"]])
    for _ in range(_WARM_UP):
        network()
        sentinel()
    single = max(_timed(network, 1)[0], _FEW_SECONDS)
    number = request["number"] or max(1, round(request["sample_seconds"] / single))
    samples = [(*_timed(sentinel, _SENTINEL_RUNS), *_timed(network, number)) for _ in range(request["repeats"])]
    samples.append((*_timed(sentinel, _SENTINEL_RUNS), 0.0, 0.0))
    json.dump({"number": number, "samples": samples}, sys.stdout)


if __name__ == "__main__":
    main()
