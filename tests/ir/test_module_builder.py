"""Modules built by hand: as the language makes them, and refused where they are wrong."""

from typing import Any

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import (
    FunctionBuilder,
    InferenceError,
    Module,
    ModuleBuilder,
    Source,
    TensorType,
    UserError,
    VerificationError,
    metric,
    parse_module,
    print_module,
    structurally_equal,
)
from drawloom.ir.expression import apply
from drawloom.passes import assign, price

IMAGE = TensorType((3, 8, 8))


def tiny() -> Module:
    space = ModuleBuilder("tiny")
    b = space.function("tiny", "network")
    image = b.input(IMAGE, "image")
    kernel = space.choose("kernel", [1, 3])
    x = b.apply("conv2d", image, out=3, kernel=kernel, pad=(kernel - 1) // 2)
    y = space.choose_value(b, "op", {"act": b.apply("relu", x), "skip": x})
    total = b.apply("sum", y, image, presence=space.choose_members("edges", ["y", "image"], 1, 2))
    space.require(apply("<=", metric("parameters"), 50), "too large")
    return space.finish(b.finish([b.apply("tanh", total)]))


def test_a_space_by_hand_is_that_of_the_language() -> None:
    text = """
        network tiny(image: f32[3, 8, 8]) {
            x = image |> conv(3, kernel=choose kernel from [1, 3])
            y = choose op { act: relu(x)  skip: x }
            total = sum(choose 1..=2 edges from [y, image])
            return tanh(total)
        }
    """
    written = elaborate(Source("tiny.loom", text))
    made = tiny()
    without = Module(made.name, made.functions, made.decisions)
    assert structurally_equal(without, written)
    assert made.constraints[0].message == "too large"


def test_it_prints_and_reads_back() -> None:
    assert print_module(parse_module(Source("t", print_module(tiny())))) == print_module(tiny())


def test_it_is_priced() -> None:
    chosen = {"kernel": 3, "op": "act", "edges": (0,)}
    assert price(tiny(), [chosen]).parameters[0] == 3 * 3 * 9


def test_weights_get_paths_of_their_own() -> None:
    b = FunctionBuilder("f", "network")
    x = b.input(IMAGE)
    for _ in range(3):
        x = b.apply("conv2d", x, out=3, kernel=1)
    x = b.apply("conv2d", x, out=3, kernel=1, param="mine")
    assert [op.param for op in b.operations] == ["conv2d", "conv2d_1", "conv2d_2", "mine"]


def test_dimensions_that_may_differ_are_checked_on_assignment() -> None:
    space = ModuleBuilder("n")
    b = space.function("n", "network")
    image = b.input(IMAGE)
    x = b.apply("conv2d", image, out=space.choose("width", [3, 4]), kernel=1)
    module = space.finish(b.finish([b.apply("add", x, image)]))
    assert [c.filters for c in module.constraints] == [False]
    assign(module, {"width": 3})
    with pytest.raises(UserError):
        assign(module, {"width": 4})


def test_what_never_fits_is_refused_at_once() -> None:
    space = ModuleBuilder("n")
    b = space.function("n", "network")
    x = b.input(IMAGE)
    with pytest.raises(InferenceError):
        b.apply("add", x, b.apply("conv2d", x, out=4, kernel=1))
    with pytest.raises(UserError, match="did you mean 'conv2d'"):
        b.apply("conv2", x)
    with pytest.raises(UserError, match="did you mean 'kernel'"):
        b.apply("conv2d", x, out=3, kernl=1)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda m: [m.choose("a", [1, 2]), m.choose("a", [1, 2])], "two decisions 'a'"),
        (lambda m: m.choose("a", [1]), "nothing to decide"),
        (lambda m: m.choose("a", [1, 1]), "a value twice"),
        (lambda m: [m.add(function("f")), m.add(function("f"))], "two functions 'f'"),
    ],
)
def test_names_and_domains_are_checked(act: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        act(ModuleBuilder("n"))


def function(name: str) -> Any:
    b = FunctionBuilder(name, "block")
    return b.finish([b.apply("relu", b.input(IMAGE))])


def test_one_is_no_true_of_another_kind() -> None:
    # 1 and True are equal in Python, and different values of a decision.
    assert ModuleBuilder("n").choose("a", [1, True]).decisions[0].domain == (1, True)


def test_an_entry_that_is_no_network_is_refused() -> None:
    with pytest.raises(VerificationError):
        ModuleBuilder("n").finish(function("f"))
