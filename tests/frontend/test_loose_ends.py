"""``loose_ends``, and lists whose elements may be absent: loops over them and positions in them."""

import itertools
from typing import Any

import numpy as np
import pytest
from loom import body_codes, module, operations

from drawloom.backends.reference import run
from drawloom.ir import Expr, Module
from drawloom.passes import resolve

NODES = """
    states = [image, relu(image)]
    for node in 0..3 {
        left = choose left from states
        right = choose right from states
        states += [tanh(left + right)]
    }
    return concat(loose_ends(states))
"""


def present(made: Module, assignment: dict[str, Any]) -> list[bool]:
    """Which members of the one concatenation are there."""
    (joined,) = operations(made, "concat")
    indices = {d: d.index(assignment[n]) for n, d in made.decisions.items()}
    flags = [
        p.at(indices) if isinstance(p, Expr) else p for p in joined.presence or [True] * len(joined.operands)
    ]
    return [bool(f) for f in flags]


def test_an_element_that_is_there_twice_is_used_twice() -> None:
    made = module("h = tanh(image)  return sum(loose_ends([h, h, relu(h), sigmoid(image)]))")
    (total,) = operations(made, "sum")
    assert [v.producer.name for v in total.operands if v.producer is not None] == ["relu", "sigmoid"]


def test_what_another_element_is_computed_from_is_left_out() -> None:
    made = module(NODES)
    rng = np.random.default_rng(0)
    for _ in range(60):
        chosen = {n: d.domain[rng.integers(len(d))] for n, d in made.decisions.items()}
        used = {0}  # the second element is the first one's relu
        for node in range(3):
            used |= {chosen[f"node[{node}].left"], chosen[f"node[{node}].right"]}
        # the first element is certainly used, so it is no member at all
        assert present(made, chosen) == [i not in used for i in range(1, 5)]


def test_uses_are_seen_inside_calls() -> None:
    block = "block operand(xs) = choose input from xs"
    body = NODES.replace("choose left from states", "operand(states) as left").replace(
        "choose right from states", "operand(states) as right"
    )
    ours, plain = module(body, block), module(NODES)
    rng = np.random.default_rng(1)
    for _ in range(40):
        chosen = {n: d.domain[rng.integers(len(d))] for n, d in plain.decisions.items()}
        renamed = {f"{n}.input": v for n, v in chosen.items()}
        assert present(ours, renamed) == present(plain, chosen)


def test_an_element_that_is_absent_uses_nothing() -> None:
    body = """
    xs = choose any xs from [image, relu(image), tanh(image)]
    ends = loose_ends([image] + [relu(x) for x in xs])
    return concat(ends)
    """
    made = module(body)
    (decision,) = made.decisions.values()
    for members in decision.domain:
        found = present(made, {decision.name: members})
        assert found[0] == (not members)
        assert found[1:] == [i in members for i in range(3)]


def test_one_tensor_twice_is_loose_twice() -> None:
    made = module("x = relu(image) return concat(loose_ends([x, x]))")
    assert made.entry.outputs[0].type.shape[0] == 6


def test_a_loop_runs_over_the_elements_that_are_there() -> None:
    body = """
    xs = choose any xs from [relu(image), tanh(image), sigmoid(image)]
    y = image
    for x in xs { y = 2 * y + x }
    return y
    """
    made = module(body)
    image = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    parts = [np.maximum(image, 0), np.tanh(image), 1 / (1 + np.exp(-image))]
    (decision,) = made.decisions.values()
    for members in decision.domain:
        expected = image
        for i in members:
            expected = 2 * expected + parts[i]
        (found,) = run(made, {}, [image], {decision.name: members})
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_position_counts_the_elements_that_are_there() -> None:
    body = """
    xs = choose 2..=3 xs from [relu(image), tanh(image), sigmoid(image)]
    ys = [2 * x for x in xs]
    return ys[0] - ys[1]
    """
    made = module(body)
    image = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    parts = [np.maximum(image, 0), np.tanh(image), 1 / (1 + np.exp(-image))]
    (decision,) = made.decisions.values()
    assert len(decision.domain) == 4
    for members in decision.domain:
        (found,) = run(made, {}, [image], {decision.name: members})
        np.testing.assert_allclose(found, 2 * parts[members[0]] - 2 * parts[members[1]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return concat(loose_ends([1, 2]))", "E0501"),
        ("return concat(loose_ends(image))", "E0501"),
        ("xs = choose any xs from [image, relu(image)] ys = [x for x in xs] return ys[0]", "E0503"),
        ("xs = choose 1..=2 xs from [image, relu(image)] ys = [x for x in xs] return ys[1]", "E0503"),
        ("xs = choose 1..=2 xs from [image, relu(image)] ys = [x for x in xs] return ys[-1]", "E0503"),
        ("xs = choose any xs from [image, relu(image)] return choose y from xs", "E0510"),
        ("xs = choose any xs from [image, relu(image)] a, b = xs return a", "E0510"),
        ("xs = choose any xs from [image, relu(image)] for x in xs { y = x } return y", "E0101"),
    ],
)
def test_mistakes(body: str, code: str) -> None:
    assert body_codes(body) == [code]


def test_resolving_a_concatenation_of_loose_ends() -> None:
    made = module(NODES)
    for left, right in itertools.product(range(2), repeat=2):
        chosen = {n: (left if n.endswith("left") else right) for n in made.decisions}
        resolved = resolve(made, chosen)
        (joined,) = operations(resolved, "concat")
        assert len(joined.operands) == sum(present(made, chosen))
        assert not joined.presence


def test_decided_values_are_expressions_over_the_decisions() -> None:
    made = module(NODES)
    (joined,) = operations(made, "concat")
    mentioned = {d.name for p in joined.presence if isinstance(p, Expr) for d in p.decisions}
    assert mentioned == set(made.decisions)
