"""Inner loops keep their accumulators in registers: nothing goes to the stack, on several processors."""

import re

import pytest

pytest.importorskip("tvm", reason="TVM is not installed")

from drawloom.backends.tvm.codegen import assembly, llvm_target
from drawloom.backends.tvm.emit import emit
from drawloom.backends.tvm.tiles import Machine
from drawloom.backends.tvm.workload import BIAS, Convolution, Depthwise, Step, Window

PROCESSORS = {
    "znver4": Machine(16, 32, 1),
    "skylake-avx512": Machine(16, 32),
    "haswell": Machine(8, 16),
}
STEPS = (BIAS, Step("relu6"))
WORKLOADS = [
    Convolution(1, 14, 14, 96, 576, epilogue=STEPS),
    Convolution(1, 7, 7, 160, 960, epilogue=STEPS),
    Convolution(1, 14, 14, 200, 80, epilogue=STEPS),
    Convolution(1, 56, 56, 64, 128, Window((3, 3), (2, 2), (1, 1, 1, 1)), epilogue=STEPS),
    Convolution(1, 96, 96, 3, 32, Window((3, 3), (2, 2), (1, 1, 1, 1)), planar=True, epilogue=STEPS),
    Depthwise(1, 28, 28, 72, Window((5, 5), (2, 2), (2, 2, 2, 2)), STEPS),
]


def inner_loops(code: str) -> list[list[str]]:
    """The bodies of loops without loops inside, from x86 assembly."""
    lines = [line for line in code.splitlines() if not re.match(r"\s*\.(loc|cfi)|\.Ltmp", line)]
    labels = {m[1]: i for i, line in enumerate(lines) if (m := re.match(r"(\.LBB\w+):", line))}
    jumps = [(m[1], i) for i, line in enumerate(lines) if (m := re.match(r"\s*j\w+\s+(\.LBB\w+)", line))]
    bodies = [lines[labels[label] + 1 : i] for label, i in jumps if labels.get(label, i) < i]
    return [body for body in bodies if not any(line.startswith(".LBB") for line in body)]


@pytest.mark.parametrize("workload", WORKLOADS, ids=str)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_inner_loops_do_not_spill(processor: str, workload: Convolution | Depthwise) -> None:
    code = assembly(emit(workload, PROCESSORS[processor], "kernel"), "kernel", llvm_target(processor))
    bodies = [body for body in inner_loops(code) if sum("vfmadd" in line for line in body) >= 4]
    assert bodies
    spills = [line for body in bodies for line in body if re.search(r"[xyz]mm", line) and "%rsp" in line]
    assert not spills
