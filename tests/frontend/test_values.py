"""Expressions without decisions: numbers, lists, shapes, calls, scopes."""

import pytest
from loom import body_codes, module, operations, value

from drawloom.ir import structural_hash


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("-3 + 10 // 3 % 2", -2 + 0),
        ("round(7 / 2)", 4),
        ("round8(19.2)", 24),
        ("floor(3.7) + ceil(3.2) + int(2.9)", 9),
        ("max(1, 5, 3) - min([4, 2])", 3),
        ("len([1, 2] + [3]) + len(0..4)", 7),
        ("[1, 2, 3][0..2][1]", 2),
        ("[1, 2, 3][1..][0] + [4, 5, 6][..1][0] + [7, 8][-1]", 14),
        ("(1, 2)[1]", 2),
        ("[i * i for i in 0..=3 if i % 2 == 1][1]", 9),
        ("[a + b for (a, b) in [(1, 2), (3, 4)]][1]", 7),
        ("[p * 10 + v for p, v in [5, 6]][1]", 16),
        ("if 1 < 2 and not false or 1 // 0 == 0 { 3 } else if true { 4 } else { 5 }", 3),
        ("channels(image) * height(image) + width(image)", 32),
        ("image.channels + image.width", 11),
        ("position([5, 6, 7], 6) + 1", 2),
        ('if "a" == "a" and relu == relu and relu != tanh { 1 } else { 2 }', 1),
        ("len(permutations([1, 2, 3]))", 6),
    ],
)
def test_numbers(expression: str, expected: int) -> None:
    if expected > 0:
        assert value(expression) == expected
    else:
        assert value(f"10 + {expression}") == 10 + expected


def test_names_can_be_rebound_and_loops_keep_their_variables_to_themselves() -> None:
    made = module("i = 5 a = 1 for i in 0..3 { a = a + i } return image |> conv(a + i, kernel=1)")
    assert made.entry.outputs[0].type.shape[0] == 9


def test_unpacking() -> None:
    made = module("a, b = (2, 3) c, d = [a + b, a * b] return image |> conv(c * d, kernel=1)")
    assert made.entry.outputs[0].type.shape[0] == 30


def test_pipes_are_calls() -> None:
    piped = module("return image |> conv(8, kernel=3) |> relu")
    called = module("return relu(conv(image; 8, kernel=3))")
    assert structural_hash(piped) == structural_hash(called)


def test_a_pipe_with_a_semicolon_takes_more_tensors() -> None:
    made = module("return image |> add(relu(image);)")
    (add,) = operations(made, "add")
    assert add.operands[0].name == "image"


def test_partial_application_and_operations_as_values() -> None:
    before = "op act_conv(x; out, k=3, act=relu) = x |> act |> conv(out, kernel=k)"
    made = module("f = act_conv(; 8, act=tanh) return f(image) |> f |> f(k=1)", before)
    assert len(operations(made, "tanh")) == 3
    assert [op.attributes["kernel"] for op in operations(made, "conv2d")] == [(3, 3), (3, 3), (1, 1)]


def test_defaults_see_tensors_and_earlier_parameters() -> None:
    before = "op f(x; out=2 * channels(x), groups=out // 6) = x |> conv(out * groups, kernel=1)"
    assert module("return f(image)", before).entry.outputs[0].type.shape[0] == 6


def test_the_default_padding_keeps_the_size() -> None:
    for attributes in ("kernel=5", "kernel=(1, 7)", "kernel=3, dilation=2", "kernel=(3, 5), dilation=(2, 1)"):
        made = module(f"return image |> conv(4, {attributes})")
        assert made.entry.outputs[0].type.shape == (4, 8, 8)
    assert module("return image |> conv(4, kernel=3, pad=0)").entry.outputs[0].type.shape == (4, 6, 6)
    assert module("return image |> max_pool(2, 2)").entry.outputs[0].type.shape == (3, 4, 4)


def test_lists_are_spread_into_operations_of_many_tensors() -> None:
    made = module("xs = [image, relu(image)] return concat(xs, image; axis=0)")
    assert made.entry.outputs[0].type.shape == (9, 8, 8)


def test_identity_is_no_operation() -> None:
    assert len(module("return image |> relu |> identity")) == 1


def test_blocks_take_and_return_lists_and_tuples() -> None:
    before = """
    block halves(x) = [slice(x; 0, 0, 1), slice(x; 0, 1, 3)]
    block joined(xs) = (concat(xs), xs[0])
    """
    made = module("a, b = joined(halves(image)) return concat(a, b)", before)
    assert made.entry.outputs[0].type.shape == (4, 8, 8)
    assert len(made.functions["joined"].inputs) == 2


def test_a_definition_is_elaborated_once_for_the_same_arguments() -> None:
    before = "op f(x; k) = x |> conv(channels(x), kernel=k)"
    made = module("for i in 0..5 { image = f(image; 3) } return image |> f(1) |> f(3) |> f(1)", before)
    assert [f for f in made.functions if f.startswith("f")] == ["f", "f_1"]
    assert dict(made.functions["f_1"].arguments) == {"k": 1}


def test_functions_are_listed_callees_first_and_the_network_last() -> None:
    made = module("return g(image)", "op f(x) = relu(x)\nblock g(x) = f(x)")
    assert list(made.functions) == ["f", "g", "n"]
    assert [f.kind for f in made.functions.values()] == ["op", "block", "network"]


def test_operations_know_the_text_that_asked_for_them() -> None:
    made = module("return image |> conv(8, kernel=3)")
    assert operations(made, "conv2d")[0].span.text == "conv(8, kernel=3)"


def test_declared_types_are_checked() -> None:
    assert not body_codes("return f(image)", "op f(x: f32[3, 8, 8]) = relu(x)")
    assert body_codes("return f(image)", "op f(x: f32[4, 8, 8]) = relu(x)") == ["E0502"]
    assert not body_codes("return f([image, image])", "op f(xs: f32[3, 8, 8]*) = sum(xs)")
    assert body_codes("return f(image)", "op f(xs: f32[3, 8, 8]*) = sum(xs)") == ["E0501"]


def test_a_failed_name_is_reported_once() -> None:
    body = "x = nonsense y = x + 1 z = relu(y) for i in 0..3 { z = relu(z) } return z"
    assert body_codes(body) == ["E0101"]


def test_independent_errors_are_all_reported() -> None:
    text = "x = a1 y = [b1, c1] z = relu(image; d1) return choose op { p: e1  q: f1 }"
    assert body_codes(text) == ["E0101"] * 6


def test_definitions_that_nothing_calls_are_checked_for_names() -> None:
    assert body_codes("return image", "op f(x; k) = x |> conv(kk, kernel=k)") == ["E0101"]
    before = "op f(x) { for i, (a, b) in [(1, 2)] { y = a + b + i } return [relu(x) as r for z in [y]][0] }"
    assert not body_codes("return image", before)
