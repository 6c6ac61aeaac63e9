"""The pass ``fuse``: the kernels that a target will run, as functions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from drawloom.ir import OPS, Function, Module, Operation, UserError, Value, print_function
from drawloom.ir.weight_paths import join_path

from .base import Context, Pass
from .canonicalize import canonicalize
from .cse import cse
from .dce import dce
from .fusion import ROLES, Fusion, Role
from .inline import inline_all
from .instances import fresh_name
from .rebuild import Rewriter, rebuilt, remade
from .strip_training import strip_training


@dataclass(frozen=True)
class Fuse(Pass):
    """Outlines the operations of each kernel into a function of kind ``op``. For inference.

    The network is inlined and simplified first; what only training needs goes. Then each
    operation that reduces many elements takes in the elementwise ones after it, by the rule with which the
    TVM backend compiles (`drawloom.passes.fusion`); what is left is a kernel alone, but for ``reshape`` and
    ``flatten``, which move nothing. (A ``weighted_sum`` is one kernel here; the backend gives the scaling of
    each term to the kernel that makes it.) Equal kernels are one function; the calls are in the order in
    which they run, and weights keep their names. The statistics count kernels that run and distinct ones.

    Before::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="stem.conv"} : f32[8, 32, 32]
        %1 = batch_norm %0 {param="stem.norm"} : f32[8, 32, 32]
        %2 = add %1, %x : f32[8, 32, 32]
        %3 = relu %2 : f32[8, 32, 32]
        return %3

    After::

        op @conv2d_batch_norm_add_relu(%0: f32[8, 32, 32]) -> f32[8, 32, 32] {
          %1 = conv2d %0 {out=8, kernel=3, pad=1, param="conv"} : f32[8, 32, 32]
          %2 = batch_norm %1 {param="norm"} : f32[8, 32, 32]
          %3 = add %2, %0 : f32[8, 32, 32]
          %4 = relu %3 : f32[8, 32, 32]
          return %4
        }
        ...
        %0 = call @conv2d_batch_norm_add_relu(%x) {param="stem"} : f32[8, 32, 32]
        return %0
    """

    name: ClassVar[str] = "fuse"

    def run(self, module: Module, context: Context) -> Module:
        """The network as calls of kernels.

        Raises:
            UserError: when decisions are open.
        """
        if not module.resolved:
            raise UserError(
                f"'{module.name}' still has {len(module.decisions)} open decisions",
                f"kernels are those of a network; one is '{next(iter(module.decisions))}'",
            )
        result = fuse(module)
        context.count(self.name, "kernels", sum(1 for _ in result.entry.calls()))
        context.count(self.name, "distinct kernels", len(result.functions) - 1)
        return result


def fuse(module: Module) -> Module:
    """A resolved network as calls of its kernels."""
    entry = dce(cse(canonicalize(strip_training(inline_all(module))))).entry
    outliner = _Outliner(entry.name)
    for kernel in partition(entry):
        outliner.place(kernel)
    outputs = tuple([outliner.values.get(v, v) for v in entry.outputs])
    network = rebuilt(entry, entry.inputs, tuple(outliner.operations), outputs)
    return module.with_functions([*outliner.functions.values(), network])


_VIEWS = ("reshape", "flatten")


def partition(function: Function) -> list[list[Operation]]:
    """The operations of each kernel of a function without calls, in the order in which kernels run."""
    uses = Counter(itertools.chain(function.outputs, *(op.operands for op in function.operations)))
    fusion: Fusion[Value] = Fusion(lambda v: v.type.shape, lambda v: uses[v])
    kernel_of: dict[Value, list[Operation]] = {}
    runs: dict[int, tuple[int, list[Operation]]] = {}
    for time, op in enumerate(function.operations):
        role, first = ROLES.get(op.name, Role.ALONE), op.results[0]
        joined = fusion.visit(role, op.operands, first)
        kernel = [] if joined is None else kernel_of[joined]
        kernel.append(op)
        kernel_of[first] = kernel
        if joined is None or role in (Role.COMBINE, Role.ORDERED):
            # not before what it reads besides is there
            runs[id(kernel)] = (time, kernel)
    return [kernel for _, kernel in sorted(runs.values(), key=lambda run: run[0])]


@dataclass
class _Outliner:
    """The functions of kernels, and the calls of them, so far.

    Attributes:
        entry: name of the network.
    """

    entry: str
    functions: dict[str, Function] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    values: dict[Value, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._taken = {self.entry}

    def place(self, kernel: Sequence[Operation]) -> None:
        """Append the call of a kernel, or what needs none."""
        last = kernel[-1]
        if last.name in _VIEWS:
            new = remade(last, self._new(last.operands), last.attributes)
        else:
            new = self._call(kernel)
        self.operations.append(new)
        self.values.update(zip(last.results, new.results, strict=True))

    def _new(self, values: Sequence[Value]) -> tuple[Value, ...]:
        return tuple([self.values.get(v, v) for v in values])

    def _call(self, kernel: Sequence[Operation]) -> Operation:
        made = {v for op in kernel for v in op.results}
        inputs = list(dict.fromkeys(v for op in kernel for v in op.operands if v not in made))
        prefix = _common_prefix([op.param for op in kernel if op.param is not None])
        function = self._function(kernel, inputs, prefix)
        attributes = {"callee": function.name, "param": prefix}
        results = kernel[-1].results
        types, names = [v.type for v in results], tuple([v.name for v in results])
        return Operation(OPS["call"], self._new(inputs), attributes, types, (), kernel[-1].span, names)

    def _function(self, kernel: Sequence[Operation], inputs: Sequence[Value], prefix: str) -> Function:
        """The function of a kernel; one that was made before where there is an equal one."""
        rewriter = Rewriter()
        parameters = tuple([Value(v.type, i) for i, v in enumerate(inputs)])
        rewriter.values.update(zip(inputs, parameters, strict=True))
        for op in kernel:
            attributes: dict[str, Any] = op.attributes
            if op.param is not None:
                attributes = {**attributes, "param": op.param.removeprefix(prefix).removeprefix(".")}
            types = [v.type for v in op.results]
            new = Operation(op.definition, rewriter.operands(op), attributes, types, op.presence, op.span)
            rewriter.place(op, new)
        name = "_".join(op.name for op in kernel)
        outputs = tuple([rewriter.values[v] for v in kernel[-1].results])
        function = Function(name, "op", parameters, tuple(rewriter.operations), outputs)
        text = print_function(function)
        if text not in self.functions:
            own = fresh_name(name, self._taken) if name in self._taken else name
            self._taken.add(own)
            self.functions[text] = rebuilt(function, parameters, function.operations, outputs, name=own)
        return self.functions[text]


def _common_prefix(paths: Sequence[str]) -> str:
    """The components that all paths begin with, the last one of each left out."""
    split = [path.split(".")[:-1] for path in paths]
    shared = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*split, strict=False))
    return join_path(*(parts[0] for parts in shared))
