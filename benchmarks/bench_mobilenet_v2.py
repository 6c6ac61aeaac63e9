"""Latency of MobileNetV2 at 224x224 through Drawloom and TVM, PyTorch eager and ONNX Runtime, in one run.

One thread each, a batch of one image, random weights, batch norms folded for all three. The engines take
turns within each
round, because the speed of a machine drifts over minutes: only numbers of one run are comparable, so compare
    the ratios.
The median of the rounds is given with its quartiles. Target: Drawloom at most 0.85 of ONNX Runtime.

    python benchmarks/bench_mobilenet_v2.py [--rounds 40] [--network FILE] [--target cpu]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# ruff: noqa: E402 - threads are set before anything that uses them is imported
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TVM_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import onnxruntime
import torch
import tvm

from drawloom.backends.torch import export_onnx, to_torch
from drawloom.backends.tvm import compile_network
from drawloom.backends.tvm.measure import host_processor, versions
from drawloom.backends.weights import Array, initialise
from drawloom.frontend import load
from drawloom.ir import Module
from drawloom.passes.fold_batch_norm import fold_batch_norm, fold_weights

NETWORK = Path(__file__).parents[1] / "zoo" / "networks" / "mobilenet_v2.loom"
CALLS = 2
"""Timed calls of an engine in a round, after one to warm its caches."""
GOAL = 0.85

Run = Callable[[], Array]


def drawloom_engine(module: Module, weights: Mapping[str, Array], image: Array, target: str) -> Run:
    """Drawloom's kernels, called as the exported library is: tensors of TVM in, tensors of TVM out."""
    start = time.perf_counter()
    network = compile_network(module, target)
    seconds = time.perf_counter() - start
    print(
        f"compiled {len(network.plan.workloads)} kernels, {network.compiled} of them new, in {seconds:.1f} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.so"
        network.export_library(path, weights)
        main = tvm.runtime.load_module(str(path))["main"]
    given = tvm.runtime.tensor(image)
    result = tvm.runtime.empty(network.plan.outputs[0], "float32")

    def run() -> Array:
        main(given, result)
        scores: Array = result.numpy()
        return scores

    return run


def torch_engine(module: Module, weights: Mapping[str, Array], image: Array) -> Run:
    """PyTorch in eager mode."""
    torch.set_num_threads(1)
    network = to_torch(module, weights).eval()
    given = torch.from_numpy(image)

    def run() -> Array:
        with torch.inference_mode():
            scores: Array = network(given).numpy()
        return scores

    return run


def onnx_engine(module: Module, weights: Mapping[str, Array], image: Array) -> Run:
    """ONNX Runtime with all its graph optimisations, for the fixed batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_free_dimension_override_by_name("batch", len(image))
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_onnx(module, weights, path)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run() -> Array:
        scores: Array = session.run(None, {name: image})[0]
        return scores

    return run


def timed(run: Run) -> tuple[float, float]:
    """Seconds of a call, by the wall clock and by the processor time of the thread."""
    run()
    wall, cpu = time.perf_counter(), time.thread_time()
    for _ in range(CALLS):
        run()
    return (time.perf_counter() - wall) / CALLS, (time.thread_time() - cpu) / CALLS


def main() -> None:
    """Build the three engines, check that they agree, time them and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--network", type=Path, default=NETWORK)
    parser.add_argument("--target", default="cpu")
    options = parser.parse_args()

    given = load(options.network)
    raw = initialise(given, seed=0)
    module, weights = fold_batch_norm(given), fold_weights(given, raw)
    (entry,) = module.entry.inputs
    image = np.random.default_rng(0).standard_normal((1, *entry.type.shape)).astype(np.float32)
    engines = {
        "Drawloom + TVM": drawloom_engine(module, weights, image, options.target),
        "ONNX Runtime": onnx_engine(module, weights, image),
        "PyTorch eager": torch_engine(module, weights, image),
    }
    expected = engines["PyTorch eager"]()
    for name, run in engines.items():
        error = np.abs(run() - expected).max() / np.abs(expected).max()
        print(f"{name}: greatest difference from PyTorch {error:.1e} of the greatest output")

    samples = np.array([[timed(run) for run in engines.values()] for _ in range(options.rounds)])
    report(list(engines), samples)


def report(names: list[str], samples: Array) -> None:
    """Print medians, quartiles and ratios; `samples` is [rounds, engines, (wall, processor time)]."""
    print(
        f"\n{host_processor()}, load {os.getloadavg()[0]:.1f}; {versions()}, torch {torch.__version__}, ",
        end="",
    )
    print(f"onnxruntime {onnxruntime.__version__}; {len(samples)} rounds\n")
    print(f"{'ms':16} {'processor time':>16} {'quartiles':>17} {'/ ORT':>7} {'wall':>8} {'/ ORT':>7}")
    low, middle, high = np.percentile(samples, (25, 50, 75), axis=0) * 1e3
    reference = names.index("ONNX Runtime")
    for i, name in enumerate(names):
        wall, cpu = middle[i]
        quartiles = f"{low[i, 1]:.2f} to {high[i, 1]:.2f}"
        ratios = (cpu / middle[reference, 1], wall / middle[reference, 0])
        print(f"{name:16} {cpu:16.2f} {quartiles:>17} {ratios[0]:7.2f} {wall:8.2f} {ratios[1]:7.2f}")
    ratio = float(np.median(samples[:, 0, 1] / samples[:, reference, 1]))
    print(f"\nmedian over the rounds of Drawloom / ONNX Runtime: {ratio:.3f} (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
