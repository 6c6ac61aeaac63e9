"""How fast `drawloom fmt` is: CPU seconds against the lines of a text, on one core.

    python benchmarks/bench_format.py [--repeats 5]

The text is the DARTS space again and again, without its indentation. Reading is parsing with every token
kept; the rest is laying out and printing. The grammar is loaded before. Figures are medians of CPU seconds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from drawloom.frontend.format import format_source
from drawloom.frontend.parse import parse_concrete
from drawloom.ir import Source

SPACE = Path(__file__).resolve().parent.parent / "zoo" / "spaces" / "darts.loom"
LINES = (100, 1_000, 10_000)


def text_of(lines: int) -> str:
    """A text of about so many lines, unindented because texts have a limit of 400,000 characters."""
    kept = [
        line.strip() for line in SPACE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    return "\n".join(kept * max(1, lines // len(kept))) + "\n"


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    format_source(Source("warm.loom", text_of(1)))
    print(f"{'lines':>7} {'reading s':>10} {'all s':>10} {'lines/s':>10}")
    for lines in LINES:
        source = Source("darts.loom", text_of(lines))
        count = source.text.count("\n")
        read = median_seconds(lambda source=source: parse_concrete(source), repeats)
        whole = median_seconds(lambda source=source: format_source(source), repeats)
        print(f"{count:>7} {read:>10.3f} {whole:>10.3f} {count / whole:>10,.0f}")


if __name__ == "__main__":
    main()
