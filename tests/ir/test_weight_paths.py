"""Conflicts of weight paths: the same as by spelling out all paths, which few functions have too many of."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from weight_expansion import expanded_conflicts

from drawloom.ir import Function, FunctionBuilder, Module, TensorType, VerificationError, verify, weight_paths
from drawloom.ir.weight_paths import MAX_STEPS, weight_conflicts

VECTOR = TensorType((4,))
PATHS = ["", "a", "b", "a.a", "a.b", "b.a", "a.b.a", "a..b", "."]

CROSSED: list[list[tuple[str, str | bool]]] = [[("x", "f0")], [("x", "f1")], [("", "f2"), ("", "f3")]]
"""Calls of two functions under the same paths."""

Line = tuple[str, str | bool]
"""A weight path, and what has it: a called function, or a linear operation with or without bias."""


def function(name: str, lines: list[Line], known: dict[str, Function]) -> Function:
    b = FunctionBuilder(name, "network")
    x = b.input(VECTOR)
    for path, what in lines:
        if isinstance(what, str):
            (x,) = b.call(known[what], [x], path)
        else:
            x = b.op("linear", [x], {"out": 4, "bias": what, "param": path})
    return b.finish([x])


def module(*bodies: list[Line]) -> Module:
    functions: dict[str, Function] = {}
    for i, lines in enumerate(bodies):
        functions[f"f{i}"] = function(f"f{i}", lines, functions)
    return Module("m", functions)


@st.composite
def two_families(draw: st.DrawFn) -> list[list[Line]]:
    """Functions with bias call each other, as do those without; only the last calls both and conflicts."""
    made: list[list[Line]] = []
    for i in range(draw(st.integers(2, 6))):
        biased = st.just(i % 2 == 0)
        what = biased | st.sampled_from([f"f{j}" for j in range(i % 2, i, 2)]) if i > 1 else biased
        made.append(draw(st.lists(st.tuples(st.sampled_from(PATHS), what), min_size=1, max_size=4)))
    what = st.sampled_from([f"f{j}" for j in range(len(made))]) | st.booleans()
    made.append(draw(st.lists(st.tuples(st.sampled_from(PATHS), what), min_size=2, max_size=4)))
    return made


@st.composite
def bodies(draw: st.DrawFn) -> list[list[Line]]:
    made: list[list[Line]] = []
    for i in range(draw(st.integers(1, 5))):
        what = st.sampled_from([False, *(f"f{j}" for j in range(i))]) | st.booleans()
        made.append(draw(st.lists(st.tuples(st.sampled_from(PATHS), what), min_size=1, max_size=4)))
    return made


@settings(max_examples=400)
@given(bodies() | two_families())
@example([[("a", True), ("b", True)], [("b", False), ("a", False)], *CROSSED])
def test_conflicts_are_those_of_all_paths_spelled_out(lines: list[list[Line]]) -> None:
    made = module(*lines)
    expected = expanded_conflicts(made)
    found = [(c.message.split("'")[1], c.function.name, c.operation) for c in weight_conflicts(made)]
    assert bool(found) == bool(expected)
    if expected:
        # above a function with conflicts, one of its operations stands for its path: which is left open
        first = expected[0][1]
        assert [f for f in found if f[1] == first] == [e for e in expected if e[1] == first]
        assert found[0][1] == first


def doubling(depth: int, *paths: str) -> list[list[Line]]:
    """Functions that each call the one before once under each path."""
    return [[("w", False)], *([(path, f"f{i}") for path in paths] for i in range(depth))]


@pytest.mark.parametrize("paths", [("a", "b"), ("", "a"), ("", ""), ("a", "a.a"), ("a", "a", "b.a", "b")])
def test_calls_that_double_are_compared_in_few_steps(
    paths: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_paths, "MAX_STEPS", 30_000)
    assert not weight_conflicts(module(*doubling(60, *paths)))


def test_a_clash_among_many_paths_is_found() -> None:
    last = ".".join(["b"] * 60 + ["w"])
    lines = [*doubling(60, "a", "b"), [("", "f60"), (last, True)]]
    with pytest.raises(VerificationError, match=f"the weights '{last}' belong to two different operations"):
        verify(module(*lines))
    lines[-1][1] = (last, False)
    verify(module(*lines))


def test_functions_may_nest_deeper_than_python() -> None:
    depth = 3_000
    chain = [[("w", False)], *([("a", f"f{i}")] for i in range(depth))]
    last = ".".join(["a"] * depth + ["w"])
    (conflict,) = weight_conflicts(module(*chain, [("", f"f{depth}"), (last, True)]))
    assert f"'{last}'" in conflict.message


def test_what_would_take_too_long_is_refused_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_paths, "MAX_STEPS", 500)
    lines = [[(f"a{i}", False) for i in range(400)], [(f"a{i}", False) for i in range(400)]]
    (conflict,) = weight_conflicts(module(*lines, [("", "f0"), ("", "f1")]))
    assert "comparisons" in conflict.message
    assert conflict.function.name == "f2"
    monkeypatch.undo()
    assert MAX_STEPS >= 1_000_000
    assert not weight_conflicts(module(*lines, [("", "f0"), ("", "f1")]))


def test_many_operations_may_share_their_weights_and_not_all_conflicts_are_named() -> None:
    assert not weight_conflicts(module([("w", False)] * 5_000))
    found = weight_conflicts(module([("w", i % 2 == 0) for i in range(5_000)]))
    assert len(found) == weight_paths.MAX_CONFLICTS
