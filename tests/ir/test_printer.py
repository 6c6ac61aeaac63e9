"""The textual form: what it looks like."""

from ir_texts import TINY

from drawloom.ir import (
    Constraint,
    Decision,
    FunctionBuilder,
    Module,
    TensorType,
    index_of,
    metric,
    print_module,
)
from drawloom.ir.expression import apply, equal, value_of, where
from drawloom.ir.printer import decision_text, print_function, subset_bounds, subset_domain

IMAGE = TensorType((4, 8, 8))


def tiny() -> Module:
    kernel = Decision("main.kernel", (3, 5))
    edges = Decision("cell.node[0].edges", subset_domain(1, 2, 2), ("image", "conv"))
    block = FunctionBuilder("block", "block")
    x = block.input(IMAGE, "x")
    k = value_of(kernel)
    y = block.op("conv2d", [x], {"out": 4, "kernel": k, "pad": k // 2, "param": "conv"})
    callee = block.finish([y], arguments={"out": 4, "k": k})
    network = FunctionBuilder("tiny", "network")
    image = network.input(IMAGE, "image")
    (h,) = network.call(callee, [image], "stage.0")
    h.name = "h"
    presence = [apply("has", value_of(edges), i) for i in range(2)]
    s = network.op("sum", [image, h], presence=presence, names=("h",))
    c = network.choice([h, s], index_of(kernel))
    constraints = (
        Constraint(apply("<=", metric("parameters"), 5000), "too large"),
        Constraint(equal(k, 3), "dimensions differ", filters=False),
    )
    functions = {f.name: f for f in (callee, network.finish([c]))}
    return Module("tiny", functions, {d.name: d for d in (kernel, edges)}, constraints)


def test_the_form_of_a_space() -> None:
    assert print_module(tiny()) == TINY


def test_defaults_are_left_out_and_equal_pairs_are_one_number() -> None:
    b = FunctionBuilder("f", "network")
    x = b.input(IMAGE, "x")
    y = b.op("conv2d", [x], {"out": 4, "kernel": (3, 5), "pad": (1, 2), "param": "c"})
    z = b.op("max_pool", [y], {"kernel": 2, "stride": 2})
    text = print_function(b.finish([z]))
    assert '%0 = conv2d %x {out=4, kernel=[3, 5], pad=[1, 2], param="c"} : f32[4, 8, 8]' in text
    assert "%1 = max_pool %0 {kernel=2, stride=2} : f32[4, 4, 4]" in text


def test_names_are_hints_made_unique_and_never_numbers() -> None:
    b = FunctionBuilder("f", "network")
    x = b.input(IMAGE, "x")
    for name in ("x", "x_1", "7", "a b", ""):
        x = b.op("relu", [x], names=(name,))
    text = print_function(b.finish([x]))
    assert [line.split(" =")[0].strip() for line in text.splitlines() if "relu" in line] == [
        "%x_1",
        "%x_1_1",
        "%0",
        "%a_b",
        "%1",
    ]


def test_an_unusual_name_is_quoted() -> None:
    assert decision_text(Decision("a b", (1, 2))) == 'decision @"a b" : one_of [1, 2]'


def test_domains() -> None:
    assert decision_text(Decision("d", ("none", "skip"))) == 'decision @d : one_of ["none", "skip"]'
    assert decision_text(Decision("d", subset_domain(2, 2, 4))) == "decision @d : subset 2 of 4"
    assert decision_text(Decision("d", ((0,), (0, 2)))) == "decision @d : one_of [(0,), (0, 2)]"
    assert decision_text(Decision("d", (0, 1), ("a", "b"))) == 'decision @d : one_of [0, 1] labels ["a", "b"]'


def test_subset_bounds_recognise_only_whole_domains() -> None:
    assert subset_bounds(subset_domain(0, 3, 3)) == (0, 3, 3)
    assert subset_bounds(subset_domain(1, 2, 4), 4) == (1, 2, 4)
    assert subset_bounds(subset_domain(1, 2, 4)[1:]) is None
    assert subset_bounds(((0,), (1, 2, 3, 1000))) is None
    assert subset_bounds((0, 1)) is None


def test_parentheses_keep_the_tree() -> None:
    a, b = value_of(Decision("a", (1, 2))), value_of(Decision("b", (3, 4)))
    assert str(a - (b - a)) == "@a - (@b - @a)"
    assert str((a + b) * 2) == "(@a + @b) * 2"
    assert str(apply("+", a, b, a)) == str(a + b + a) == "@a + @b + @a"
    assert str(where(equal(a, 1), a, -b)) == "where(@a == 1, @a, -@b)"
