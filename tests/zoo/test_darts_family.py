"""DARTS, P-DARTS and GDAS: counts, auxiliary heads, and the network that is an assignment of the space."""

import json

import pytest

from drawloom import zoo
from drawloom.catalogue import network
from drawloom.ir import check_assignment, structural_hash
from drawloom.passes import network_cost, resolve, strip_training


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("darts_v1", 3.1694e6, 501.0e6),
        ("darts_v1_imagenet", 4.5104e6, 505.86e6),
        ("darts_v2", 3_349_342, 528_359_040),
        ("darts_v2_imagenet", 4.7188e6, 529.91e6),
        ("pdarts", 3.4338e6, 532.2e6),
        ("pdarts_imagenet", 4.9444e6, 542.82e6),
        ("gdas_v1", 3.3688e6, 519.4e6),
        ("gdas_v1_imagenet", 5.3451e6, 581.01e6),
    ],
)
def test_counts(name: str, parameters: float, multiply_adds: float) -> None:
    cost = network_cost(network(name))
    # the figures are rounded to four digits after the point, or two
    assert cost.parameters == pytest.approx(parameters, abs=50)
    assert cost.multiply_adds == pytest.approx(
        multiply_adds, abs=50_000 if multiply_adds % 1e5 == 0 else 5_000
    )


def test_darts_v2_is_an_assignment_of_the_space() -> None:
    space = network("darts", channels=36, cells=20)
    text = (zoo.ROOT / "networks" / "darts_v2.json").read_text(encoding="utf-8")
    assignment = check_assignment(space.decisions, json.loads(text), partial=False)
    expected = structural_hash(resolve(space, assignment))
    assert structural_hash(strip_training(network("darts_v2"))) == expected
    assert structural_hash(strip_training(network("darts_v1"))) != expected
