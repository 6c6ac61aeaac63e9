"""The functions around the kernels: one that calls them all, one that TVM's runtime can call."""

from __future__ import annotations

from math import prod

from tvm import tirx
from tvm.ir import PointerType, PrimType

from .kernels import symbol_of
from .library import WEIGHTS_SYMBOL
from .loops import Index, Loops, Node, int_node
from .memory import lay_out
from .parameters import ParameterArray
from .plan import Buffer, Plan, weight_layout
from .tiles import LINE

NETWORK_SYMBOL = "drawloom_network"
"""C function that runs the network on addresses."""


def network_function(plan: Plan) -> Node:
    """The network in C: ``drawloom_network(inputs..., weights, arena, outputs...)``, all addresses."""
    layout = weight_layout(plan)
    offsets, arena = lay_out(plan.calls)
    b = Loops()
    inputs = [b.parameter(f"input{i}", prod(shape)) for i, shape in enumerate(plan.inputs)]
    weights = b.parameter("weights", layout.size)
    scratch = b.parameter("arena", arena)
    outputs = [b.parameter(f"output{i}", prod(shape)) for i, shape in enumerate(plan.outputs)]

    def address(argument: Buffer | ParameterArray) -> Node:
        if not isinstance(argument, Buffer):
            return b.address(weights, Index(layout.offsets[argument]))
        if argument.role == "scratch":
            return b.address(scratch, Index(offsets[argument]))
        return b.address((inputs if argument.role == "input" else outputs)[argument.position], Index())

    for call in plan.calls:
        b.call(symbol_of(call.workload), [address(r) for r in (*call.reads, call.writes)])
    return b.function(NETWORK_SYMBOL)


def main_function(plan: Plan, *, embedded: bool) -> Node:
    """The network for TVM's runtime: ``main(inputs..., weights, outputs...)``, with shapes and types checked.

    Args:
        plan: the network.
        embedded: the weights are inside the library and no argument.
    """
    elements = ["float32" if v is None else "int32" for v in plan.vocabularies]
    inputs = [
        tirx.decl_buffer(shape, element, name=f"input{i}")
        for i, (shape, element) in enumerate(zip(plan.inputs, elements, strict=True))
    ]
    outputs = [tirx.decl_buffer(shape, "float32", name=f"output{i}") for i, shape in enumerate(plan.outputs)]
    size = weight_layout(plan).size
    weights = tirx.decl_buffer((size,), "float32", name="weights", layout=None)
    arena = tirx.decl_buffer(
        (max(lay_out(plan.calls)[1], LINE),), "float32", name="arena", scope="global", layout=None
    )
    statements: list[Node] = [tirx.AllocBuffer(arena)]
    if embedded:
        address = tirx.Var("address", PointerType(PrimType("float32")))
        statements += [
            tirx.Bind(address, tirx.call_extern(PointerType(PrimType("float32")), WEIGHTS_SYMBOL)),
            tirx.DeclBuffer(weights, data=address),
        ]
    arguments = [_first(buffer) for buffer in (*inputs, weights, arena, *outputs)]
    statements.append(tirx.Evaluate(tirx.call_extern("int32", NETWORK_SYMBOL, *arguments)))
    parameters = [*inputs, *([] if embedded else [weights]), *outputs]
    return tirx.PrimFunc(parameters, tirx.SeqStmt(statements)).with_attr("global_symbol", "main")


def _first(buffer: Node) -> Node:
    return tirx.address_of(tirx.BufferLoad(buffer, [int_node(0)] * len(buffer.ty.shape)))
