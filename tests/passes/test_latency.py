"""Latencies are exactly the sums of the entries of a table over the candidate as built."""

import json
import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawloom.ir import Function, Module, UserError
from drawloom.passes import (
    Batch,
    Entry,
    LatencyTable,
    Signature,
    assign,
    dce,
    price,
    sample,
    signatures,
    strip_training,
    timed_units,
)


def made_up(
    module: Module, wholes: tuple[str, ...] = (), base: int = 0, name: str = "made_up"
) -> LatencyTable:
    """A table of all that a space may need, with times of its own for every signature."""
    found = {s for op in timed_units(module, wholes) for s in signatures(module, op).values}
    draw = random.Random(7)
    entries = {s: Entry(draw.randrange(1, 10**9)) for s in sorted(found, key=str)}
    return LatencyTable(name, "none", entries, base=base)


def is_unit(function: Function, wholes: Collection[str]) -> bool:
    return function.kind == "op" or function.definition in wholes


def decides(module: Module, function: Function) -> bool:
    """Whether something inside depends on a decision."""
    callees = [module.functions[op.attributes["callee"]] for op in function.calls()]
    return any(op.expressions() for op in function.operations) or any(decides(module, f) for f in callees)


def as_built(module: Module, assignment: dict[str, Any]) -> Module:
    """The candidate, without what only training does."""
    return dce(strip_training(assign(module, assignment)))


def summed(network: Module, table: LatencyTable, function: Function | None = None) -> int:
    """The latency of a resolved network, call by call."""
    names = {s.name for s in table.entries}
    total = table.base if function is None else 0
    for op in (function or network.entry).operations:
        if op.name == "call":
            callee = network.functions[op.attributes["callee"]]
            if is_unit(callee, names):
                types = [str(v.type) for v in callee.inputs]
                total += table.entries[Signature.of(callee.definition, callee.arguments, types)].time
            else:
                total += summed(network, table, callee)
        elif op.name != "choice":
            arguments = {n: v for n, v in op.attributes.items() if n != "param"}
            types = [str(v.type) for v in op.operands]
            total += table.entries[Signature.of(op.name, arguments, types)].time
    return total


def assert_exact(module: Module, batch: Batch, table: LatencyTable) -> None:
    priced = price(module, batch, latency=[table])[table.metric].tolist()
    assert priced == [summed(as_built(module, a), table) for a in batch.assignments()]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.data())
def test_latencies_of_any_space_are_the_sums_of_entries(data):
    # what is dead in every candidate is cut off first, as an input that nothing reads is part of a signature
    module = dce(strip_training(data.draw(modules())))
    names = sorted({f.definition for f in module.functions.values() if f.kind in ("block", "cell")})
    wholes = tuple(data.draw(st.lists(st.sampled_from(names), unique=True))) if names else ()
    assume(not any(decides(module, f) for f in module.functions.values() if is_unit(f, wholes)))
    table = made_up(module, wholes, base=17)
    chosen = data.draw(st.lists(assignments(module), min_size=1, max_size=6))
    assert_exact(module, Batch.of(module, chosen), table)


@pytest.mark.parametrize("wholes", [(), ("inverted_residual",)])
def test_the_outermost_definition_of_the_table_is_the_unit(zoo_space, wholes):
    module = zoo_space("mobile_fashion")
    table = made_up(module, wholes)
    assert ("inverted_residual" in {s.name for s in table.entries}) is bool(wholes)
    assert_exact(module, sample(module, 40, seed=3), table)


def test_latencies_of_darts(zoo_space):
    module = zoo_space("darts")
    assert_exact(module, sample(module, 10, seed=3), made_up(module))


TWICE = """
op conv_bn(x; out) = x |> conv(out, kernel=1) |> batch_norm
block pair(x; out) {
    a, b = shared([x, relu(x)]; conv_bn(; out))
    return a + b
}
network two(image: f32[4, 8, 8]) =
    image |> pair(4) |> pair(4) |> dropout(0.5) |> global_avg_pool |> linear(10)
"""


def entry(name: str, time: float, inputs: list[str], **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, "inputs": inputs, "time": time}


def document(*entries: dict[str, Any], **further: Any) -> dict[str, Any]:
    head = {"format": "drawloom latency table", "version": 1, "name": "t", "device": "d", "unit": "us"}
    return {**head, "entries": list(entries), **further}


CONV = entry("conv_bn", 1.5, ["f32[4, 8, 8]"], out=4)
LINEAR = entry("linear", 2, ["f32[4]"], out=10, bias=True)


def test_a_unit_costs_as_often_as_it_is_called_also_with_shared_weights(space_of):
    table = LatencyTable.of(document(CONV, LINEAR, included=["relu", "add", "global_avg_pool"], base=0.25))
    prices = price(space_of(TWICE), {}, latency=[table])
    assert prices["latency_ns_t"].tolist() == [4 * 1500 + 2000 + 250]
    assert prices.parameters.tolist() == [2 * (4 * 4 + 2 * 4) + 4 * 10 + 10]


NESTED = """
op act(x) = relu(x)
block inner(x) = act(x)
block outer(x) = x |> inner |> inner
network n(image: f32[4, 8, 8]) = image |> outer |> inner
"""


def test_what_is_inside_a_unit_costs_nothing_there_even_where_it_does_elsewhere(space_of):
    times = [entry("outer", 5, ["f32[4, 8, 8]"]), entry("act", 3, ["f32[4, 8, 8]"])]
    table = LatencyTable.of(document(*times))
    assert price(space_of(NESTED), {}, latency=[table])["latency_ns_t"].tolist() == [8000]


def test_other_prices_stay_as_they_are(zoo_space):
    module = zoo_space("mobile_fashion")
    batch = sample(module, 100, seed=0)
    with_latency = price(module, batch, latency=[made_up(module), made_up(module, name="other")]).columns()
    for name, column in price(module, batch).columns().items():
        assert (with_latency.pop(name) == column).all()
    assert list(with_latency) == ["latency_ns_made_up", "latency_ns_other"]
    assert np.array_equal(*with_latency.values())


def refused(module: Module, *tables: LatencyTable) -> str:
    with pytest.raises(UserError) as error:
        price(module, sample(module, 1, seed=0, constrained=False), latency=tables)
    return f"{error.value.args[0]} | {error.value.hint}"


def test_a_missing_entry_is_an_error_that_names_the_signature_and_the_nearest(zoo_space):
    module = zoo_space("mobile_fashion")
    table = made_up(module)
    gone = next(s for s in table.entries if dict(s.arguments).get("k") == 5)
    rest = {s: e for s, e in table.entries.items() if s != gone}
    text = refused(module, LatencyTable("t", "d", rest))
    assert f"has no entry for {gone}" in text
    assert "nearest of" in text


def test_an_operation_without_entry_is_an_error_too(space_of):
    text = refused(space_of(TWICE), LatencyTable.of(document(CONV)))
    assert "no entry for linear(f32[4]; bias=true, out=10)" in text
    assert "'included'" in text


def test_a_unit_must_not_decide_anything_inside(zoo_space):
    tbs = entry("tbs", 1, ["f32[16, 112, 112]"], out=16, stride=1)
    table = LatencyTable.of(document(tbs, included=["conv_bn", "global_avg_pool", "linear"]))
    assert "'tbs' cannot be timed as one unit: it decides 'stage[" in refused(zoo_space("fbnet"), table)


def test_two_tables_of_one_name_are_refused(zoo_space):
    table = made_up(zoo_space("mobile_fashion"))
    assert "two latency tables have the name 'made_up'" in refused(zoo_space("mobile_fashion"), table, table)


def test_a_table_reads_back_what_it_writes(tmp_path: Path, zoo_space):
    made = made_up(zoo_space("mobile_fashion"))
    first = next(iter(made.entries))
    entries = {**made.entries, first: Entry(5, 1, 30)}
    table = LatencyTable("t", "d", entries, {"batch": 1}, 9, frozenset({"relu"}))
    table.write(tmp_path / "t.json")
    assert LatencyTable.read(tmp_path / "t.json") == table


@pytest.mark.parametrize(
    ("unit", "time", "nanoseconds"),
    [("ns", 3, 3), ("us", 1.5, 1500), ("ms", 4.397037934, 4397038), ("s", 1, 10**9)],
)
def test_times_become_whole_nanoseconds(unit: str, time: float, nanoseconds: int):
    table = LatencyTable.of(document({**CONV, "time": time, "deviation": time, "samples": 9}, unit=unit))
    assert list(table.entries.values()) == [Entry(nanoseconds, nanoseconds, 9)]


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([1], "the table is no JSON object"),
    "other format": (document(format="x"), "'format' is 'x'"),
    "later version": (document(version=2), "version 2 of the format"),
    "unit": (document(unit="hours"), "'unit' is 'hours'"),
    "name": (document(name="a b"), "'name' is 'a b'"),
    "missing": ({k: v for k, v in document().items() if k != "device"}, "'device' is missing"),
    "unknown key": (document(base_time=1), "'base_time'"),
    "no list": (document() | {"entries": {}}, "'entries' is {}"),
    "time": (document({**CONV, "time": "1"}), "entry 0: 'time' is '1'"),
    "negative": (document(CONV, {**LINEAR, "time": -1}), "entry 1: 'time' is -1"),
    "infinite": (document({**CONV, "time": float("inf")}), "'time' is inf"),
    "twice": (document(CONV, CONV), "entry 1: conv_bn(f32[4, 8, 8]; out=4) is there twice"),
    "samples": (document({**CONV, "samples": 0}), "entry 0: 'samples' is 0"),
    "inputs": (document({**CONV, "inputs": [4]}), "entry 0: 'inputs' holds 4"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_table_is_said_with_its_place(case: str):
    given, expected = WRONG[case]
    with pytest.raises(UserError) as error:
        LatencyTable.of(given, "the table")
    assert str(error.value).startswith("the table")
    assert expected in str(error.value)


def test_files_that_are_no_tables(tmp_path: Path):
    for content, expected in ((None, "there is no file"), (b"{", "is not JSON"), (b"\xff", "cannot be read")):
        path = tmp_path / "t.json"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError, match=expected):
            LatencyTable.read(path)
    (tmp_path / "t.json").write_text(json.dumps(document(version=9)))
    with pytest.raises(UserError, match=r"t\.json'"):
        LatencyTable.read(tmp_path / "t.json")
