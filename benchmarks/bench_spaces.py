"""How fast a space is read, sampled, resolved and priced on one core.

    python benchmarks/bench_spaces.py [FILE.loom ...] [--repeats 7] [--json]

Every figure is the median over the repeats; in brackets the extremes. Reading is parsing, elaborating and
verifying, after the grammar has been loaded once. Resolved candidates are drawn at random; mutants are
children of one parent and share functions with it and with each other. Run it on an idle machine.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from drawloom.frontend import load
from drawloom.ir import Module, structural_hash, verify
from drawloom.passes import Pricer, Resolver, mutate, sample

SPACES = Path(__file__).resolve().parent.parent / "zoo" / "spaces"

SAMPLED = 1_000_000
PRICED = 1_000_000
RESOLVED = 300
USUAL = ("darts", "fbnet", "mobile_fashion")


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Wall seconds of each repetition."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def rates(count: int, taken: list[float]) -> dict[str, float]:
    """Median, slowest and fastest number a second."""
    found = [count / t for t in taken]
    return {"median": statistics.median(found), "slowest": min(found), "fastest": max(found)}


def read(path: Path) -> Module:
    """Parse, elaborate and verify."""
    module = load(path)
    verify(module)
    return module


def resolving(module: Module, repeats: int) -> dict[str, dict[str, float]]:
    """Networks a second: random candidates that are all new, with their hash, and children of one parent."""
    fresh = sample(module, RESOLVED * repeats, seed=1).assignments()
    new, hashed = [], []
    resolver = Resolver(module)
    for start in range(0, len(fresh), RESOLVED):
        part = fresh[start : start + RESOLVED]
        new += seconds(lambda part=part: [resolver.resolve(a) for a in part], 1)
    resolver = Resolver(module)
    for start in range(0, len(fresh), RESOLVED):
        part = fresh[start : start + RESOLVED]
        hashed += seconds(lambda part=part: [structural_hash(resolver.resolve(a)) for a in part], 1)
    rng = np.random.default_rng(0)
    children = [mutate(module, fresh[0], rng) for _ in range(RESOLVED)]

    def resolve_children() -> None:
        family = Resolver(module)
        for child in children:
            family.resolve(child)

    return {
        "resolved": rates(RESOLVED, new),
        "resolved and hashed": rates(RESOLVED, hashed),
        "mutants resolved": rates(RESOLVED, seconds(resolve_children, repeats)),
    }


def measure(path: Path, repeats: int) -> dict[str, object]:
    """All figures of one space."""
    load(path)  # the grammar is read once a process
    reading = seconds(lambda: read(path), repeats)
    module = read(path)
    building = seconds(lambda: Pricer(module), repeats)
    pricer = Pricer(module)
    batch = sample(module, PRICED, seed=0)
    pricer.price(batch)
    return {
        "space": path.stem,
        "decisions": len(module.decisions),
        "operations": len(module),
        "read seconds": {
            "median": statistics.median(reading),
            "fastest": min(reading),
            "slowest": max(reading),
        },
        "pricer seconds": {
            "median": statistics.median(building),
            "fastest": min(building),
            "slowest": max(building),
        },
        "tables": pricer.size,
        "a second": {
            "sampled": rates(SAMPLED, seconds(lambda: sample(module, SAMPLED, seed=0), repeats)),
            "priced": rates(PRICED, seconds(lambda: pricer.price(batch), repeats)),
            "priced with depth": rates(PRICED, seconds(lambda: pricer.price(batch).depth, repeats)),
            **resolving(module, repeats),
        },
    }


def table(result: dict) -> str:
    """The figures as text."""
    lines = [f"{result['space']}: {result['decisions']} decisions, {result['operations']} operations"]
    for name in ("read seconds", "pricer seconds"):
        r = result[name]
        lines.append(f"  {name:<22} {r['median']:>12.4f}  ({r['fastest']:.4f} to {r['slowest']:.4f})")
    for name, r in result["a second"].items():
        lines.append(
            f"  {name + ' /s':<22} {r['median']:>12,.0f}  ({r['slowest']:,.0f} to {r['fastest']:,.0f})"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help=f"spaces; by default {', '.join(USUAL)}")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="figures for machines")
    arguments = parser.parse_args()
    files = arguments.files or [SPACES / f"{name}.loom" for name in USUAL]
    results = [measure(path, arguments.repeats) for path in files]
    if arguments.json:
        about = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        json.dump({"about": about, "spaces": results}, sys.stdout, indent=2)
        print()
        return
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one core")
    print("\n".join(table(r) for r in results))


if __name__ == "__main__":
    main()
