"""Exported libraries run without Drawloom; kernels are compiled once; what is missing or corrupt is said."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tvm", reason="TVM is not installed")

from tiny_networks import network, random_inputs, random_weights

from drawloom.backends.tvm import CompiledNetwork, KernelStore, compile_network
from drawloom.ir import Module, UserError

SCRIPT = """
import numpy, sys, tvm
network = tvm.runtime.load_module(sys.argv[1])
image = tvm.runtime.tensor(numpy.load(sys.argv[2]))
scores = tvm.runtime.empty((2, 5), "float32")
network["main"](image, scores)
numpy.save(sys.argv[3], scores.numpy())
assert not [name for name in sys.modules if name.startswith("drawloom")]
"""
STORE = KernelStore()


@pytest.fixture(scope="module")
def module() -> Module:
    def make(o, x):  # type: ignore[no-untyped-def]
        x = o("relu", o("batch_norm", o("conv2d", x, out=8, kernel=3, stride=2, pad=1)))
        return o("linear", o("global_avg_pool", x), out=5)

    return network(make, (3, 12, 12))


@pytest.fixture(scope="module")
def compiled(module: Module) -> CompiledNetwork:
    return compile_network(module, batch=2, store=STORE)


def test_an_exported_library_runs_in_a_short_script(
    module: Module, compiled: CompiledNetwork, tmp_path: Path
) -> None:
    weights, (image,) = random_weights(module), random_inputs(module, 2)
    compiled.export_library(tmp_path / "network.so", weights)
    np.save(tmp_path / "image.npy", image)
    paths = [str(tmp_path / name) for name in ("network.so", "image.npy", "scores.npy")]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), compiled.run(weights, [image])[0])


def test_two_networks_in_one_process_do_not_meet(compiled: CompiledNetwork, module: Module) -> None:
    weights, (image,) = random_weights(module), random_inputs(module, 2)
    bound = compiled.bind(weights)
    before = bound(image)[0]
    other = compile_network(network(lambda o, x: o("relu", x), (3, 12, 12)), batch=2, store=STORE)
    np.testing.assert_array_equal(other.run({}, [image])[0], np.maximum(image, 0))
    np.testing.assert_array_equal(bound(image)[0], before)


def test_a_failed_export_leaves_the_old_file(compiled: CompiledNetwork, tmp_path: Path) -> None:
    path = tmp_path / "network.so"
    path.write_text("old")
    with pytest.raises(UserError, match=r"the weights have no 'layer0\.weight'"):
        compiled.export_library(path, {})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_said(compiled: CompiledNetwork, module: Module, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        compiled.export_library(tmp_path / "no" / "network.so", random_weights(module))


def test_a_missing_compiler_is_said(
    compiled: CompiledNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(UserError, match="no C compiler 'no-such-compiler'"):
        compiled.save(tmp_path / "network.so")


def test_a_weight_of_another_shape_is_named(compiled: CompiledNetwork, module: Module) -> None:
    weights = random_weights(module)
    weights["layer0.weight"] = np.zeros((8, 3, 5, 5), np.float32)
    with pytest.raises(UserError, match=r"'layer0\.weight' has shape \[8, 3, 5, 5\]"):
        compiled.pack(weights)


def test_inputs_of_another_shape_are_refused(compiled: CompiledNetwork, module: Module) -> None:
    bound = compiled.bind(random_weights(module))
    with pytest.raises(UserError, match="compiled for inputs 2x3x12x12, got 1x3x12x12"):
        bound(np.zeros((1, 3, 12, 12), np.float32))


def test_kept_kernels_are_not_compiled_again(module: Module, tmp_path: Path) -> None:
    first = compile_network(module, store=KernelStore(tmp_path))
    second = compile_network(module, store=KernelStore(tmp_path))
    assert first.compiled == len(first.plan.workloads)
    assert second.compiled == 0
    assert second.objects == first.objects
    assert compile_network(module, "cpu-baseline", store=KernelStore(tmp_path)).compiled == first.compiled


def test_a_corrupt_kept_kernel_is_reported_and_made_again(
    module: Module, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = compile_network(module, store=KernelStore(tmp_path))
    victim = sorted(tmp_path.iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING, "drawloom.tvm"):
        second = compile_network(module, store=KernelStore(tmp_path))
    assert f"'{victim}' is corrupt" in caplog.text
    assert second.compiled == 1
    assert second.objects == first.objects
