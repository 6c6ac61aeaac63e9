"""Seconds to parse, elaborate and verify against the lines of a file: for a network and for a space.

    python benchmarks/bench_front.py [--lines 10 100 1000 10000] [--repeats 3] [--json]

`network` is a chain of one operation a line, `space` the same with a decision a line, `blocks` a file of
small blocks, each called once. Linear means that the microseconds a line stay the same. Processor time,
medians, after the grammar has been loaded; loading it is the first row.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

from drawloom.frontend.load import elaborate
from drawloom.ir import Source, verify


def chain(lines: int, kernel: str) -> str:
    """A network of one operation a line; `{}` in the kernel stands for the line."""
    body = [f"    x = x |> conv(8, kernel={kernel.format(i)}) |> relu" for i in range(lines - 3)]
    return "\n".join(["network big(x: f32[8, 16, 16]) {", *body, "    return x", "}"])


def blocks(lines: int) -> str:
    """A file of blocks of four lines, and a network that calls each."""
    count = max(1, (lines - 3) // 5)
    text = [
        f"block b{i}(x; c) {{\n    h = x |> conv(c, kernel=3)\n    return relu(h)\n}}" for i in range(count)
    ]
    body = [f"    x = b{i}(x; 8)" for i in range(count)]
    return "\n".join([*text, "network big(x: f32[8, 16, 16]) {", *body, "    return x", "}"])


TEXTS: dict[str, Callable[[int], str]] = {
    "network": lambda lines: chain(lines, "3"),
    "space": lambda lines: chain(lines, "choose k{} from [3, 5]"),
    "blocks": blocks,
}


def read(text: str) -> float:
    """Processor seconds from a text to a verified module."""
    start = time.process_time()
    verify(elaborate(Source("bench.loom", text)))
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", nargs="+", type=int, default=[10, 100, 1_000, 10_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="figures for machines")
    arguments = parser.parse_args()
    grammar = read(chain(10, "3"))
    found = {
        name: {n: statistics.median(read(text(n)) for _ in range(arguments.repeats)) for n in arguments.lines}
        for name, text in TEXTS.items()
    }
    about = {"python": platform.python_version(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    if arguments.json:
        json.dump({"about": about, "grammar": grammar, "seconds": found}, sys.stdout, indent=2)
        print()
        return
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    print(f"first text, with the grammar: {grammar:.3f} s")
    for name, times in found.items():
        for lines, seconds in times.items():
            print(f"{name:10}{lines:>8,} lines {seconds:>9.4f} s {1e6 * seconds / lines:>9.0f} us a line")


if __name__ == "__main__":
    main()
