"""The reference interpreter: calls, choices, presence and what it refuses."""

import numpy as np
import pytest
from networks import mobile, two_armed_space

from drawloom.backends.reference import run
from drawloom.backends.weights import initialise
from drawloom.ir import Decision, FunctionBuilder, Module, TensorType, UserError, index_of
from drawloom.ir.expression import apply


def test_calls_find_the_weights_below_their_path() -> None:
    module = mobile()
    weights = initialise(module)
    image = np.random.default_rng(0).normal(size=(2, 1, 12, 12))
    (before,) = run(module, weights, [image])
    weights["stage.1.layer.0.inverted_residual.project.conv.weight"][:] = 0
    (after,) = run(module, weights, [image])
    assert before.shape == (2, 10)
    assert not np.allclose(before, after)


def test_element_type_is_kept() -> None:
    module = mobile()
    for dtype in (np.float32, np.float64):
        weights = {name: w.astype(dtype) for name, w in initialise(module).items()}
        (y,) = run(module, weights, [np.ones((1, 1, 12, 12), dtype)])
        assert y.dtype == dtype


def test_a_space_runs_under_an_assignment() -> None:
    space, networks = two_armed_space()
    image = np.random.default_rng(0).normal(size=(3, 4, 6, 6)).astype(np.float32)
    for value, network in networks.items():
        weights = initialise(network)
        (expected,) = run(network, weights, [image])
        (found,) = run(space, weights, [image], {"arm": value})
        np.testing.assert_array_equal(found, expected)


def test_operands_that_are_absent_are_not_computed() -> None:
    keep = Decision("keep", (0, 1))
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((3,)))
    heavy = b.op("linear", [x], {"out": 3, "param": "heavy"})
    y = b.op("sum", [x, heavy], presence=[apply("==", index_of(keep), 0), apply("==", index_of(keep), 1)])
    f = b.finish([y])
    module = Module("net", {f.name: f}, {"keep": keep})
    one = np.ones((2, 3), np.float32)
    (found,) = run(module, {}, [one], {"keep": 0})  # the weights of `heavy` are missing and not asked for
    np.testing.assert_array_equal(found, one)
    with pytest.raises(UserError, match=r"no 'heavy\.weight'"):
        run(module, {}, [one], {"keep": 1})


def test_zeros_from_nothing_have_the_batch() -> None:
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((3,)))
    y = b.op("sum", [x, x], presence=[False, False])
    z = b.op("zeros", [], {"shape": (3,)})
    f = b.finish([y, z])
    for result in run(Module("net", {f.name: f}), {}, [np.ones((4, 3), np.float32)]):
        np.testing.assert_array_equal(result, np.zeros((4, 3)))


def test_refusals() -> None:
    space, _ = two_armed_space()
    image = np.zeros((1, 4, 6, 6), np.float32)
    with pytest.raises(UserError, match="1 open decisions"):
        run(space, {}, [image])
    with pytest.raises(UserError, match="unknown decision 'amr'"):
        run(space, {}, [image], {"amr": "conv"})
    module = mobile()
    with pytest.raises(UserError, match=r"takes batches of f32\[1, 12, 12\]"):
        run(module, initialise(module), [image])
