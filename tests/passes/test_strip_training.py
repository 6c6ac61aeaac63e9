"""``strip-training``: what is deployed computes the same, and prices are those of what is deployed."""

from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meaning import assert_same
from networks import auxiliaries, mobile

from drawloom.ir import Decision, FunctionBuilder, Module, TensorType, value_of, verify
from drawloom.passes import assign, dce, depth, network_cost, price, strip_training

METRICS = ("parameters", "multiply_adds", "activation_bytes", "depth")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_it_leaves_nothing_for_training_and_computes_the_same(data):
    module = data.draw(modules(resolved=True))
    stripped = strip_training(module)
    verify(stripped)
    left = {op.name for f in stripped.functions.values() for op in f.operations}
    assert left.isdisjoint({"dropout", "drop_path", "auxiliary"})
    assert_same(module, stripped)
    assert strip_training(stripped) is stripped


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_prices_are_those_of_what_is_deployed(data):
    module = data.draw(modules())
    assignment = data.draw(assignments(module))
    stripped = strip_training(module)
    left = {n: v for n, v in assignment.items() if n in stripped.decisions}
    whole, deployed = price(module, assignment), price(stripped, left)
    assert [int(whole[m][0]) for m in METRICS] == [int(deployed[m][0]) for m in METRICS]


def test_what_has_nothing_for_training_is_the_same_module():
    module = mobile()
    assert strip_training(module) is module


def test_the_head_of_an_auxiliary_is_not_counted():
    # stem 1*4, two convolutions of 4*4*3*3 (one of them a head's), linear layers 4*3 + 3
    b = FunctionBuilder("net", "network")
    width = Decision("width", (4, 8))
    x = b.op("conv2d", [b.input(TensorType((1, 8, 8)))], {"out": 4, "kernel": 1, "param": "stem"})
    h = b.op("conv2d", [x], {"out": value_of(width), "kernel": 3, "param": "head.conv"})
    h = b.op("linear", [b.op("global_avg_pool", [h])], {"out": 3, "param": "head.linear"})
    y = b.op("auxiliary", [x, h])
    y = b.op("linear", [b.op("global_avg_pool", [y])], {"out": 3, "param": "linear"})
    f = b.finish([y])
    space = Module("net", {"net": f}, {"width": width})
    for value in (4, 8):
        table = price(space, {"width": value})
        network = dce(assign(space, {"width": value}))
        cost = network_cost(network)
        assert table.parameters[0] == cost.parameters == 4 + 4 * 3 + 3
        assert table.multiply_adds[0] == cost.multiply_adds == 4 * 64 + 4 * 3
        assert table.depth[0] == depth(network) == 2


def test_a_layer_that_a_head_shares_with_the_network_is_counted():
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((3,)))
    y = b.op("linear", [x], {"out": 3, "param": "shared"})
    h = b.op("linear", [b.op("relu", [y])], {"out": 3, "param": "shared"})
    f = b.finish([b.op("auxiliary", [y, h])])
    module = Module("net", {"net": f})
    assert network_cost(module).parameters == 12
    assert network_cost(module).multiply_adds == 9
    assert price(module, {}).multiply_adds[0] == 9


def test_heads_inside_of_functions_are_not_counted():
    cost = network_cost(auxiliaries())
    # stem, convolution of the residual, last linear layer
    assert cost.parameters == 4 + 4 * 4 * 9 + 4 * 3 + 3
    assert cost.multiply_adds == 64 * 4 + 64 * 4 * 4 * 9 + 4 * 3
    assert price(auxiliaries(), {}).parameters[0] == cost.parameters
