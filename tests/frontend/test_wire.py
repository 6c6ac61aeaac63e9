"""``wire``: random graphs of nodes as presence and choice, and what is wrong with one."""

import numpy as np
import pytest
from counting import count
from loom import body_codes, domains, module, operations, weight_paths

from drawloom.frontend.wiring import _GENERATORS
from drawloom.ir.random_graph import GENERATORS, adjacency
from drawloom.passes import price, resolve, sample

SEP = """
block sep(x; c, s=1) {
    return x |> relu |> conv(channels(x), kernel=3, stride=s, groups=channels(x), bias=false)
             |> conv(c, kernel=1, bias=false) |> batch_norm
}
"""
WIRED = """
    seed = choose seed from 0..50
    return wire(image; graph=watts_strogatz(10, k=4, p=0.75, seed=seed), node=sep(; 6), entry=sep(; 6, s=2))
"""


def test_a_known_seed_leaves_just_that_graph() -> None:
    made = resolve(
        module("return wire(image; graph=watts_strogatz(10, k=4, p=0.75, seed=7), node=sep(; 3))", SEP), {}
    )
    graph = adjacency("watts_strogatz", 10, (4, 0.75), 7)
    entries, exits = ~graph.any(0), ~graph.any(1)
    assert len(operations(made, "call")) == 10
    into_entries = [op for op in made.entry.operations if op.operands[0] is made.entry.inputs[0]]
    assert len(into_entries) == entries.sum()
    gathered = sorted(len(op.operands) for op in operations(made, "weighted_sum"))
    assert gathered == sorted(int(n) for n in graph.sum(0) if n > 1)
    (mean,) = operations(made, "mean") or [None]
    assert (1 if mean is None else len(mean.operands)) == exits.sum()


def test_the_seed_is_one_decision_and_prices_are_exact() -> None:
    made = module(WIRED, SEP)
    assert domains(made) == {"seed": tuple(range(50))}
    batch = sample(made, 40, seed=0)
    prices = price(made, batch)
    for i, assignment in enumerate(batch.assignments()):
        assert (prices["parameters"][i], prices["multiply_adds"][i]) == count(made, assignment)
        resolved = resolve(made, assignment)
        assert prices["parameters"][i] == price(resolved, [{}])["parameters"][0]
    assert len(set(prices["parameters"].tolist())) > 1


def test_only_nodes_with_several_edges_have_weights_to_sum_by() -> None:
    made = resolve(module(WIRED, SEP), {"seed": 3})
    graph = adjacency("watts_strogatz", 10, (4, 0.75), 3)
    sums = [p for p in weight_paths(made) if p.endswith("weighted_sum")]
    assert len(sums) == int((graph.sum(0) > 1).sum())
    assert all(p.startswith("wire.node.") for p in weight_paths(made))


def test_nodes_may_decide() -> None:
    block = "block f(x) = choose op { a: relu(x)  b: tanh(x) }"
    made = module("return wire(image; graph=erdos_renyi(3, p=1, seed=0), node=f) as stage", block)
    assert list(domains(made)) == ["stage.node[0].entry.f.op", "stage.node[1].f.op", "stage.node[2].f.op"]


def test_two_wirings_are_told_apart_by_labels() -> None:
    graph = "watts_strogatz(4, k=2, p=0.5, seed=0)"
    first, second = (
        f"wire({x}; graph={graph}, node=sep(; 3)) as {n}" for x, n in (("image", "one"), ("x", "two"))
    )
    made = module(f"x = {first} return {second}", SEP)
    assert {p.split(".")[0] for p in weight_paths(made)} == {"one", "two"}


def test_the_language_knows_every_family() -> None:
    assert set(_GENERATORS) == set(GENERATORS)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("wire(image; graph=watts_strogatz(10, k=3, p=0.5, seed=0), node=relu)", "E0503"),
        ("wire(image; graph=watts_strogatz(10, k=4, p=1.5, seed=0), node=relu)", "E0503"),
        ("wire(image; graph=watts_strogatz(1, k=4, p=0.5, seed=0), node=relu)", "E0503"),
        ("wire(image; graph=watts_strogatz(1000, k=4, p=0.5, seed=0), node=relu)", "E0503"),
        ("wire(image; graph=barabasi_albert(10, m=10, seed=0), node=relu)", "E0503"),
        ("wire(image; graph=erdos_renyi(30, p=0, seed=0), node=relu)", "E0504"),
        ('wire(image; graph=erdos_renyi(30, p=0.5, seed="a"), node=relu)', "E0501"),
        ("wire(image; graph=erdos_renyi(30, p=0.5), node=relu)", "E0104"),
        ("wire(image; graph=erdos_renyi(30, q=0.5, seed=0), node=relu)", "E0103"),
        ("wire(image; graph=3, node=relu)", "E0501"),
        ("wire(image; node=relu)", "E0104"),
        ("wire(image; graph=erdos_renyi(3, p=1, seed=0), node=image)", "E0501"),
        ("wire(image; graph=erdos_renyi(3, p=1, seed=0), node=3)", "E0501"),
        ("wire(image, image; graph=erdos_renyi(3, p=1, seed=0), node=relu)", "E0104"),
        ("wire(image; graph=erdos_renyi(3, p=1, seed=0), node=global_avg_pool)", "E0502"),
    ],
)
def test_mistakes(call: str, code: str) -> None:
    assert code in body_codes(f"return {call}")


def test_weights_of_a_wiring_are_those_of_the_paper() -> None:
    # in-degree above one: one scalar an edge; RandWire, section 3.1
    made = resolve(module(WIRED, SEP), {"seed": 11})
    graph = adjacency("watts_strogatz", 10, (4, 0.75), 11)
    scalars = sum(len(op.operands) for op in operations(made, "weighted_sum"))
    assert scalars == int(np.where(graph.sum(0) > 1, graph.sum(0), 0).sum())
