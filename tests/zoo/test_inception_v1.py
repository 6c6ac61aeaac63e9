"""Inception-v1 with batch normalisation: the counts of torchvision's, and with the paper's 5x5 kernels."""

import pytest
from counting import count

from drawloom.catalogue import network

COUNTS = {
    "inception_v1": (6_624_904, 1_498_376_192),  # parameters: torchvision's googlenet without auxiliary heads
    "inception_v1_5x5": (7_005_832, 1_582_671_872),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    assert count(network(name), {}) == COUNTS[name]
