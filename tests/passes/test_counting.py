"""Counting other things than multiply-adds of convolutions and linear layers, against published counts."""

import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import auxiliaries

from drawloom import zoo
from drawloom.frontend import load
from drawloom.ir import Module, UserError
from drawloom.ir.counting import WORDS
from drawloom.passes import FURTHER_METRICS, assign, dce, network_cost, price


def published(name: str) -> Module:
    entry = zoo.networks()[name]
    return load(entry.path, network=entry.network, arguments=dict(entry.arguments))


@pytest.mark.parametrize(
    ("count", "operations"),
    [
        ("conv+linear", 529_911_552),
        # what ptflops gives is printed as 544.59 M (issue 46 of quark0/darts)
        ("conv+linear+bias+bn+pool+activation", 544_589_032),
        ("bn", 2 * 4_139_520),
        ("bias", 1000),
    ],
)
def test_darts_v2_as_papers_and_as_ptflops_count(count: str, operations: int) -> None:
    table = price(published("darts_v2_imagenet"), {}, count)
    assert table.multiply_adds[0] == operations
    assert table.parameters[0] == 4_718_752


def test_p_darts_with_batch_norm() -> None:
    module = published("pdarts_imagenet")
    assert round(price(module, {}).multiply_adds[0] / 1e6, 2) == 542.82
    assert round(price(module, {}, "conv+linear+bn").multiply_adds[0] / 1e6) == 551


@pytest.mark.parametrize(("name", "parameters"), [("nasnet_a", 5_326_716), ("nasnet_a_large", 88_949_818)])
def test_nasnet_with_statistics_has_the_parameters_of_keras(name: str, parameters: int) -> None:
    assert price(published(name), {})["parameters_with_statistics"][0] == parameters


def test_mobilenet_v2_without_batch_norm_and_with_statistics() -> None:
    table = price(published("mobilenet_v2"), {})
    # 17,056 channels are normalised (torchvision's mobilenet_v2); 3.47 M is what the README of TF-slim prints
    assert table.parameters[0] == 3_504_872
    assert table["parameters_without_batch_norm"][0] == 3_504_872 - 2 * 17_056
    assert table["parameters_with_statistics"][0] == 3_504_872 + 2 * 17_056


def test_auxiliary_heads_are_counted_when_asked_for() -> None:
    module = auxiliaries()
    plain, whole = network_cost(module), network_cost(module, "conv+linear+auxiliary")
    assert whole.parameters - plain.parameters == 2 * (4 * 3 + 3)
    assert whole.multiply_adds - plain.multiply_adds == 2 * 4 * 3
    assert price(module, {}, "conv+auxiliary")["parameters_with_statistics"][0] == whole.parameters
    assert price(module, {}, "conv+auxiliary").depth[0] == price(module, {}).depth[0] == 3


COUNTINGS = st.lists(st.sampled_from(list(WORDS)), min_size=1, max_size=4, unique=True).map("+".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), COUNTINGS)
def test_prices_equal_counting_whatever_is_counted(data: st.DataObject, count: str) -> None:
    module = data.draw(modules())
    assignment = data.draw(assignments(module))
    table = price(module, assignment, count)
    network = dce(assign(module, assignment))
    cost = network_cost(network, count)
    assert table.multiply_adds[0] == cost.multiply_adds
    assert table.parameters[0] == cost.parameters
    assert table.activation_bytes[0] == cost.activation_bytes
    for name in FURTHER_METRICS:
        assert table[name][0] == price(network, {}, count)[name][0]


def test_unknown_words_are_said() -> None:
    with pytest.raises(UserError, match="did you mean 'conv'"):
        price(auxiliaries(), {}, "con+linear")
