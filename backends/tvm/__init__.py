"""The TVM backend: resolved networks compiled with Drawloom's own kernels and measured.

Importing this package needs no TVM; using it does, and says so when it is missing.
"""

from __future__ import annotations

from .build import BoundNetwork, CompiledNetwork, compile_network, warm_up
from .kernels import KernelStore
from .measure import MeasurementFailed, measure_network, time_network
from .measurement import Measurement, Spread
from .target import Target, TargetEntry, find_target, target_entries

__all__ = [
    "BoundNetwork",
    "CompiledNetwork",
    "KernelStore",
    "Measurement",
    "MeasurementFailed",
    "Spread",
    "Target",
    "TargetEntry",
    "compile_network",
    "find_target",
    "measure_network",
    "target_entries",
    "time_network",
    "warm_up",
]
