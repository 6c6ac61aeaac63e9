"""Published latency tables, imported, give the published latencies."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_data import path, table

from drawloom.frontend import elaborate, load
from drawloom.ir import Module, Source, UserError
from drawloom.passes import Batch, LatencyTable, assign, dce, import_additive, import_proxylessnas, price

SPACES = Path(__file__).parents[2] / "zoo" / "spaces"
ADDITIVE = ("pixel3", "raspi4", "fpga", "eyeriss")
"""The devices of fbnet_latency_5000.npz that are sums of a table by construction."""


@pytest.fixture(scope="module")
def proxylessnas() -> Module:
    return load(SPACES / "proxylessnas.loom")


@pytest.fixture(scope="module")
def fbnet() -> Module:
    return load(SPACES / "fbnet.loom")


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, float]]:
    with gzip.open(path("latency_luts.json.gz"), "rt", encoding="utf-8") as file:
        return dict(json.load(file)["proxylessnas_pixel1_ms"])


@pytest.fixture(scope="module")
def pixel1(proxylessnas: Module, published: dict[str, dict[str, float]]) -> LatencyTable:
    return import_proxylessnas(published, proxylessnas)


def architecture(blocks: list[list[str]]) -> dict[str, str]:
    """An assignment of the space of ProxylessNAS; blocks that are not named are left out."""
    sizes = (4, 4, 4, 4, 4, 1)
    return {
        f"stage[{s}].layer[{i}].searched.op": (row + ["zero"] * n)[i]
        for s, (row, n) in enumerate(zip(blocks, sizes, strict=True))
        for i in range(n)
    }


def milliseconds(module: Module, candidate: dict[str, str], table: LatencyTable) -> float:
    return int(price(module, candidate, latency=[table])[table.metric][0]) / 1e6


@pytest.mark.parametrize(
    ("blocks", "expected"),
    # sums of figures that are rounded to microseconds
    [
        ([["k3_e3"]] * 6, 32.709),
        ([["k7_e6"] * n for n in (4, 4, 4, 4, 4, 1)], 180.973),
        ([["k3_e6"] * n for n in (2, 3, 4, 3, 3, 1)], 96.852),
    ],
)
def test_latencies_of_proxylessnas_on_pixel_1(
    proxylessnas: Module,
    published: dict[str, dict[str, float]],
    pixel1: LatencyTable,
    blocks: list[list[str]],
    expected: float,
) -> None:
    candidate = architecture(blocks)
    rounded = {key: {**value, "mean": round(value["mean"], 3)} for key, value in published.items()}
    assert milliseconds(proxylessnas, candidate, import_proxylessnas(rounded, proxylessnas)) == expected
    entries = 4 + sum(map(len, blocks))
    assert abs(milliseconds(proxylessnas, candidate, pixel1) - expected) <= entries * 0.0005


CHEAPEST = {
    "Conv-input:224x224x3-output:112x112x32": 4.397,
    "expanded_conv-input:112x112x32-output:112x112x16-expand:1-kernel:3-stride:1-idskip:0": 4.036,
    "expanded_conv-input:112x112x16-output:56x56x24-expand:3-kernel:3-stride:2-idskip:0": 5.609,
    "expanded_conv-input:56x56x24-output:28x28x40-expand:3-kernel:3-stride:2-idskip:0": 2.514,
    "expanded_conv-input:28x28x40-output:14x14x80-expand:3-kernel:3-stride:2-idskip:0": 1.347,
    "expanded_conv-input:14x14x80-output:14x14x96-expand:3-kernel:3-stride:1-idskip:0": 1.854,
    "expanded_conv-input:14x14x96-output:7x7x192-expand:3-kernel:3-stride:2-idskip:0": 1.819,
    "expanded_conv-input:7x7x192-output:7x7x320-expand:3-kernel:3-stride:1-idskip:0": 3.913,
    "Conv_1-input:7x7x320-output:7x7x1280": 6.285,
    "Logits-input:7x7x1280-output:1000": 0.935,
}
"""The published means of what the cheapest network has, in milliseconds."""


def test_the_cheapest_network_of_proxylessnas_on_pixel_1(proxylessnas: Module) -> None:
    network = dce(assign(proxylessnas, architecture([["k3_e3"]] * 6)))
    document = {key: {"mean": mean, "var": 0.0, "count": 1} for key, mean in CHEAPEST.items()}
    assert milliseconds(network, {}, import_proxylessnas(document, network)) == 32.709


def test_the_table_of_proxylessnas_is_used_whole_but_for_other_first_kernels(pixel1: LatencyTable) -> None:
    assert len(pixel1.entries) == 72 - 2
    fixed = {s: e.time for s, e in pixel1.entries.items() if s.name in ("conv_bn", "linear")}
    first = [e.time for s, e in pixel1.entries.items() if dict(s.arguments).get("t") == 1]
    assert round(sum([*fixed.values(), *first]) / 1e6, 3) == 15.653


MEASURED = {"mean": 2.5, "var": 0.25, "count": 9}
"""As the table is published, with figures that are made up."""


def test_entries_have_mean_deviation_and_count(proxylessnas: Module) -> None:
    key = "expanded_conv-input:56x56x24-output:28x28x40-expand:3-kernel:5-stride:2-idskip:0"
    made = import_proxylessnas({key: MEASURED, "else": MEASURED}, proxylessnas)
    ((signature, entry),) = made.entries.items()
    given = dict(signature.arguments)
    assert signature.inputs == ("f32[24, 56, 56]",)
    assert (signature.name, given["out"], given["t"], given["k"], given["s"]) == (
        "inverted_residual",
        40,
        3,
        5,
        2,
    )
    assert (entry.time, entry.deviation, entry.samples) == (2_500_000, 500_000, 9)


def test_a_measurement_without_its_variance_is_refused(proxylessnas: Module) -> None:
    key = "Conv-input:224x224x3-output:112x112x32"
    with pytest.raises(UserError, match="input:224x224x3-output:112x112x32' has no 'var'"):
        import_proxylessnas({key: {"mean": 1, "count": 1}}, proxylessnas)


OTHERS = [{"act": "relu"}, {"groups": 2}, {"dilation": 2}, {"mid": 70}, {"excite": "squeeze_excite(; 4)"}]


@pytest.mark.parametrize("others", OTHERS, ids=str)
def test_blocks_that_were_not_measured_have_no_entry(others: dict[str, Any]) -> None:
    key = "expanded_conv-input:56x56x24-output:56x56x24-expand:3-kernel:5-stride:1-idskip:1"
    counts = []
    for given in ({"act": "relu6"}, {"act": "relu6"} | others):
        static = ", ".join(f"{name}={value}" for name, value in given.items())
        text = f"network n(x: f32[24, 56, 56]) = x |> inverted_residual(24, k=5, t=3, {static})"
        parts = (SPACES.parent / "parts" / "mobile.loom").read_text(encoding="utf-8")
        module = elaborate(Source("test.loom", f"{parts}\n{text}\n"))
        counts.append(len(import_proxylessnas({key: MEASURED}, module).entries))
    assert counts == [1, 0]


def test_a_network_of_other_widths_is_not_priced(pixel1: LatencyTable) -> None:
    mobile = load(SPACES / "proxylessnas.loom", arguments={"widths": [32, 40, 80, 96, 192, 320]})
    with pytest.raises(UserError, match="has no entry for inverted_residual"):
        price(mobile, architecture([["k3_e3"]] * 6), latency=[pixel1])


def times_by_decision(module: Module, names: Any, times: Any) -> dict[str, dict[str, float]]:
    return {d: dict(zip(names, row, strict=True)) for d, row in zip(module.decisions, times, strict=True)}


@pytest.mark.parametrize("device", ADDITIVE)
def test_additive_latencies_of_fbnets(fbnet: Module, device: str) -> None:
    data = table("fbnet_latency_5000.npz")
    names = data["op_names"].tolist()
    rows = data[f"fitlut__{device}"]
    made = import_additive(times_by_decision(fbnet, names, rows.tolist()), fbnet, device, device)
    decisions = tuple(fbnet.decisions.values())
    assert all(list(d.domain) == names for d in decisions)
    prices = price(fbnet, Batch(decisions, data["op_index"].T), latency=[made])[made.metric]
    published = data[f"lat__{device}"]
    # entries and base are rounded to nanoseconds, and the published figures to single precision
    rounding = 23 * 0.5 + np.spacing(published) * 1e6 / 2 + np.spacing(rows).max() * 22e6 / 2
    assert len(prices) == 5000
    assert (np.abs(prices - published.astype(float) * 1e6) <= rounding).all()


BLOCKS = """
op conv_bn(x; out, k) = x |> conv(out, kernel=k) |> batch_norm
block searched(x; out) = choose op {
    k1: conv_bn(x; out, 1)
    k3: conv_bn(x; out, 3)
    skip: x when channels(x) == out
}
network n(image: f32[4, 8, 8]) {
    x = searched(image; 8) as wider
    for layer in 0..2 { x = searched(x; 8) }
    return x |> global_avg_pool |> linear(10)
}
"""


def additive(first: dict[str, float], *others: dict[str, float]) -> dict[str, dict[str, float]]:
    names = [f"layer[{i}].searched.op" for i in range(len(others))]
    return {"wider.op": first, **dict(zip(names, others, strict=True))}


FIRST, LAYER = {"k1": 2.0, "k3": 3.5}, {"k1": 0.5, "k3": 1.5, "skip": -0.25}


def test_an_additive_table_gives_the_sums(space_of) -> None:
    module = space_of(BLOCKS)
    times = additive(FIRST, LAYER, LAYER)
    made = import_additive(times, module, "t", "none", {"batch": 8})
    assert made.base == 1_500_000
    assert min(e.time for e in made.entries.values()) == 0
    assert made.conditions == {"batch": 8}
    for arms in (("k1", "skip", "skip"), ("k3", "k1", "skip"), ("k3", "k3", "k3")):
        candidate = dict(zip(module.decisions, arms, strict=True))
        expected = math.fsum(times[d][arm] for d, arm in candidate.items())
        assert price(module, candidate, latency=[made])[made.metric].tolist() == [expected * 1e6]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (additive(FIRST, LAYER), r"there are no times for decision 'layer\[1\].searched.op'"),
        (additive(FIRST, LAYER, LAYER) | {"stem": FIRST}, "unknown decision 'stem'"),
        (additive(LAYER, LAYER, LAYER), "decision 'wider.op' has times for k1, k3, skip"),
        (additive(FIRST, LAYER, LAYER | {"k3": 2.0}), "takes 1.75 ms in one place and 2.25 ms in another"),
        (additive(FIRST, *[LAYER | {"k1": -1.0}] * 2), "would take -750000 ns"),
        (additive(FIRST, *[{"k1": 3.0, "k3": 3.0, "skip": -2.0}] * 2), "the base would take -2000000 ns"),
    ],
)
def test_additive_tables_that_do_not_fit(space_of, times: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        import_additive(times, space_of(BLOCKS), "t", "none")


def test_a_decision_of_numbers_is_no_choice_among_calls(space_of) -> None:
    module = space_of("network n(x: f32[4]) = x |> linear(choose width from [2, 3])")
    with pytest.raises(UserError, match="'width' does not choose among calls"):
        import_additive({"width": {"2": 1, "3": 1}}, module, "t", "none")
