"""The function that TVM's runtime calls: checks its tensors, then calls the kernels one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tvm import tirx
from tvm.ir import PointerType, PrimType

from .kernels import symbol_of
from .loops import Node, int_node
from .memory import lay_out
from .parameters import ParameterArray
from .plan import Buffer, Plan
from .tiles import LINE

WEIGHTS_SYMBOL = "drawloom_weights"
"""C function of a library with its weights inside that returns their address."""


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """Where each parameter array lies in the one array of all parameters.

    Attributes:
        offsets: first float of each.
        size: floats in all.
    """

    offsets: Mapping[ParameterArray, int]
    size: int


def weight_layout(plan: Plan) -> WeightLayout:
    """One after the other, in order of use, each beginning a cache line."""
    offsets: dict[ParameterArray, int] = {}
    size = 0
    for parameter in plan.parameters:
        offsets[parameter] = size
        size += -(-parameter.elements // LINE) * LINE
    return WeightLayout(offsets, max(size, LINE))


def network_function(plan: Plan, *, embedded: bool) -> Node:
    """The network as one function ``main(inputs..., weights, outputs...)``.

    Args:
        plan: what to call.
        embedded: the weights are inside the library and no argument.
    """
    return _Entry(plan, embedded).function()


class _Entry:
    def __init__(self, plan: Plan, embedded: bool) -> None:
        self.plan = plan
        self.embedded = embedded
        self.layout = weight_layout(plan)
        self.offsets, arena = lay_out(plan.calls)
        self.inputs = [_tensor(f"input{i}", shape) for i, shape in enumerate(plan.inputs)]
        self.outputs = [_tensor(f"output{i}", shape) for i, shape in enumerate(plan.outputs)]
        self.weights = tirx.decl_buffer((self.layout.size,), "float32", name="weights", layout=None)
        self.arena = tirx.decl_buffer((max(arena, LINE),), "float32", name="arena", scope="global", layout=None)

    def function(self) -> Node:
        statements: list[Node] = [tirx.AllocBuffer(self.arena)]
        if self.embedded:
            pointer = tirx.Var("weights_address", PointerType(PrimType("float32")))
            address = tirx.call_extern(PointerType(PrimType("float32")), WEIGHTS_SYMBOL)
            statements += [tirx.Bind(pointer, address), tirx.DeclBuffer(self.weights, data=pointer)]
        for call in self.plan.calls:
            arguments = [self._address(r) for r in (*call.reads, call.writes)]
            statements.append(tirx.Evaluate(tirx.call_extern("int32", symbol_of(call.workload), *arguments)))
        weights = [] if self.embedded else [self.weights]
        function = tirx.PrimFunc([*self.inputs, *weights, *self.outputs], tirx.SeqStmt(statements))
        return function.with_attr("global_symbol", "main")

    def _address(self, argument: Buffer | ParameterArray) -> Node:
        if not isinstance(argument, Buffer):
            return _pointer(self.weights, self.layout.offsets[argument])
        if argument.role == "scratch":
            return _pointer(self.arena, self.offsets[argument])
        return _pointer((self.inputs if argument.role == "input" else self.outputs)[argument.position], 0)


def _tensor(name: str, shape: tuple[int, ...]) -> Node:
    return tirx.decl_buffer(shape, "float32", name=name)


def _pointer(buffer: Node, offset: int) -> Node:
    indices = [int_node(0)] * (len(buffer.ty.shape) - 1) + [int_node(offset)]
    return tirx.address_of(tirx.BufferLoad(buffer, indices))
