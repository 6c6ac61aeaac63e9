"""``shared``: calls of one body that have one set of weights and of decisions, whatever their sizes."""

import numpy as np
import pytest

from drawloom.backends.reference import run
from drawloom.backends.weights import initialise, weight_specs
from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Module, Source, print_module, verify
from drawloom.passes import network_cost, price, resolve

HEAD = """
block head(x; c) {
    x = x |> conv(8, kernel=3) as first |> batch_norm |> relu
    x = choose op { plain: x  more: conv(x; 8, kernel=choose kernel from [1, 3]) }
    return [conv(x; c, kernel=3) as a, conv(x; 2 * c, kernel=1) as b]
}
network n(image: f32[3, 16, 16]) {
    levels = [image, max_pool(image; 2, 2, pad=0), max_pool(image; 4, 4, pad=0)]
    fine, middle, coarse = shared(levels; head(; 4)) as top
    return fine + middle + coarse[..1]
}
"""


def module(body: str, before: str = "") -> Module:
    text = f"{before}network n(image: f32[3, 8, 8]) {{ small = max_pool(image; 2, 2, pad=0) {body} }}"
    made = elaborate(Source("n.loom", text))
    verify(made)
    return made


def paths(made: Module) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in weight_specs(made)})


def test_weights_and_decisions_are_those_of_one_call() -> None:
    space = elaborate(Source("n.loom", HEAD))
    verify(space)
    assert list(space.decisions) == ["top.op", "top.more.kernel"]
    assert [v.type.shape for v in space.entry.outputs] == [
        (4, 16, 16),
        (8, 16, 16),
        (4, 8, 8),
        (8, 8, 8),
        (4, 4, 4),
    ]
    for assignment in ({"top.op": "plain"}, {"top.op": "more", "top.more.kernel": 3}):
        candidate = resolve(space, {"top.more.kernel": 1, **assignment})
        extra = ["top.more.conv"] if assignment["top.op"] == "more" else []
        assert paths(candidate) == sorted(["top.first", "top.batch_norm", "top.a", "top.b", *extra])


def test_prices_count_weights_once_and_work_for_each_call() -> None:
    space = elaborate(Source("n.loom", HEAD))
    chosen = {"top.op": "more", "top.more.kernel": 3}
    parameters = 8 * 3 * 9 + 16 + 8 * 8 * 9 + 4 * 8 * 9 + 8 * 8
    work = (8 * 3 * 9 + 8 * 8 * 9 + 4 * 8 * 9) * (256 + 64 + 16) + 8 * 8 * (256 + 64)
    table = price(space, [chosen])
    assert (table["parameters"][0], table["multiply_adds"][0]) == (parameters, work)
    assert network_cost(resolve(space, chosen)).parameters == parameters


def test_weights_that_one_call_needs_are_counted() -> None:
    made = module(
        "fine, coarse = shared([image, small]; two) return [fine[0], coarse[0], coarse[1]]",
        """
        block two(x) = [inner(x; 4) as left, inner(x; 5) as right]
        block inner(x; c) = x |> conv(c, kernel=1) as a |> conv(c, kernel=1) as b
        """,
    )
    left, right = 4 * 3 + 4 * 4, 5 * 3 + 5 * 5
    table = price(made, [{}])
    assert table["parameters"][0] == network_cost(made).parameters == left + right
    assert table["multiply_adds"][0] == left * (64 + 16) + right * 16


def test_all_calls_compute_with_the_same_weights() -> None:
    made = module("ys = shared([image, small]; conv(; 4, kernel=3)) as head return ys")
    alone = [
        elaborate(Source("n.loom", f"network n(x: f32[3, {s}, {s}]) = conv(x; 4, kernel=3) as head"))
        for s in (8, 4)
    ]
    weights = initialise(made)
    images = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    small = images.reshape(2, 3, 4, 2, 4, 2).max((3, 5))
    found = run(made, weights, [images])
    for network, given, result in zip(alone, (images, small), found, strict=True):
        np.testing.assert_allclose(run(network, weights, [given])[0], result)


def test_calls_that_follow_have_paths_of_their_own() -> None:
    made = module(
        """
        xs = shared([image, small]; conv(; 4, kernel=3))
        xs = shared(xs; conv(; 4, kernel=3))
        for layer in 0..2 { xs = shared(xs; conv(; 4, kernel=3)) }
        return xs + [conv(image; 4, kernel=3)]
        """
    )
    assert paths(made) == ["conv", "conv_1", "conv_2", "layer.0.conv", "layer.1.conv"]


def test_a_decided_body_is_one_choice() -> None:
    made = module(
        """
        f = choose body { one: conv(; 4, kernel=1)  three: wide(; 4) }
        return shared([image, small]; f) as head
        """,
        "op wide(x; c) = x |> conv(c, kernel=3) |> batch_norm\n",
    )
    assert list(made.decisions) == ["body"]
    assert paths(resolve(made, {"body": "one"})) == ["head.conv"]
    assert paths(resolve(made, {"body": "three"})) == ["head.wide.batch_norm", "head.wide.conv"]


def test_a_body_may_take_several_tensors() -> None:
    made = module(
        "return shared([[image, image], (small, small)]; join(; 4))",
        "block join(a, b; c) = concat(a, b) |> conv(c, kernel=1)\n",
    )
    assert paths(made) == ["join.conv"]
    assert "f32[6, 8, 8]" in print_module(made)
    assert "f32[6, 4, 4]" in print_module(made)


def test_weights_that_follow_from_a_size_cannot_be_shared() -> None:
    whole = "block whole(x) = x |> conv(4, kernel=(height(x), width(x)), pad=0)\n"
    with pytest.raises(DiagnosticError, match=r"cannot share weights: the weights 'whole\.conv' belong"):
        module("return shared([image, small]; whole)", whole)


def test_decisions_that_follow_from_a_size_cannot_be_shared() -> None:
    sized = "block sized(x) = x |> conv(choose out from [3, height(x)], kernel=1)\n"
    with pytest.raises(DiagnosticError, match=r"'sized\.out' differ between calls that share it"):
        module("return shared([image, small]; sized)", sized)
