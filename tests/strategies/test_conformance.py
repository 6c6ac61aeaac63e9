"""Every registered strategy passes the shipped suite."""

import pytest

from drawloom.strategies import STRATEGIES
from drawloom.strategies.testing import StrategyConformance


@pytest.fixture(autouse=True, params=STRATEGIES.names())
def _every_strategy(request: pytest.FixtureRequest) -> None:
    request.instance.name = request.param


class TestRegistered(StrategyConformance):
    pass
