"""From functions in TVM's tensor IR to machine code: the few passes our plain loops need, then LLVM."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tvm
from tvm import tirx

from .loops import Node


def llvm_target(cpu: str, triple: str | None = None) -> Any:
    """TVM's description of a processor, as host of itself.

    Level 2 of LLVM's optimiser: level 3 reorders the unrolled loops until accumulators spill to memory.
    """
    options: dict[str, Any] = {"kind": "llvm", "mcpu": cpu, "num-cores": 1, "opt-level": 2}
    if triple is not None:
        options["mtriple"] = triple
    target = tvm.target.Target(options)
    return target.with_host(target)


def compile_kernel(function: Node, symbol: str, target: Any) -> bytes:
    """The object file of one C function: its vectors are explicit, so only intrinsics are lowered."""
    module = tvm.IRModule({symbol: function})
    module = tirx.transform.BindTarget(target)(module)
    module = tirx.transform.LowerIntrin()(module)
    return _object(tvm.get_global_func("target.build.llvm")(module, target))


def compile_entries(functions: Mapping[str, Node], target: Any) -> bytes:
    """The object file of functions that TVM's runtime can call, which check the shapes of their arguments.

    TVM's default pipeline is no use here: it shrinks a buffer to the elements it sees being read or written,
    and does not see what the kernels do with an address.
    """
    passes = tirx.transform
    steps = [
        passes.BindTarget(target),
        passes.FlattenBuffer(),
        passes.AnnotateEntryFunc(),
        passes.SplitHostDevice(),
        passes.MakePackedAPI(),
        passes.LowerTVMBuiltin(),
        passes.LowerIntrin(),
    ]
    module = tvm.ir.transform.Sequential(steps)(tvm.IRModule(dict(functions)))
    return _object(tvm.get_global_func("target.build.llvm")(module, target))


def assembly(function: Node, symbol: str, target: Any) -> str:
    """The assembly text of one function, to look for spilled registers."""
    module = tirx.transform.LowerIntrin()(tirx.transform.BindTarget(target)(tvm.IRModule({symbol: function})))
    return str(tvm.get_global_func("target.build.llvm")(module, target).inspect_source("asm"))


def _object(module: Any) -> bytes:
    with tempfile.TemporaryDirectory(prefix="drawloom-") as folder:
        path = Path(folder) / "kernel.o"
        module.write_to_file(str(path))
        return path.read_bytes()
