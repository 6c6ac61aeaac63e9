"""Misspelt names are answered with the nearest known one."""

import pytest

from drawloom.ir import Decision, UserError, suggest


@pytest.mark.parametrize(
    ("written", "meant"),
    [("relux", "relu"), ("ReLU", "relu"), ("BatchNorm", "batch_norm"), ("kernal", "kernel"), ("xyzzy", None)],
)
def test_the_nearest_name(written: str, meant: str | None) -> None:
    assert suggest(written, ["conv", "relu", "batch_norm", "kernel"]) == meant


def test_a_misspelt_arm_is_answered_with_the_nearest_of_many() -> None:
    decision = Decision("op", ("none", "skip", "sep3", "sep5", "dil3", "dil5", "max_pool", "avg_pool"))
    with pytest.raises(UserError, match=r"'maxpool' is not a value .* \(did you mean 'max_pool'\?\)"):
        decision.index("maxpool")


def test_an_unknown_arm_of_few_is_answered_with_all() -> None:
    with pytest.raises(UserError, match="expected one of relu, tanh"):
        Decision("act", ("relu", "tanh")).index("rlu")
