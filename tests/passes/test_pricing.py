"""Prices are exactly what building and counting gives."""

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.ir import Module, UserError
from drawloom.passes import Batch, Metric, Pricer, assign, dce, depth, network_cost, price, sample
from drawloom.passes.metrics import METRICS
from drawloom.passes.price_tables import PriceTables
from drawloom.passes.price_terms import price_terms

ADDITIVE = ("parameters", "multiply_adds", "activation_bytes")


def counted(module: Module, assignment) -> tuple[int, ...]:
    """Prices by building the candidate and counting its operations."""
    network = dce(assign(module, assignment))
    cost = network_cost(network)
    return (cost.parameters, cost.multiply_adds, cost.activation_bytes, depth(network))


def assert_exact(module: Module, batch: Batch) -> None:
    table = price(module, batch)
    priced = np.stack([table[name] for name in (*ADDITIVE, "depth")], axis=1).tolist()
    assert [tuple(row) for row in priced] == [counted(module, a) for a in batch.assignments()]


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_prices_of_any_space_equal_counting(data):
    module = data.draw(modules())
    chosen = data.draw(st.lists(assignments(module), min_size=1, max_size=8))
    assert_exact(module, Batch.of(module, chosen))


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_weights_that_functions_share_cost_once(data):
    module = data.draw(modules(sharing=True, max_operations=6))
    chosen = data.draw(st.lists(assignments(module), min_size=1, max_size=4))
    assert_exact(module, Batch.of(module, chosen))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_prices_do_not_depend_on_which_tables_are_merged(data):
    module = data.draw(modules())
    batch = sample(module, 50, seed=0, constrained=False)
    decisions = tuple(module.decisions.values())
    terms = price_terms(module, METRICS)
    merged = PriceTables(decisions, 3, terms).price(batch.positions)
    # with a limit of one nothing has a table, so that every term is computed element by element
    for limit in (1, 8):
        assert (PriceTables(decisions, 3, terms, limit).price(batch.positions) == merged).all()


@pytest.mark.parametrize("name", ["mobile_fashion", "darts"])
def test_prices_of_the_spaces_of_the_zoo(zoo_space, name):
    module = zoo_space(name)
    assert_exact(module, sample(module, 60, seed=1))


SKIP_CONNECTIONS = """
op relu_conv_bn(x; c, k=1, s=1) = x |> relu |> conv(c, kernel=k, stride=s, bias=false) |> batch_norm
network enas(image: f32[3, 8, 8]) {
    x = image |> relu_conv_bn(8)
    layers = [x]
    for layer in 0..7 {
        y = choose op {
            conv3: relu_conv_bn(layers[layer]; 8, k=3)
            conv1: relu_conv_bn(layers[layer]; 8)
            same: layers[layer]
        }
        skips = choose any skips from layers
        layers += [concat([y] + skips) |> relu_conv_bn(8)]
    }
    return layers[7] |> global_avg_pool |> linear(10)
}
"""

WIDTHS_AND_DEPTHS = """
block layer(x; c, k, s, skip) {
    h = x |> conv(c, kernel=k, stride=s, bias=false) |> batch_norm |> relu
    return if skip and s == 1 and channels(x) == c { x + h } else { h }
}
network deep(image: f32[3, 16, 16]) {
    x = image
    for stage, (base, n, s) in [(8, 2, 1), (16, 3, 2), (24, 2, 2), (32, 2, 1)] {
        ratio = choose width from [0.5, 1.0, 1.5]
        skip = choose skip from [false, true]
        depth = choose depth from max(1, n - 1)..=n + 1
        k = choose kernel from [3, 5]
        for i in 0..depth { x = layer(x; round8(base * ratio), k, if i == 0 { s } else { 1 }, skip) }
    }
    return x |> global_avg_pool |> linear(10)
}
"""

SOME_OF_SEVERAL = """
cell node(a, b; c) {
    states = [a, b]
    for i in 0..3 {
        some = choose 1..=2 ops {
            same: states[i]
            conv: states[i + 1] |> conv(c, kernel=3, bias=false) |> batch_norm
            none: zeros_like(states[0])
        }
        pair = choose 2 inputs from states
        states += [sum(some + pair)]
    }
    return [concat(choose 1..=2 outs from states[3..]), states[4]]
}
network pairs(image: f32[3, 8, 8]) {
    x = image |> conv(8, kernel=3)
    y = x
    for i in 0..3 {
        wide, y = node(x, y; 8)
        x = wide |> conv(8, kernel=1)
    }
    return x |> global_avg_pool |> linear(10)
}
"""


@pytest.mark.parametrize("text", [SKIP_CONNECTIONS, WIDTHS_AND_DEPTHS, SOME_OF_SEVERAL])
def test_prices_of_spaces_in_the_language(space_of, text):
    module = space_of(text)
    assert_exact(module, sample(module, 150, seed=2))


def test_terms_without_a_small_table_are_computed_one_by_one(space_of):
    module = space_of(SKIP_CONNECTIONS)
    tables, elements = Pricer(module).size
    assert tables > 0
    assert elements > 0


def test_equal_cells_share_their_terms(zoo_space):
    # a few cells of every width, and yet each of the two cells has its tables once
    assert Pricer(zoo_space("darts")).size[0] < 20


def test_long_batches_are_priced_in_chunks(zoo_space):
    module = zoo_space("mobile_fashion")
    batch = sample(module, 20_000, seed=4)
    whole = price(module, batch)
    part = price(module, batch.take(np.arange(15_000, 20_000)))
    for name in (*ADDITIVE, "depth"):
        assert whole[name].dtype == np.int64
        assert len(whole[name]) == 20_000
        assert (whole[name][15_000:] == part[name]).all()


def test_prices_beyond_32_bits_are_exact(space_of):
    module = space_of(
        "network wide(image: f32[64, 512, 512]) {"
        "  k = choose kernel from [7, 9]"
        "  return image |> conv(512, kernel=k) |> conv(512, kernel=k) |> conv(512, kernel=k)"
        "}"
    )
    assert_exact(module, sample(module, 4, seed=0))
    assert price(module, {"kernel": 9}).multiply_adds[0] > 2**32


def test_a_network_has_one_candidate(space_of):
    module = space_of("network n(x: f32[3, 8, 8]) { return x |> conv(4, kernel=3, bias=true) }")
    table = price(module, {})
    assert len(table) == 1
    assert table.parameters.tolist() == [4 * 3 * 9 + 4]
    assert table.depth.tolist() == [1]


def test_one_assignment_and_a_list_are_priced_alike(small_space):
    chosen = {"kernel": 5, "arm": "conv"}
    assert price(small_space, chosen).columns() == price(small_space, [chosen]).columns()
    assert list(price(small_space, chosen).columns()) == [*ADDITIVE, "depth"]


def test_no_candidates_have_no_prices(small_space):
    table = price(small_space, [])
    assert [len(c) for c in table.columns().values()] == [0, 0, 0, 0]


def test_other_metrics_can_be_priced(small_space):
    pricer = Pricer(small_space, {"operations": Metric(lambda op: 1)})
    assert pricer.price([{"kernel": 3, "arm": "pool"}])["operations"].tolist() == [2]


def test_a_fractional_metric_is_refused(small_space):
    with pytest.raises(UserError, match="is not an integer"):
        Pricer(small_space, {"half": Metric(lambda op: 0.5)})


def test_unknown_prices_and_foreign_batches_are_refused(small_space, zoo_space):
    with pytest.raises(UserError, match="'latency' is not a price"):
        price(small_space, [])["latency"]
    with pytest.raises(UserError, match="does not belong"):
        price(small_space, sample(zoo_space("mobile_fashion"), 1))
