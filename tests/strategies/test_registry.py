import subprocess
import sys

import pytest

from drawloom.ir import Entry, UserError
from drawloom.strategies import STRATEGIES, StrategyRegistry, make_strategy, parse_options
from drawloom.strategies.regularized_evolution import EvolutionOptions
from drawloom.strategies.testing import ToySpace


def test_names_and_help() -> None:
    assert {"random", "regularized_evolution"} <= set(STRATEGIES.names())
    assert all(entry.help for entry in STRATEGIES)
    assert all(STRATEGIES.load(name).name == name for name in STRATEGIES.names())


def test_listing_imports_no_strategy() -> None:
    probe = (
        "import sys, drawloom.strategies as s; s.STRATEGIES.names(); "
        "print('drawloom.strategies.regularized_evolution' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_unknown_strategy_names_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"unknown strategy 'regularised_evolution' .*'regularized_evolution'"
    ):
        make_strategy("regularised_evolution", ToySpace())


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'populaton'.*did you mean 'population'"):
        parse_options("regularized_evolution", {"populaton": 3})
    with pytest.raises(UserError, match="none is known"):
        parse_options("random", {"population": 3})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"population": "many"}, "is an integer, got 'many'"),
        ({"population": 1.5}, "is an integer, got 1.5"),
        ({"population": True}, "is an integer, got True"),
        ({"identity": "1.5"}, "between 0 and 1"),
        ({"mutations": 0}, "at least 1"),
    ],
)
def test_bad_option_values(given: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_options("regularized_evolution", given)


def test_options_from_text() -> None:
    given = {"population": "7", "identity": "0.25"}
    assert parse_options("regularized_evolution", given) == EvolutionOptions(population=7, identity=0.25)
    assert parse_options("regularized_evolution", {"identity": 1}) == EvolutionOptions(identity=1)


def test_defaults_follow_the_budget_and_then_the_paper() -> None:
    assert EvolutionOptions().settled(6) == EvolutionOptions(population=4, sample=3)
    assert EvolutionOptions().settled(24) == EvolutionOptions(population=8, sample=3)
    assert EvolutionOptions().settled(20_000) == EvolutionOptions(population=100, sample=25)
    assert EvolutionOptions(population=50, sample=2).settled(24) == EvolutionOptions(population=50, sample=2)


def test_a_name_registered_twice_is_refused() -> None:
    registry = StrategyRegistry([Entry("a", "x:A", "one")])
    with pytest.raises(UserError, match="registered twice"):
        registry.register(Entry("a", "y:B", "other"))


def test_a_strategy_that_cannot_be_imported_is_a_user_error() -> None:
    registry = StrategyRegistry([Entry("a", "drawloom.nowhere:A", "one")])
    with pytest.raises(UserError, match=r"cannot be loaded from drawloom\.nowhere"):
        registry.load("a")
