"""How numbers are written for people: counts, multiply-adds, latencies, shares, durations."""

from __future__ import annotations

import math


def count_text(value: int) -> str:
    """An exact count with separators: ``1,234,567``."""
    return f"{value:,}"


def short_count(value: float) -> str:
    """A count to three digits: ``987``, ``12.3 k``, ``4.56 M``, ``1.2e+15``."""
    if value >= 1e15:
        return f"{value:.1e}"
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{_digits(value / limit)} {unit}"
    return f"{value:.0f}"


def size_text(value: int) -> str:
    """The size of a space: exact while it can be read, with its order of magnitude where it cannot."""
    if value < 10**12:
        return count_text(value)
    return power_text(value)


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_text(value: int) -> str:
    """A large integer to three digits: ``7.18 × 10²⁰``."""
    exponent = len(str(value)) - 1
    # Integers: a space may have more candidates than a float can hold.
    mantissa = value * 100 // 10**exponent / 100
    return f"{mantissa:.2f} × 10{str(exponent).translate(_SUPERSCRIPTS)}"


def _digits(value: float) -> str:
    places = max(0, 2 - int(math.log10(value))) if value >= 1 else 2
    return f"{value:.{places}f}"


def share_text(value: float) -> str:
    """A share as percent: ``87.4 %``."""
    return f"{100 * value:.1f} %"


def latency_text(seconds: float) -> str:
    """A latency to three digits: ``36.1 µs``, ``0.412 ms``, ``12.3 ms``, ``1.50 s``."""
    if seconds >= 1:
        return f"{_digits(seconds)} s"
    if seconds >= 1e-3:
        return f"{_digits(seconds * 1e3)} ms"
    return f"{seconds * 1e3:.3f} ms" if seconds >= 1e-4 else f"{_digits(seconds * 1e6)} µs"


def duration_text(seconds: float) -> str:
    """A duration: ``8.2 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def bytes_text(value: float) -> str:
    """A number of bytes: ``512 B``, ``1.50 KiB``, ``12.0 MiB``."""
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if value >= 1024**power:
            return f"{_digits(value / 1024**power)} {unit}"
    return f"{value:.0f} B"


def price_title(name: str) -> str:
    """The name of a price for people: ``multiply-adds``."""
    return name.replace("_", " ").replace("multiply adds", "multiply-adds")
