"""Measures compiled networks, each in a process of its own, so that a crash or a hang costs one error."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.backends.weights import Array
from drawloom.ir import UserError

from .build import BoundNetwork, CompiledNetwork
from .kernels import KernelStore, shared_store, symbol_of
from .library import link
from .measurement import Measurement, Spread
from .plan import weight_layout
from .workload import BIAS, Convolution, Step

SENTINEL = Convolution(1, 14, 14, 64, 64, epilogue=(BIAS, Step("relu")))
"""The kernel that is timed with every network."""
_SENTINEL_ARGUMENTS = (14 * 14 * 64, 64 * 64, 64, 14 * 14 * 64)
_CHILD = Path(__file__).with_name("measure_child.py")


class MeasurementFailed(UserError):
    """A network could not be measured; the message has the reason."""


def measure_network(
    network: CompiledNetwork,
    *,
    weights: Mapping[str, Array] | None = None,
    repeats: int = 30,
    number: int | None = None,
    sample_seconds: float = 0.01,
    timeout: float = 60.0,
    store: KernelStore | None = None,
) -> Measurement:
    """Time a network with one thread, in a process of its own.

    Args:
        network: what to time; its target must be this machine.
        weights: the network's; random ones by default.
        repeats: samples to take, each with a sample of the sentinel before it.
        number: calls in a sample; as many as fill `sample_seconds` by default.
        sample_seconds: see `number`.
        timeout: seconds after which the process is killed.
        store: where the sentinel's code comes from.

    Raises:
        MeasurementFailed: when the process crashes, hangs or says something else than samples.
        UserError: when weights do not fit, or there is no linker.
    """
    packed = None if weights is None else network.pack(weights)

    def take(request: dict[str, Any]) -> dict[str, Any]:
        if packed is not None:
            request["weights_file"] = str(Path(request["library"]).with_name("weights.bin"))
            packed.tofile(request["weights_file"])
        return _run_child(request, timeout, network.plan.name)

    return _measured(network, take, repeats, number, sample_seconds, store)


def time_network(
    bound: BoundNetwork,
    *,
    repeats: int = 30,
    number: int | None = None,
    sample_seconds: float = 0.01,
    store: KernelStore | None = None,
) -> Measurement:
    """Time a network in this process, when that is one of its own already; see `measure_network`."""
    from .measure_child import take_samples

    def take(request: dict[str, Any]) -> dict[str, Any]:
        return take_samples(request, bound.packed)

    return _measured(bound.network, take, repeats, number, sample_seconds, store)


def _measured(
    network: CompiledNetwork,
    take: Callable[[dict[str, Any]], dict[str, Any]],
    repeats: int,
    number: int | None,
    sample_seconds: float,
    store: KernelStore | None,
) -> Measurement:
    began = datetime.now(UTC)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="drawloom-") as name:
        request = _request(network, Path(name), store or shared_store())
        result = take(request | {"repeats": repeats, "number": number, "sample_seconds": sample_seconds})
    samples = np.array(result["samples"])
    sentinel, runs = samples[:, 1], samples[:-1]
    third = max(1, len(sentinel) // 3)
    return Measurement(
        network=network.plan.name,
        target=network.target.name,
        processor=network.target.processor,
        host=host_processor(),
        batch=network.plan.batch,
        threads=1,
        cpu=Spread.of(runs[:, 3]),
        wall=Spread.of(runs[:, 2]),
        repeats=repeats,
        number=result["number"],
        sentinel=Spread.of(sentinel),
        sentinel_drift=float(np.median(sentinel[-third:]) / np.median(sentinel[:third])),
        load=load,
        versions=versions(),
        timestamp=began.isoformat(timespec="seconds"),
    )


def _request(network: CompiledNetwork, folder: Path, store: KernelStore) -> dict[str, Any]:
    plan = network.plan
    sentinel = store.objects([SENTINEL], network.target)
    objects = network.bare_objects()
    if SENTINEL not in network.objects:
        objects.append(sentinel[SENTINEL])
    link(objects, folder / "network.so")
    return {
        "library": str(folder / "network.so"),
        "symbol": "drawloom_network",
        "inputs": [prod(shape) for shape in plan.inputs],
        "vocabularies": plan.vocabularies,
        "outputs": [prod(shape) for shape in plan.outputs],
        "weights": weight_layout(plan).size,
        "weights_file": None,
        "arena": max(1, network.arena_elements),
        "sentinel": symbol_of(SENTINEL),
        "sentinel_arguments": _SENTINEL_ARGUMENTS,
    }


def _run_child(request: Mapping[str, Any], timeout: float, name: str) -> dict[str, Any]:
    """Run the measuring process on a request and check its answer."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        # -P: the child's own folder is full of modules and must not be searched for imports.
        [sys.executable, "-P", str(_CHILD)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | single,
    )  # fmt: skip
    try:
        out, err = process.communicate(json.dumps(request), timeout=timeout)
    except subprocess.TimeoutExpired:
        raise MeasurementFailed(f"measuring '{name}' took longer than {timeout:g} s") from None
    finally:
        _end(process)
    if process.returncode < 0:
        raise MeasurementFailed(f"the code of '{name}' crashed with {_signal_name(-process.returncode)}")
    if process.returncode > 0:
        last = (err.strip().splitlines() or ["no message"])[-1]
        raise MeasurementFailed(f"measuring '{name}' failed: {last}")
    return _checked(out, request["repeats"], name)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a measuring process and wait for it."""
    if process.poll() is None:
        process.kill()
    process.communicate()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _checked(out: str, repeats: int, name: str) -> dict[str, Any]:
    try:
        result = json.loads(out)
        samples = np.array(result["samples"], dtype=np.float64)
        good = (
            isinstance(result["number"], int)
            and samples.shape == (repeats + 1, 4)
            and np.isfinite(samples).all()
        )
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise MeasurementFailed(f"measuring '{name}' gave no samples: {out[:80]!r}")
    checked: dict[str, Any] = result
    return checked


def host_processor() -> str:
    """The model name of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of what made and ran the code."""
    from tvm.target import codegen

    found = {"python": platform.python_version(), "llvm": str(codegen.llvm_version_major())}
    for package in ("drawloom", "apache-tvm", "apache-tvm-ffi"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
