"""Seconds from an assignment to a compiled TVM library, step by step.

    python benchmarks/bench_compile.py [--candidates 12] [--repeats 3] [--json]

Candidates are drawn at random from the mobile space; MobileNetV2 has no decisions. `cold` starts each network
with no kernels at all, `shared` lets the candidates use the kernels of those before them, as a search does,
`kept` compiles the same networks again. Kernels on disk are not used. Medians over the networks and repeats.

* resolve: from the assignment to a module without decisions
* lower: to a plan of kernels
* compile: the kernels that are not there yet, through LLVM
* export: the library with the weights inside, linked by the C compiler
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from drawloom.backends.tvm import CompiledNetwork, KernelStore
from drawloom.backends.tvm.build import warm_up
from drawloom.backends.tvm.measure import host_processor, versions
from drawloom.backends.tvm.rules import lower_network
from drawloom.backends.tvm.target import find_target
from drawloom.backends.weights import initialise
from drawloom.frontend import load
from drawloom.ir import Choice, Module
from drawloom.passes import Resolver, sample

ZOO = Path(__file__).resolve().parent.parent / "zoo"


@dataclass(frozen=True, slots=True)
class Times:
    """Wall seconds of the steps of one network, and how many of its kernels had to be compiled."""

    resolve: float
    lower: float
    compile: float
    export: float
    kernels: int
    new: int

    @property
    def total(self) -> float:
        """Seconds from the assignment to the library."""
        return self.resolve + self.lower + self.compile + self.export


def build(module: Module, assignment: Mapping[str, Choice], store: KernelStore, folder: Path) -> Times:
    """One network, from its assignment to a library."""
    target = find_target("cpu")
    before = store.compiled
    marks = [time.perf_counter()]
    network = Resolver(module).resolve(assignment)
    marks.append(time.perf_counter())
    plan = lower_network(network, target.machine, 1)
    marks.append(time.perf_counter())
    objects = store.objects(plan.workloads, target)
    marks.append(time.perf_counter())
    weights = initialise(network, seed=0)
    start = time.perf_counter()
    compiled = CompiledNetwork(plan, target, objects, 0.0, store.compiled - before)
    compiled.export_library(folder / "network.so", weights)
    steps = [b - a for a, b in pairwise(marks)]
    return Times(*steps, time.perf_counter() - start, len(plan.workloads), store.compiled - before)


def runs(module: Module, assignments: list[Mapping[str, Choice]], folder: Path) -> dict[str, list[Times]]:
    """Every network cold, then with shared kernels where there are several, then all again."""
    store = KernelStore()
    cold = [build(module, a, KernelStore(), folder) for a in assignments]
    shared = [build(module, a, store, folder) for a in assignments]
    kept = [build(module, a, store, folder) for a in assignments]
    return {"cold": cold, **({"shared": shared} if len(assignments) > 1 else {}), "kept": kept}


def cases(candidates: int) -> Iterator[tuple[str, Module, list[Mapping[str, Choice]]]]:
    """What is built: random candidates of a space, and one large network."""
    space = load(ZOO / "spaces" / "mobile_fashion.loom")
    yield "mobile_fashion", space, list(sample(space, candidates, seed=0).assignments())
    yield "mobilenet_v2", load(ZOO / "networks" / "mobilenet_v2.loom"), [{}]


def summary(times: list[Times]) -> dict[str, float]:
    """The median of every step and of the total, and the slowest total."""
    medians = {f.name: statistics.median(getattr(t, f.name) for t in times) for f in fields(Times)}
    totals = [t.total for t in times]
    return {**medians, "total": statistics.median(totals), "slowest": max(totals)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="figures for machines")
    arguments = parser.parse_args()
    warm_up()
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, module, assignments in cases(arguments.candidates):
            repeats = [runs(module, assignments, Path(folder)) for _ in range(arguments.repeats)]
            found[name] = {how: summary([t for r in repeats for t in r[how]]) for how in repeats[0]}
    load_average = os.getloadavg()[0]
    if arguments.json:
        json.dump({"versions": versions(), "load": load_average, "networks": found}, sys.stdout, indent=2)
        print()
        return
    print(f"{host_processor()}, load {load_average:.1f}; {versions()}")
    steps = ("resolve", "lower", "compile", "export", "total", "slowest")
    for name, kinds in found.items():
        print(f"\n{name}, ms\n{'':8}" + "".join(f"{s:>9}" for s in steps) + f"{'kernels':>9}{'new':>6}")
        for how, row in kinds.items():
            cells = "".join(f"{1e3 * row[s]:9.1f}" for s in steps)
            print(f"{how:8}{cells}{row['kernels']:9.0f}{row['new']:6.0f}")


if __name__ == "__main__":
    main()
