"""From a resolved network to a library: lower, compile the kernels there are none of yet, link."""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.backends.weights import Array
from drawloom.ir import Module, UserError

from .kernels import KernelStore, shared_store
from .library import link
from .memory import lay_out
from .packing import Floats
from .plan import Plan, weight_layout
from .require import require_tvm
from .target import Target, find_target
from .workload import Workload


@dataclass(frozen=True)
class CompiledNetwork:
    """A network compiled for a target and a batch size, for any weights.

    Attributes:
        plan: what it computes.
        target: what it runs on.
        objects: the compiled kernels.
        seconds: what compiling took, in wall time.
        compiled: how many kernels were not known yet.
    """

    plan: Plan
    target: Target
    objects: Mapping[Workload, bytes]
    seconds: float
    compiled: int

    def pack(self, weights: Mapping[str, Array]) -> Floats:
        """All parameters of the kernels in one array, batch norms folded in.

        Raises:
            UserError: when a weight is missing or has another shape.
        """
        layout = weight_layout(self.plan)
        packed = np.zeros(layout.size, np.float32)
        for parameter, offset in layout.offsets.items():
            packed[offset : offset + parameter.elements] = parameter.make(weights)
        return packed

    def save(self, path: Path | str) -> None:
        """Write a library whose ``main(inputs..., weights, outputs...)`` takes what `pack` makes."""
        self._link(Path(path), None)

    def export_library(self, path: Path | str, weights: Mapping[str, Array]) -> None:
        """Write one shared library with the weights inside: ``main(inputs..., outputs...)``, channels-first.

        Example of using it, without Drawloom::

            import numpy, tvm

            network = tvm.runtime.load_module("network.so")
            image = tvm.runtime.tensor(numpy.zeros((1, 3, 32, 32), "float32"))
            scores = tvm.runtime.empty((1, 10), "float32")
            network["main"](image, scores)
            print(scores.numpy())

        Raises:
            UserError: when weights do not fit or the file cannot be written.
        """
        self._link(Path(path), self.pack(weights))

    def _link(self, path: Path, weights: Floats | None) -> None:
        from .codegen import compile_entries, llvm_target
        from .entry import main_function

        function = main_function(self.plan, embedded=weights is not None)
        main = compile_entries({"main": function}, llvm_target(self.target.processor))
        link([main, *self.bare_objects()], path, weights)

    def bare_objects(self) -> list[bytes]:
        """Object files with the C function ``drawloom_network``, without need of TVM."""
        from .codegen import compile_kernel, llvm_target
        from .entry import NETWORK_SYMBOL, network_function

        function = network_function(self.plan)
        network = compile_kernel(function, NETWORK_SYMBOL, llvm_target(self.target.processor))
        return [network, *self.objects.values()]

    @property
    def arena_elements(self) -> int:
        """Floats of scratch memory that one run needs."""
        return lay_out(self.plan.calls)[1]

    def bind(self, weights: Mapping[str, Array]) -> BoundNetwork:
        """The network with weights, loaded into this process."""
        return BoundNetwork(self, self.pack(weights))

    def run(self, weights: Mapping[str, Array], inputs: Sequence[Array]) -> list[Array]:
        """Run the network once, in this process; see `BoundNetwork.__call__`."""
        return self.bind(weights)(*inputs)

    @cached_property
    def _main(self) -> Any:
        """The function, loaded; its library file is needed only until then."""
        import tvm

        with tempfile.TemporaryDirectory(prefix="drawloom-") as folder:
            path = Path(folder) / "network.so"
            self.save(path)
            return tvm.runtime.load_module(str(path))["main"]


class BoundNetwork:
    """A compiled network with its weights, called with NumPy arrays.

    Attributes:
        network: the network.
        packed: its weights as the kernels read them.
    """

    def __init__(self, network: CompiledNetwork, packed: Floats) -> None:
        """Load the network and hand its packed weights over."""
        import tvm

        self.network = network
        self.packed = packed
        self._weights = tvm.runtime.tensor(packed)
        self._outputs = [tvm.runtime.empty(shape, "float32") for shape in network.plan.outputs]

    def __call__(self, *inputs: Array) -> list[Array]:
        """The outputs for a batch of the compiled size.

        Args:
            inputs: float32, or integers where the network reads tokens; batch first, channels-first.

        Raises:
            UserError: when their shapes are not those the network was compiled for, or tokens are not of its
                vocabulary.
        """
        import tvm

        plan = self.network.plan
        shapes = tuple(x.shape for x in inputs)
        if shapes != plan.inputs:
            raise UserError(
                f"'{plan.name}' was compiled for inputs {_listed(plan.inputs)}, got {_listed(shapes)}"
            )
        arrays = (_checked(x, v) for x, v in zip(inputs, plan.vocabularies, strict=True))
        self.network._main(*map(tvm.runtime.tensor, arrays), self._weights, *self._outputs)
        return [output.numpy() for output in self._outputs]


def _checked(x: Array, vocabulary: int | None) -> Array:
    """An input as the kernels read it."""
    if vocabulary is None:
        return np.ascontiguousarray(x, dtype=np.float32)
    if x.dtype.kind not in "iu":
        raise UserError(f"tokens are integers, got {x.dtype}")
    if x.size and not 0 <= x.min() <= x.max() < vocabulary:
        raise UserError(f"tokens are from 0 to {vocabulary - 1}, got {x.min()} to {x.max()}")
    return np.ascontiguousarray(x, dtype=np.int32)


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in shapes)


def compile_network(
    module: Module, target: str | Target = "cpu", *, batch: int = 1, store: KernelStore | None = None
) -> CompiledNetwork:
    """Compile a resolved network.

    Args:
        module: the network; any weights fit.
        target: a target or its name.
        batch: samples computed at once.
        store: where compiled kernels come from and go; the one of this process by default.

    Raises:
        UserError: when TVM is missing, the target is unknown, decisions are open or an operation cannot be
            run.
    """
    require_tvm()
    from .rules import lower_network

    start = time.perf_counter()
    found = find_target(target) if isinstance(target, str) else target
    plan = lower_network(module, found.machine, batch)
    store = shared_store() if store is None else store
    before = store.compiled
    objects = store.objects(plan.workloads, found)
    return CompiledNetwork(plan, found, objects, time.perf_counter() - start, store.compiled - before)


def warm_up() -> None:
    """Import TVM and find out what the processor is, so that processes forked from this one need not.

    Raises:
        UserError: when TVM is missing.
    """
    find_target("cpu")
    for name in ("codegen", "emit", "entry", "rules"):
        importlib.import_module(f"{__package__}.{name}")
