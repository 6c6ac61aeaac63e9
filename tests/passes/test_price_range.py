"""Exact bounds are those of all candidates, and nothing else is called exact."""

import itertools

import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawloom.ir import Module, UserError
from drawloom.passes import METRICS, Batch, Pricer, price, price_ranges, sample, space_size
from drawloom.passes.price_tables import PriceTables
from drawloom.passes.price_terms import price_terms


def every(module: Module) -> Batch:
    domains = [d.domain for d in module.decisions.values()]
    return Batch.of(
        module, [dict(zip(module.decisions, v, strict=True)) for v in itertools.product(*domains)]
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data())
def test_bounds_are_those_of_all_candidates(data):
    module = data.draw(modules())
    assume(1 < space_size(module) <= 300)
    batch = every(module)
    pricer = Pricer(module)
    prices = pricer.price(batch)
    exact = {m: (prices[m].min(), prices[m].max()) for m in pricer.metrics}
    assert pricer.bounds() in (None, exact)
    # small tables that share decisions and are not merged
    tables = PriceTables(tuple(module.decisions.values()), 3, price_terms(module, METRICS), limit=8)
    found = tables.bounds()
    assert found is None or [tuple(row) for row in found.tolist()] == list(exact.values())


def test_bounds_of_tables_that_share_decisions(space_of):
    # what is least for one table is not for the next
    decided = "\n".join(f"w{i} = choose w{i} from [3, 1, 2]" for i in range(6))
    layers = " |> ".join(f"linear(w{i} * (4 - w{i + 1}))" for i in range(5))
    module = space_of(f"network n(x: f32[4]) {{ {decided} return x |> {layers} }}")
    prices = price(module, every(module))
    terms = price_terms(module, METRICS)
    for limit in (27, 81):
        tables = PriceTables(tuple(module.decisions.values()), 3, terms, limit)
        assert tables.size[0] > 1
        found = tables.bounds()
        assert found is not None
        assert found.tolist() == [[prices[m].min(), prices[m].max()] for m in METRICS]


def test_costs_without_a_table_have_no_exact_bounds(small_space):
    terms = price_terms(small_space, METRICS)
    assert PriceTables(tuple(small_space.decisions.values()), 3, terms).bounds() is not None
    assert PriceTables(tuple(small_space.decisions.values()), 3, terms, limit=1).bounds() is None


def test_bounds_of_nas_bench_201_are_the_published_ones(zoo_space):
    found = price_ranges(zoo_space("nasbench201"))
    assert (found.priced, found.complete) == (15_625, True)
    parameters, multiply_adds = found.prices["parameters"], found.prices["multiply_adds"]
    assert (parameters.minimum, parameters.maximum) == (73_306, 1_531_546)
    assert (round(multiply_adds.minimum / 1e6, 2), round(multiply_adds.maximum / 1e6, 2)) == (7.78, 220.12)


def test_all_candidates_of_a_small_space_are_priced(small_space):
    found = price_ranges(small_space)
    prices = price(small_space, every(small_space))
    assert (found.priced, found.complete) == (4, True)
    for name, each in found.prices.items():
        column = prices[name]
        assert (each.minimum, each.maximum, each.exact) == (column.min(), column.max(), True)
        assert each.quantiles[2] == np.median(column)
    assert set(found.prices) == {"parameters", "multiply_adds", "activation_bytes", "depth"}


@pytest.mark.parametrize("name", ["fbnet", "proxylessnas", "darts"])
def test_exact_bounds_hold_for_random_candidates(zoo_space, name):
    module = zoo_space(name)
    found = price_ranges(module)
    assert not found.complete
    assert not found.prices["depth"].exact
    prices = price(module, sample(module, 20_000, seed=1))
    for metric, each in found.prices.items():
        if each.exact:
            assert each.minimum <= prices[metric].min()
            assert prices[metric].max() <= each.maximum


def test_bounds_of_fbnet_are_reached_one_decision_at_a_time(zoo_space):
    module = zoo_space("fbnet")
    first = {d.name: d.domain[0] for d in module.decisions.values()}
    for metric, each in price_ranges(module).prices.items():
        if metric == "depth":
            continue
        base = int(price(module, first)[metric][0])
        low = high = base
        for decision in module.decisions.values():
            changed = price(module, [{**first, decision.name: v} for v in decision.domain])[metric] - base
            low, high = low + int(changed.min()), high + int(changed.max())
        assert (each.minimum, each.maximum, each.exact) == (low, high, True)


REQUIRED = """
network n(x: f32[4]) {
    a = choose a from [1, 2, 3]
    require parameters(network) <= LIMIT, "too large"
    return x |> linear(a) |> linear(choose b from [1, 2])
}
"""


def test_candidates_that_are_excluded_do_not_count(space_of):
    found = price_ranges(space_of(REQUIRED.replace("LIMIT", "10"))).prices["parameters"]
    # 5 a + (a + 1) b for a = 1 and b = 1 or 2
    assert (found.minimum, found.maximum, found.exact) == (7, 9, True)


def test_a_space_without_candidates_is_an_error(space_of):
    with pytest.raises(UserError, match="no candidate meets the constraints"):
        price_ranges(space_of(REQUIRED.replace("LIMIT", "1")))


def test_bounds_of_a_large_space_with_constraints_are_sampled(space_of):
    widths = " |> ".join(f"linear(choose w{i} from 1..=3)" for i in range(11))
    text = f"network n(x: f32[4]) {{ REQUIRE return x |> {widths} }}"
    assert price_ranges(space_of(text.replace("REQUIRE", ""))).prices["parameters"].exact
    limit = 'require parameters(network) <= 70, "large"'
    found = price_ranges(space_of(text.replace("REQUIRE", limit)))
    assert not found.complete
    assert not found.prices["parameters"].exact
    assert found.prices["parameters"].maximum <= 70
