"""Targets by name; and TVM missing."""

import subprocess
import sys

import pytest

from drawloom.backends.tvm import find_target, target_entries
from drawloom.backends.tvm.workload import BIAS, Convolution, Depthwise, Step, Window, move
from drawloom.ir import UserError


def test_the_registry_needs_no_tvm() -> None:
    assert "cpu" in target_entries()
    assert all(entry.about for entry in target_entries().values())


def test_an_unknown_target_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown target 'cpuu'.*did you mean 'cpu'"):
        find_target("cpuu")


def test_the_host_is_found_out() -> None:
    pytest.importorskip("tvm", reason="TVM is not installed")
    machine = find_target("cpu").machine
    assert machine.lanes in (4, 8, 16)
    assert machine.registers in (16, 32)
    assert machine.level1 < machine.level2


_WITHOUT = """
import sys
sys.modules["tvm"] = None
import drawloom.backends.tvm as backend
from drawloom.ir import UserError
try:
    backend.find_target("cpu")
except UserError as error:
    print(error)
"""


def test_without_tvm_it_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == 'TVM is not installed (pip install "drawloom[tvm]")'


def test_the_package_is_imported_without_tvm() -> None:
    code = "import sys, drawloom.backends.tvm; sys.exit('tvm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_workload_keys_are_stable_and_tell_workloads_apart() -> None:
    same = Window((3, 3), padding=(1, 1, 1, 1))
    workloads = [
        Convolution(1, 7, 7, 8, 8, same),
        Convolution(1, 7, 7, 8, 8, same, epilogue=(BIAS,)),
        Convolution(1, 7, 7, 8, 8, same, epilogue=(BIAS, Step("relu"))),
        Convolution(2, 7, 7, 8, 8, same),
        Depthwise(1, 7, 7, 8, same),
    ]
    assert len({w.key for w in workloads}) == len(workloads)
    assert Convolution(1, 7, 7, 8, 8, Window((3, 3), padding=(1, 1, 1, 1))).key == workloads[0].key


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no such step"):
        Step("relu", "full")


def test_a_copy_in_place_is_trivial() -> None:
    assert move((2, 3, 4), (12, 4, 1), (12, 4, 1), (24, 24)).trivial
    assert not move((2, 3, 4), (12, 1, 3), (12, 4, 1), (24, 24)).trivial
    assert not move((2, 3, 4), (12, 4, 1), (12, 4, 1), (24, 48)).trivial
