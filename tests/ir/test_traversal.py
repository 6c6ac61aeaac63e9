"""Walking through graphs, replacing values, and graphs of networkx."""

import generators
import layers
import networkx as nx
import pytest
from hypothesis import given, settings

from drawloom.frontend import load
from drawloom.ir import (
    FunctionBuilder,
    Module,
    TensorType,
    ancestors,
    replace_values,
    to_networkx,
    users_of,
    verify,
    walk,
)
from drawloom.passes import inline_all, network_cost

MOBILENET = layers.ROOT / "zoo" / "networks" / "mobilenet_v2.loom"


@given(generators.modules())
@settings(max_examples=60)
def test_users_are_the_operands_turned_around(module: Module) -> None:
    for function in module.functions.values():
        users = users_of(function)
        assert sum(map(len, users.values())) == sum(len(op.operands) for op in function.operations)
        for value, readers in users.items():
            assert all(op.operands.count(value) == readers.count(op) for op in function.operations)


@given(generators.modules())
@settings(max_examples=60)
def test_ancestors_are_what_networkx_finds(module: Module) -> None:
    for function in module.functions.values():
        graph = to_networkx(function)
        of = {id(op): node for node, op in graph.nodes(data="operation") if op is not None}
        for position, value in enumerate(function.outputs):
            found = ancestors(value)
            expected = {n for n in nx.ancestors(graph, f"return {position}") if "operation" in graph.nodes[n]}
            assert {of[id(op)] for op in found} == expected
            assert len(found) == len(expected)
            order = {id(op): i for i, op in enumerate(found)}
            for op in found:
                for operand in op.operands:
                    if operand.producer is not None:
                        assert order[id(operand.producer)] < order[id(op)]


@given(generators.modules())
@settings(max_examples=40)
def test_a_walk_sees_what_inlining_makes(module: Module) -> None:
    walked = [(v.operation.name, v.path) for v in walk(module) if v.operation.name != "call"]
    inlined = inline_all(module).entry.operations
    assert [name for name, _ in walked] == [op.name for op in inlined]
    weighted = ("conv2d", "batch_norm", "linear")
    assert [path for name, path in walked if name in weighted] == [
        op.param for op in inlined if op.name in weighted
    ]


def test_a_module_is_one_graph_with_the_prices_of_the_network() -> None:
    module = load(MOBILENET)
    graph = to_networkx(module)
    assert nx.is_directed_acyclic_graph(graph)
    total = network_cost(module)
    assert sum(p for _, p in graph.nodes(data="parameters", default=0)) == total.parameters == 3_504_872
    assert sum(m for _, m in graph.nodes(data="multiply_adds", default=0)) == total.multiply_adds
    assert len(graph) == len(inline_all(module)) + 2
    paths = {path for _, path in graph.nodes(data="path", default="") if path}
    assert "stage.1.layer.1.inverted_residual.conv_bn.conv" in paths


def test_edges_know_position_and_presence() -> None:
    b = FunctionBuilder("f", "network")
    x = b.input(TensorType((2, 4, 4)), "x")
    y = b.apply("relu", x)
    graph = to_networkx(b.finish([b.apply("mul", y, y)]))
    assert sorted(d["operand"] for *_, d in graph.edges("0", data=True)) == [0, 1]
    assert {d["presence"] for *_, d in graph.edges(data=True)} == {True}
    assert dict(graph.nodes(data="kind")) == {"x": "input", "0": "relu", "1": "mul", "return 0": "output"}


def test_values_are_replaced_in_readers_and_outputs() -> None:
    b = FunctionBuilder("f", "network")
    x = b.input(TensorType((2, 4, 4)), "x")
    y = b.apply("relu", x)
    z = b.apply("tanh", y)
    function = b.finish([z, y])
    made = replace_values(function, {y: x})
    assert made.operations[0] is function.operations[0]
    assert made.operations[1].operands == (x,)
    assert made.outputs[1] is x
    assert function.operations[1].operands == (y,)
    verify(Module("f", {"f": made}))
    with pytest.raises(ValueError, match="before it is computed"):
        replace_values(function, {x: z})


def test_nothing_replaced_is_the_same_operations() -> None:
    module = load(MOBILENET)
    for function in module.functions.values():
        made = replace_values(function, {})
        assert made.operations == function.operations
        assert made.outputs == function.outputs
