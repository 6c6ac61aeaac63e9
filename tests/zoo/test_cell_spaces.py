"""Spaces of cells: their sizes, the published networks in them, exact prices, and candidates that run."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from counting import count
from tiny_networks import random_inputs, random_weights

from drawloom.backends.reference import run
from drawloom.catalogue import network
from drawloom.ir import Module, check_assignment, structural_hash, verify
from drawloom.passes import price, resolve, sample, space_size, strip_training

_PAIRS = math.factorial(6) ** 2
"""Two inputs for each of five pairs, from two to six states."""

SIZES: dict[tuple[str, tuple[tuple[str, Any], ...]], tuple[int, float | None]] = {
    # assignments in closed form, and as printed
    ("nasnet", (("n", 1),)): ((_PAIRS * 13**10 * 2**5) ** 2, None),
    ("pnasnet", (("n", 1), ("flags", True))): (_PAIRS * 8**10 * (2**7 - 1), None),
    ("amoebanet", (("n", 1),)): ((_PAIRS * 8**10) ** 2, None),
    ("pnasnet", (("n", 1),)): (_PAIRS * 8**10, 5.6e14),
    ("enas", (("n", 1),)): ((_PAIRS * 5**10) ** 2, None),
    ("enas_macro", ()): (6**12 * 2**66, 1.6e29),
    ("gdas", ()): (math.prod(math.comb(7 * states, 2) for states in range(2, 6)) ** 2, None),
    ("gdas", (("fixed_reduction", True),)): (
        math.prod(math.comb(7 * states, 2) for states in range(2, 6)),
        None,
    ),
    ("darts_rnn", ()): (math.factorial(8) * 4**8, None),
    ("darts_rnn", (("nodes", 11), ("ends", True))): (math.factorial(11) * 4**11, None),
    ("nas_rnn", ()): (8**16 * 15**2, 6e16),
    ("nas_cnn", ()): (64**15 * 2 ** math.comb(15, 2), None),
    ("one_shot", ()): (
        math.prod(n + math.comb(n, 2) for n in range(2, 6)) * (7 + math.comb(7, 2)) ** 4,
        None,
    ),
    ("dso_nas", ()): (2 ** (4 * (1 + 5 + 9 + 13) + 16), None),
    ("dso_nas", (("shared", False), ("n", 1))): (2 ** (3 * 128), None),
    ("nas_fpn", (("layers", (1, 1, 1, 1)),)): (
        math.factorial(5) * 5**2 * 2**7 * math.prod(math.comb(n, 2) for n in range(5, 12)),
        None,
    ),
    ("randwire", ()): (1000**3, None),
    ("nas_seg", ()): (11**7 * (2 * 5 * 8) ** 2 * (4 * 5 * 6) ** 2, None),
}


@pytest.mark.parametrize(("name", "arguments"), SIZES)
def test_size(name: str, arguments: tuple[tuple[str, Any], ...]) -> None:
    size, printed = SIZES[name, arguments]
    assert space_size(network(name, **dict(arguments))) == size
    assert printed is None or float(f"{size:.1e}") == printed or float(f"{size:.0e}") == printed


SMALL: dict[str, dict[str, Any]] = {
    "nasnet": {"n": 1, "filters": 8, "size": 16},
    "amoebanet": {"n": 1, "filters": 8, "size": 16, "flags": True},
    "pnasnet": {"n": 1, "filters": 8, "size": 16},
    "enas": {"n": 1, "filters": 8, "size": 16},
    "enas_macro": {"layers": 9, "filters": 8, "growth": 2, "size": 8},
    "gdas": {"cells": 6, "channels": 8, "size": 8, "fixed_reduction": True, "aux": 0},
    "darts_rnn": {"nodes": 11, "ends": True, "units": 4, "vocabulary": 9, "steps": 3},
    "nas_rnn": {"units": 4, "vocabulary": 9, "steps": 3},
    "nas_cnn": {"layers": 14, "size": 8},
    "one_shot": {"n": 1, "filters": 8, "size": 8},
    "dso_nas": {"n": 1, "filters": 8, "size": 8},
    "nas_fpn": {
        "cells": 1,
        "c": 8,
        "head_c": 8,
        "convolutions": 1,
        "classes": 2,
        "size": 128,
        "layers": [1, 1, 1, 1],
    },
    "randwire": {"channels": 8, "nodes": 8, "seeds": 20, "classes": 10, "size": 32},
    "nas_seg": {"c": 8, "classes": 2, "size": 64},
    "activations": {"units": 2, "depth": 8, "size": 8},
}


@cache
def small(name: str) -> Module:
    return network(name, **SMALL[name])


@pytest.mark.parametrize("name", SMALL)
def test_nothing_about_the_shapes_stays_open(name: str) -> None:
    assert small(name).constraints == ()


@pytest.mark.parametrize("name", SMALL)
def test_prices_are_those_of_resolved_candidates(name: str) -> None:
    space = small(name)
    batch = sample(space, 100, seed=0)
    prices = price(space, batch)
    for i, assignment in enumerate(batch.assignments()):
        found = prices["parameters"][i], prices["multiply_adds"][i]
        assert found == count(space, assignment)
        verify(resolve(space, assignment))


@pytest.mark.parametrize("name", SMALL)
def test_candidates_run_in_torch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import to_torch

    space = small(name)
    for assignment in sample(space, 1, seed=1).assignments():
        module = strip_training(resolve(space, assignment))
        weights, inputs = random_weights(module), random_inputs(module, 2)
        with torch.no_grad():
            results = to_torch(module, weights).eval()(*map(torch.from_numpy, inputs))
        found = results if isinstance(results, tuple) else (results,)
        for value, wanted in zip(found, run(module, weights, inputs), strict=True):
            assert np.isfinite(wanted).all()
            np.testing.assert_allclose(value.numpy(), wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_a_constant_activation_runs_in_torch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import to_torch

    unit = "core_units.unit[0]"
    operands = dict.fromkeys((f"{unit}.left.unary", f"{unit}.right.unary"), "only_beta")
    module = resolve(network("activations", depth=8, size=8), operands | {f"{unit}.binary": "add"})
    weights, inputs = random_weights(module), random_inputs(module, 2)
    with torch.no_grad():
        found = to_torch(module, weights).eval()(*map(torch.from_numpy, inputs))
    np.testing.assert_allclose(found.numpy(), run(module, weights, inputs)[0], rtol=1e-3, atol=1e-4)


Assignment = dict[str, Any]


def pairs(path: str, genotype: str) -> Assignment:
    """A cell from texts such as ``sep5 0 sep3 1``: of each pair the operations and the states they read."""
    assignment: Assignment = {}
    for pair, text in enumerate(genotype.split(", ")):
        words = text.split()
        for side, op, state in zip(("left", "right"), words[::2], words[1::2], strict=True):
            assignment[f"{path}.pair[{pair}].{side}.op"] = op
            assignment[f"{path}.pair[{pair}].{side}.input"] = int(state)
    return assignment


def flagged(cell: str, genotype: str, outputs: list[int]) -> Assignment:
    path = f"{cell}.searched_dag"
    return pairs(path, genotype) | {f"{path}.outputs": outputs}


NASNET_A = flagged(
    "normal.searched",
    "sep5 0 sep3 1, sep5 1 sep3 1, avg3 0 skip 1, avg3 1 avg3 1, sep3 0 skip 0",
    [1, 2, 3, 4, 5, 6],
) | flagged(
    "reduce.searched",
    "sep5 0 sep7 1, max3 0 sep7 1, avg3 0 sep5 1, skip 3 avg3 2, sep3 2 max3 0",
    [3, 4, 5, 6],
)
NASNET_A |= {
    f"{cell}.searched.searched_dag.pair[{pair}].combine": "add_pair"
    for cell, pair in itertools.product(("normal", "reduce"), range(5))
}
AMOEBANET_A = flagged(
    "normal.searched",
    "avg3 0 max3 0, sep3 1 skip 1, skip 0 avg3 1, sep3 0 sep5 2, avg3 5 sep3 0",
    [1, 3, 4, 6],
) | flagged(
    "reduce.searched",
    "sep3 1 avg3 0, max3 0 sep7 2, max3 1 max3 0, sep3 4 conv1x7_7x1 0, avg3 1 sep7 0",
    [2, 3, 4, 5, 6],
)
AMOEBANET_C = flagged(
    "normal.searched",
    "avg3 0 sep3 0, skip 0 sep3 0, avg3 2 sep3 1, skip 0 sep3 1, avg3 3 sep3 0",
    [1, 2, 4, 5, 6],
) | flagged(
    "reduce.searched",
    "max3 0 max3 0, sep7 2 sep3 0, sep7 0 max3 1, sep5 4 sep5 4, max3 1 sep3 1",
    [0, 2, 3, 4, 5, 6],
)
PNASNET_5 = flagged(
    "searched",
    "sep5 1 max3 1, sep7 0 max3 0, sep5 0 sep3 0, sep3 4 max3 0, sep3 1 skip 0",
    [2, 3, 4, 5, 6],
)
_REDUCE = "skip_or_reduce"
ENAS = pairs(
    "normal.searched",
    f"avg3 0 sep3 0, {_REDUCE} 0 sep5 0, {_REDUCE} 0 sep5 1, sep3 1 sep5 0, avg3 0 sep5 1",
) | pairs(
    "reduce.searched",
    f"sep3 1 sep3 1, max3 0 avg3 0, sep5 1 sep5 3, sep3 1 {_REDUCE} 0, max3 0 sep5 1",
)


def edges(normal: str, reduce: str) -> Assignment:
    """Cells of GDAS: of each node two operations and the states they read."""
    operations = ["skip", "max3", "avg3", "sep3", "sep5", "dil3", "dil5"]
    assignment: Assignment = {}
    for cell, genotype in (("normal", normal), ("reduce", reduce)):
        for node, text in enumerate(genotype.split(", ")):
            words = text.split()
            chosen = sorted(
                7 * int(state) + operations.index(op)
                for op, state in zip(words[::2], words[1::2], strict=True)
            )
            assignment[f"{cell}.searched.node[{node}].edges"] = chosen
    return assignment


GDAS_V1 = edges(
    "skip 0 skip 1, skip 0 sep5 2, sep3 3 skip 0, sep5 4 sep3 3",
    "sep5 0 sep3 1, sep5 2 sep5 1, dil5 2 sep3 1, sep5 0 sep5 1",
)
DARTS_V2 = edges(
    "sep3 0 sep3 1, sep3 0 sep3 1, sep3 1 skip 0, skip 0 dil3 2",
    "max3 0 max3 1, skip 2 max3 1, max3 0 skip 2, skip 2 max3 1",
)
DARTS_V1 = edges(
    "sep3 1 sep3 0, skip 0 sep3 1, skip 0 sep3 1, sep3 0 skip 2",
    "max3 0 max3 1, skip 2 max3 0, max3 0 skip 2, skip 2 avg3 0",
)
PDARTS = edges(
    "skip 0 dil3 1, skip 0 sep3 1, sep3 1 sep3 3, sep3 0 dil5 4",
    "avg3 0 sep5 1, sep3 0 dil5 2, max3 0 dil3 1, dil3 1 dil5 3",
)


def nodes(genotype: str) -> Assignment:
    """Gated nodes from texts such as ``sigmoid 0``: the activation and the state that is read."""
    assignment: Assignment = {}
    for node, text in enumerate(genotype.split(", ")):
        activation, source = text.split()
        assignment[f"rnn.node[{node}].activation"] = activation
        if node > 0:  # the first has one state to read
            assignment[f"rnn.node[{node}].source"] = int(source)
    return assignment


RNN_V2 = nodes("sigmoid 0, relu 1, relu 1, identity 1, tanh 2, sigmoid 5, tanh 3, relu 5")
RNN_V1 = nodes("relu 0, relu 1, tanh 2, relu 3, relu 4, identity 1, relu 5, relu 1")
RNN_ENAS = nodes("tanh 0, tanh 1, relu 1, tanh 3, tanh 3, relu 3, relu 4, relu 7, relu 8, relu 8, relu 8")


def tree(genotype: str, read: int, join: str, squash: str, write: int) -> Assignment:
    """A tree of eight leaves and seven inner nodes: how each combines two values, and its activation."""
    assignment: Assignment = {"nas.read": read, "nas.join": join, "nas.squash": squash, "nas.write": write}
    for node, text in enumerate(genotype.split(", ")):
        combine, activation = text.split()
        assignment[f"nas.node[{node}].combine.by"] = combine
        assignment[f"nas.node[{node}].activate.by"] = activation
    return assignment


NASCELL = tree(
    "plus sigmoid, plus relu, plus sigmoid, times relu, plus tanh, plus sigmoid, plus tanh, plus sigmoid,"
    " times tanh, plus tanh, times tanh, plus sigmoid, times identity, plus tanh, times tanh",
    read=8,
    join="plus",
    squash="tanh",
    write=12,
)


def pyramid(*merges: tuple[int, str, int, int]) -> Assignment:
    """Seven merges: the level of the result, how, and of which two members of the pool."""
    assignment: Assignment = {}
    for merge, (level, join, i, j) in enumerate(merges):
        path = f"mix.merge[{merge}]"
        assignment |= {f"{path}.join": join, f"{path}.inputs": [i, j]}
        if merge < 2:
            assignment[f"{path}.level"] = level - 3
    order = tuple(merge[0] - 3 for merge in merges[2:])
    return assignment | {"mix.order": list(itertools.permutations(range(5))).index(order)}


NAS_FPN = pyramid(
    (4, "attend", 1, 3),
    (4, "plus", 1, 5),
    (3, "plus", 0, 6),
    (4, "plus", 6, 7),
    (5, "attend", 7, 8),
    (7, "attend", 6, 9),
    (6, "attend", 9, 10),
)


def decoder(first: int, layers: list[list[int]], merges: list[list[int]]) -> Assignment:
    """As the released program writes it: positions before operations, which are numbered."""
    rates = ["conv3_rate3", "conv3_rate12", "sep3_rate3", "sep5_rate6"]
    operations = ["conv1", "conv3", "sep3", "sep5", "pooled", *rates, "identity", "zeros_like"]
    assignment: Assignment = {"first": operations[first]}
    for layer, (i, j, f, g) in enumerate(layers):
        path = f"layer[{layer}]"
        assignment |= {f"{path}.left": i, f"{path}.right": j}
        assignment |= {f"{path}.left_op": operations[f], f"{path}.right_op": operations[g]}
    for merge, (i, j) in enumerate(merges):
        assignment |= {f"merge[{merge}].left": i, f"merge[{merge}].right": j}
    return assignment


NAS_SEG_0 = decoder(8, [[0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]])
NAS_SEG_1 = decoder(2, [[1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]])
NAS_SEG_2 = decoder(5, [[0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]])
SEEDS = {f"stage[{stage}].seed": stage for stage in range(3)}

# A network of the catalogue, the space that it is in with the arguments, and its assignment.
MEMBERS: list[tuple[str, str, dict[str, Any], Assignment]] = [
    ("nasnet_a_cifar", "nasnet", {"flags": True, "n": 6}, NASNET_A),
    ("nasnet_a", "nasnet", {"flags": True, "imagenet": True, "n": 4, "filters": 44}, NASNET_A),
    ("amoebanet_a_cifar", "amoebanet", {"flags": True, "n": 6, "filters": 32}, AMOEBANET_A),
    ("amoebanet_a", "amoebanet", {"flags": True, "imagenet": True, "n": 4, "filters": 50}, AMOEBANET_A),
    ("amoebanet_c", "amoebanet", {"flags": True, "imagenet": True, "n": 4, "filters": 50}, AMOEBANET_C),
    ("pnasnet5_cifar", "pnasnet", {"flags": True, "n": 3, "filters": 48}, PNASNET_5),
    ("pnasnet5", "pnasnet", {"flags": True, "imagenet": True, "n": 3, "filters": 54}, PNASNET_5),
    ("enas_micro", "enas", {"n": 5, "filters": 36}, ENAS),
    ("gdas_v1", "gdas", {"cells": 20, "channels": 36}, GDAS_V1),
    ("darts_v2", "gdas", {"cells": 20, "channels": 36}, DARTS_V2),
    ("darts_v1", "gdas", {"cells": 20, "channels": 36}, DARTS_V1),
    ("pdarts", "gdas", {"cells": 20, "channels": 36}, PDARTS),
    ("darts_rnn_v2", "darts_rnn", {"units": 850}, RNN_V2),
    ("darts_rnn_v1", "darts_rnn", {"units": 850}, RNN_V1),
    ("enas_rnn", "darts_rnn", {"units": 850, "nodes": 11, "ends": True}, RNN_ENAS),
    ("nascell", "nas_rnn", {}, NASCELL),
    ("nascell_tied", "nas_rnn", {"tied": True}, NASCELL),
    ("retinanet_nas_fpn", "nas_fpn", {}, NAS_FPN),
    ("randwire_small", "randwire", {}, SEEDS),
    ("nas_seg_arch0", "nas_seg", {"c": 64, "size": 512}, NAS_SEG_0),
    ("nas_seg_arch1", "nas_seg", {"c": 64, "size": 512}, NAS_SEG_1),
    ("nas_seg_arch2", "nas_seg", {"c": 64, "size": 512}, NAS_SEG_2),
]


def candidate(space: Module, assignment: Assignment) -> Module:
    return strip_training(resolve(space, check_assignment(space.decisions, assignment, partial=False)))


@pytest.mark.parametrize(("name", "space", "arguments", "assignment"), MEMBERS, ids=lambda v: str(v)[:20])
def test_a_published_network_is_a_candidate(
    name: str, space: str, arguments: dict[str, Any], assignment: Assignment
) -> None:
    # canonical, as what is resolved: without sums of one tensor and changes of the size to what it is
    published = strip_training(resolve(network(name), {}))
    size = published.entry.inputs[0].type.shape[-1]
    if arguments.get("imagenet"):
        arguments = arguments | {"size": size, "classes": 1000}
    found = candidate(network(space, **arguments), assignment)
    assert structural_hash(found) == structural_hash(published)
    assert count(found, {}) == count(published, {})
