"""Spaces of the field in small: nothing about their shapes stays open, and prices are exact."""

from pathlib import Path

import pytest

from drawloom.frontend import load
from drawloom.ir import parse_module, print_module, verify
from drawloom.passes import assign, dce, network_cost, price, resolve, sample

SPACES = sorted((Path(__file__).parent / "spaces").glob("*.loom"))


@pytest.mark.parametrize("path", SPACES, ids=lambda p: p.stem)
def test_a_space_of_the_field(path: Path) -> None:
    space = load(path)
    verify(space)
    assert [c.message for c in space.constraints] == []
    assert print_module(parse_module(print_module(space))) == print_module(space)
    batch = sample(space, 25, seed=0)
    prices = price(space, batch)
    for i, assignment in enumerate(batch.assignments()):
        cost = network_cost(dce(assign(space, assignment)))
        assert (prices["parameters"][i], prices["multiply_adds"][i]) == (cost.parameters, cost.multiply_adds)
        resolved = resolve(space, assignment)
        verify(resolved)
        assert resolved.resolved
