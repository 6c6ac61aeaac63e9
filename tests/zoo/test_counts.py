"""The shipped files elaborate, verify, round-trip, and have the published numbers."""

import json
import random
import time
from pathlib import Path

import pytest
from counting import count
from fbnets import fbnet

from drawloom import zoo
from drawloom.catalogue import network
from drawloom.frontend import load
from drawloom.ir import check_assignment, parse_module, print_module, verify

FILES = {name: entry.path for name, entry in zoo.spaces().items()}


@pytest.mark.parametrize("name", FILES)
def test_it_verifies_and_round_trips(name: str) -> None:
    module = load(FILES[name])
    verify(module)
    text = print_module(module)
    assert print_module(parse_module(text)) == text


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    # torchvision's mobilenet_v2 at other widths and class numbers
    [
        ({}, 3_504_872),
        ({"width": 1.4}, 6_108_776),
        ({"width": 0.5}, 1_968_680),
        ({"classes": 10}, 2_236_682),
    ],
)
def test_mobilenet_v2_scales_as_published(arguments: dict[str, float], parameters: int) -> None:
    assert count(network("mobilenet_v2", **arguments), {})[0] == parameters


def test_darts_v2_has_the_published_size() -> None:
    module = load(FILES["darts"], arguments={"channels": 36, "cells": 20})
    text = Path(FILES["darts"].parent.parent / "networks" / "darts_v2.json").read_text()
    assignment = check_assignment(module.decisions, json.loads(text), partial=False)
    assert count(module, assignment) == (3_349_342, 528_359_040)


def test_darts_cells_share_their_decisions() -> None:
    small = load(FILES["darts"], arguments={"cells": 3})
    large = load(FILES["darts"], arguments={"cells": 20})
    assert list(small.decisions) == list(large.decisions)
    assert len(large.decisions) == 2 * (14 + 3)


@pytest.mark.parametrize(
    ("name", "head", "parameters", "multiply_adds"),
    [("a", 1504, 4_321_464, 249.92e6), ("b", 1984, 4_863_288, 306.21e6), ("c", 1984, 5_572_200, 384.96e6)],
)
def test_fbnet_has_the_published_sizes(name: str, head: int, parameters: int, multiply_adds: float) -> None:
    found = count(load(FILES["fbnet"], arguments={"head": head}), fbnet(name))
    assert found[0] == parameters
    assert found[1] == pytest.approx(multiply_adds, abs=5e3)


def test_the_shipped_assignment_is_fbnet_b() -> None:
    text = Path(FILES["fbnet"].parent.parent / "networks" / "fbnet_b.json").read_text(encoding="utf-8")
    assert json.loads(text) == fbnet("b")


def test_mobile_fashion_is_a_space_for_a_small_machine() -> None:
    module = load(FILES["mobile_fashion"])
    assert not module.constraints
    size = 1
    for decision in module.decisions.values():
        size *= len(decision)
    assert size >= 10**6
    assert {"stem", "stage[0].kernel", "stage[1].width", "stage[2].depth"} <= set(module.decisions)
    rng = random.Random(1)
    for _ in range(200):
        assignment = {name: rng.choice(d.domain) for name, d in module.decisions.items()}
        _, multiply_adds = count(module, assignment)
        assert 300_000 <= multiply_adds <= 4_500_000


def test_a_space_loads_fast() -> None:
    load(FILES["mobile_fashion"])
    start = time.perf_counter()
    verify(load(FILES["mobile_fashion"]))
    assert time.perf_counter() - start < 0.5
