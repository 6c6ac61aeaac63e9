"""Measurements: taken in another process, whose death costs one error; files that are whole or refused."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_networks import network, random_weights

from drawloom.backends.tvm import (
    CompiledNetwork,
    KernelStore,
    Measurement,
    MeasurementFailed,
    Spread,
    compile_network,
    measure_network,
    time_network,
)
from drawloom.backends.tvm.measure_child import take_samples
from drawloom.ir import DType, Module, TensorType, UserError

STORE = KernelStore()
SPREAD = Spread(2e-3, 1.9e-3, 2.2e-3, 1.8e-3, 2.5e-3, 1.7e-3)
MEASUREMENT = Measurement(
    network="tiny",
    target="cpu",
    processor="znver4",
    host="a processor",
    batch=1,
    threads=1,
    cpu=SPREAD,
    wall=replace(SPREAD, median=3e-3),
    repeats=10,
    number=4,
    sentinel=replace(SPREAD, median=1e-5),
    sentinel_drift=1.02,
    load=0.5,
    versions={"tvm": "0.27"},
    timestamp="2026-01-01T00:00:00+00:00",
)


@pytest.fixture(scope="module")
def module() -> Module:
    return network(lambda o, x: o("relu", o("conv2d", x, out=8, kernel=3, pad=1)), (3, 12, 12))


@pytest.fixture(scope="module")
def compiled(module: Module) -> CompiledNetwork:
    pytest.importorskip("tvm", reason="TVM is not installed")
    return compile_network(module, store=STORE)


def test_tokens_are_drawn_from_the_whole_vocabulary_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tvm", reason="TVM is not installed")
    words = network(lambda o, t: o("embedding", t, vocabulary=5, out=3), TensorType((200,), DType.I32))
    compiled, drawn = compile_network(words, store=STORE), []

    def watched(library: object, symbol: str, arrays: list[np.ndarray]) -> Callable[[], None]:
        drawn.extend(arrays)
        return lambda: None

    monkeypatch.setattr("drawloom.backends.tvm.measure_child._runner", watched)
    monkeypatch.setattr("drawloom.backends.tvm.measure._run_child", lambda r, timeout, name: take_samples(r))
    measure_network(compiled, repeats=1, number=1, store=STORE)
    assert drawn[0].dtype == np.int32
    assert set(drawn[0]) == set(range(5))


def test_a_measurement_says_everything(compiled: CompiledNetwork, module: Module) -> None:
    m = measure_network(compiled, weights=random_weights(module), repeats=5, sample_seconds=1e-3, store=STORE)
    assert (
        0
        < m.cpu.minimum
        <= m.cpu.p10
        <= m.cpu.lower_quartile
        <= m.median
        <= m.cpu.upper_quartile
        <= m.cpu.p90
    )
    assert m.wall.median >= 0.5 * m.median
    assert 0 < m.sentinel.median < 1
    assert (m.repeats, m.batch, m.threads, m.target) == (5, 1, 1, "cpu")
    assert m.number >= 1
    assert m.processor
    assert m.host
    assert {"apache-tvm", "apache-tvm-ffi", "drawloom", "llvm", "python"} <= set(m.versions)


def test_timing_in_this_process_agrees(compiled: CompiledNetwork, module: Module) -> None:
    inside = time_network(compiled.bind(random_weights(module)), repeats=10, sample_seconds=2e-3, store=STORE)
    outside = measure_network(compiled, repeats=10, sample_seconds=2e-3, store=STORE)
    assert 0.2 < inside.relative / outside.relative < 5


def _sabotaged(compiled: CompiledNetwork, code: str, folder: Path) -> CompiledNetwork:
    """A network whose C function is something else."""
    (folder / "bad.c").write_text(f"#include <stdlib.h>\nvoid drawloom_network(void) {{ {code} }}\n")
    subprocess.run(["cc", "-c", "-fPIC", "bad.c", "-o", "bad.o"], cwd=folder, check=True)
    content = (folder / "bad.o").read_bytes()

    class Sabotaged(CompiledNetwork):
        def bare_objects(self) -> list[bytes]:
            return [content]

    return Sabotaged(compiled.plan, compiled.target, {}, 0.0, 0)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("*(volatile int *)8 = 1;", "crashed with SIGSEGV"),
        ("abort();", "crashed with SIGABRT"),
        ("exit(0);", "gave no samples"),
        ("exit(3);", "failed: no message"),
    ],
)
def test_a_dying_process_costs_one_error(
    compiled: CompiledNetwork, tmp_path: Path, code: str, message: str
) -> None:
    with pytest.raises(MeasurementFailed, match=message):
        measure_network(_sabotaged(compiled, code, tmp_path), repeats=2, store=STORE)


def test_a_hanging_process_is_killed(compiled: CompiledNetwork, tmp_path: Path) -> None:
    hanging = _sabotaged(compiled, "for (;;) { volatile int x = 0; (void)x; }", tmp_path)
    start = time.monotonic()
    with pytest.raises(MeasurementFailed, match="longer than 1 s"):
        measure_network(hanging, repeats=2, timeout=1.0, store=STORE)
    assert time.monotonic() - start < 20
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_plain_data_round_trips_and_holds_the_reported_spread() -> None:
    data = json.loads(json.dumps(MEASUREMENT.to_json()))
    assert Measurement.from_json(data) == MEASUREMENT
    assert Measurement.from_json({**data, "other": 1}) == MEASUREMENT
    assert data["median"] == MEASUREMENT.median == 2e-3
    assert (data["lower_quartile"], data["upper_quartile"]) == (1.9e-3, 2.2e-3)
    assert data["clock"] == "processor time of the thread"


def test_a_file_round_trips(tmp_path: Path) -> None:
    MEASUREMENT.save(tmp_path / "m.json")
    assert Measurement.load_file(tmp_path / "m.json") == MEASUREMENT
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]


def test_every_cut_off_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    MEASUREMENT.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"m\.json' is no measurement"):
            Measurement.load_file(path)


def test_a_changed_number_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    MEASUREMENT.save(path)
    path.write_text(path.read_text().replace("0.002", "0.001"))
    with pytest.raises(UserError, match="corrupt: its checksum is wrong"):
        Measurement.load_file(path)


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"format": "something else"}', "\udcff"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match="is no measurement"):
        Measurement.load_file(path)


@pytest.mark.parametrize(
    ("change", "name"),
    [({"repeats": "5"}, "repeats"), ({"cpu": 3}, "cpu"), ({"batch": True}, "batch"), ({"cpu": {}}, "median")],
)
def test_wrong_fields_are_named(change: dict[str, object], name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' is"):
        Measurement.from_json(MEASUREMENT.to_json() | change)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        Measurement.load_file(tmp_path / "none.json")
