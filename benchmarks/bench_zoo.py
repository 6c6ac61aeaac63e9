"""Seconds to count the published networks, and to count MobileNetV2 as a user of PyTorch would.

    python benchmarks/bench_zoo.py [--repeats 7] [--json]

* zoo: read every network of the catalogue and count it, one pass.
* drawloom: read zoo/networks/mobilenet_v2.loom, elaborate and count it.
* ptflops: make the PyTorch network of the same architecture, its class being there, and let ptflops count it.

The last two alternate; medians of wall seconds on one thread, after a first repeat that is not counted.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from ptflops import get_model_complexity_info

from drawloom import zoo
from drawloom.backends.torch import to_torch
from drawloom.catalogue import counted, load_entry

ENTRY = zoo.networks()["mobilenet_v2"]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    made: type[torch.nn.Module] = type(to_torch(load_entry(ENTRY)))

    def by_ptflops() -> tuple[int, int]:
        found = get_model_complexity_info(
            made(), (3, 224, 224), as_strings=False, print_per_layer_stat=False, backend="pytorch"
        )
        return found[1], found[0]

    ours, theirs = counted(ENTRY), by_ptflops()
    assert theirs[0] == ours.parameters, "both count the same network"
    ways: dict[str, Callable[[], object]] = {"drawloom": lambda: counted(ENTRY), "ptflops": by_ptflops}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, work in ways.items():
            times[name].append(seconds(work))
    result = {
        "networks": len(zoo.networks()),
        "zoo": seconds(lambda: [counted(entry) for entry in zoo.networks().values()]),
        **{name: statistics.median(found) for name, found in times.items()},
        "multiply-adds": {"drawloom": ours.multiply_adds, "ptflops": theirs[1]},
    }
    if options.json:
        json.dump(result, sys.stdout, indent=2)
        print()
        return
    print(f"{result['networks']} networks counted in {result['zoo']:.2f} s")
    print(f"MobileNetV2: drawloom {result['drawloom']:.3f} s, ptflops {result['ptflops']:.3f} s")
    print(f"ratio: {result['ptflops'] / result['drawloom']:.1f}")


if __name__ == "__main__":
    main()
