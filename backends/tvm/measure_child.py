"""The measuring process: a script that imports neither Drawloom nor TVM and times one library.

It reads a request as JSON on standard input and prints samples as JSON. Before every sample of the network it
times the sentinel, a small fixed kernel, so that changes of the clock can be told from changes of the
network.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_ALIGNMENT = 64
_WARM_UP = 3
_SENTINEL_RUNS = 5
_SHORTEST = 1e-7


def _aligned(elements: int, rng: np.random.Generator | None = None) -> Any:
    raw = np.zeros(elements + _ALIGNMENT // 4, np.float32)
    start = (-raw.ctypes.data // 4) % (_ALIGNMENT // 4)
    array = raw[start : start + elements]
    if rng is not None:
        array[:] = rng.standard_normal(elements, dtype=np.float32) * np.float32(0.1)
    return array


def _input(elements: int, vocabulary: int | None, rng: np.random.Generator) -> Any:
    """Random floats, or random tokens of a vocabulary."""
    if vocabulary is None:
        return _aligned(elements, rng)
    array = _aligned(elements).view(np.int32)
    array[:] = rng.integers(vocabulary, size=elements)
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


def take_samples(request: dict[str, Any], weights: Any = None) -> dict[str, Any]:
    """Load a library and time its network.

    Args:
        request: ``library`` (path), ``symbol`` and ``sentinel`` (C functions), ``inputs``, ``outputs`` and
            ``sentinel_arguments`` (elements of each), ``vocabularies`` (of each input, None for floats),
            ``weights`` and ``arena`` (floats), ``weights_file`` (path or None), ``repeats``, ``number`` (or
            None) and ``sample_seconds``.
        weights: packed weights; else those of the file, else random ones.

    Returns:
        ``number`` of calls in a sample and ``samples``: for each, seconds of the sentinel (wall, processor)
        and of the network (wall, processor); a last one has only the sentinel.
    """
    library = ctypes.CDLL(request["library"])
    rng = np.random.default_rng(0)
    packed = _aligned(request["weights"], rng)
    if weights is not None:
        packed[:] = weights
    elif request["weights_file"] is not None:
        packed[:] = np.fromfile(request["weights_file"], np.float32)
    described = zip(request["inputs"], request["vocabularies"], strict=True)
    inputs = [_input(elements, vocabulary, rng) for elements, vocabulary in described]
    outputs = [_aligned(n) for n in request["outputs"]]
    network = _runner(library, request["symbol"], [*inputs, packed, _aligned(request["arena"]), *outputs])
    sentinel = _runner(
        library, request["sentinel"], [_aligned(n, rng) for n in request["sentinel_arguments"]]
    )
    for _ in range(_WARM_UP):
        network()
        sentinel()
    single = max(_timed(network, 1)[1], _SHORTEST)
    number = request["number"] or max(1, round(request["sample_seconds"] / single))
    samples = [
        (*_timed(sentinel, _SENTINEL_RUNS), *_timed(network, number)) for _ in range(request["repeats"])
    ]
    samples.append((*_timed(sentinel, _SENTINEL_RUNS), 0.0, 0.0))
    return {"number": number, "samples": samples}


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, which a hanging kernel would otherwise outlive."""
    set_death_signal = 1
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    _die_with_parent()
    json.dump(take_samples(json.load(sys.stdin)), sys.stdout)
