"""A pause for Python's cyclic garbage collector while something large is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Collect no cycles in the body; afterwards the collector is as it was, also when the body raises.

    For building one graph all of which stays in use: the collector would walk it again and again as it
    grows, a third of the time of reading 10,000 operations, and find nothing. Reference counting goes on, so
    the body must make few cycles that it drops. What was built is walked once at the end. The switch is one
    for the whole process; of threads that overlap, the one that switched it off switches it on.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
            if gc.get_count()[0] > gc.get_threshold()[0]:
                # due anyway; both young generations at once spare what was built a second walk
                gc.collect(1)
