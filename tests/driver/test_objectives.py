import math

import pytest

from drawloom.objectives import METRICS, NEEDS, Direction, Source, costs, parse_objectives


def test_smaller_costs_are_better() -> None:
    metrics = parse_objectives(["accuracy", "latency"])
    good, bad = {"accuracy": 0.9, "latency": 0.001}, {"accuracy": 0.8, "latency": 0.002}
    assert all(a < b for a, b in zip(costs(metrics, good), costs(metrics, bad), strict=True))
    assert math.isnan(costs(metrics, {"accuracy": 0.9})[1])


def test_only_accuracy_is_maximised() -> None:
    assert {m.name for m in METRICS.values() if m.direction is Direction.MAXIMIZE} == {"accuracy"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.8742, "87.4 %"),
        ("latency", 0.0123, "12.3 ms"),
        ("parameters", 1_234_567, "1.23 M"),
        ("activation_bytes", 12 << 20, "12.0 MiB"),
    ],
)
def test_values_are_written_for_people(name: str, value: float, text: str) -> None:
    assert METRICS[name].text(value) == text


def test_what_is_counted_needs_nothing() -> None:
    assert set(NEEDS) == {Source.TRAINING, Source.TIMING}
