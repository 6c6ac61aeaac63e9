"""The pass ``fuse`` and the backend agree on the kernels of a network."""

from collections import Counter

import networks
import pytest

pytest.importorskip("tvm", reason="TVM is not installed")

from generators import modules
from hypothesis import HealthCheck, given, settings

from drawloom.backends.tvm import find_target
from drawloom.backends.tvm.rules import lower_network
from drawloom.backends.tvm.workload import Convolution, Depthwise, Elementwise, GlobalPool, Pool, Workload
from drawloom.ir import Module
from drawloom.passes import canonicalize, cse, dce, inline_all
from drawloom.passes.fuse import fuse

ANCHORS = {
    "conv2d": (Convolution, Depthwise),
    "linear": (Convolution,),
    "max_pool": (Pool,),
    "avg_pool": (Pool,),
    "global_avg_pool": (GlobalPool,),
}


def workloads(module: Module) -> list[Workload]:
    return [call.workload for call in lower_network(module, find_target("cpu").machine).calls]


def fusing(found: list[Workload]) -> list[Workload]:
    """The kernels that take in others: not the copies between layouts, zeros, softmax, scaling."""
    return [w for w in found if isinstance(w, (Convolution, Depthwise, Pool, GlobalPool, Elementwise))]


def assert_agree(module: Module) -> None:
    """Every fused function is one kernel of the backend, and the kernels are those of the whole network."""
    fused = fuse(module)
    compiled, whole = workloads(fused), workloads(dce(cse(canonicalize(inline_all(module)))))
    assert Counter(compiled) == Counter(whole)
    assert fusing(compiled) == fusing(whole)
    functions = [fused.functions[op.attributes["callee"]].operations for op in fused.entry.calls()]
    ours = [ops for ops in functions if ops[0].name in ANCHORS or ops[0].name in _ELEMENTWISE]
    for operations, workload in zip(ours, fusing(compiled), strict=True):
        assert isinstance(workload, ANCHORS.get(operations[0].name, (Elementwise,)))


_ELEMENTWISE = (
    *("relu", "relu6", "hsigmoid", "hswish", "sigmoid", "swish", "tanh"),
    *("add", "mul", "sum", "batch_norm"),
)


@pytest.mark.parametrize("build", [networks.mobile, networks.branches, networks.cells])
def test_networks_by_hand(build):
    assert_agree(build())


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(module=modules(resolved=True))
def test_any_network(module):
    assert_agree(module)
