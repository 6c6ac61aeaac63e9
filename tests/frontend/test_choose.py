"""Every form of `choose`: the decision it makes and the value that depends on it."""

import numpy as np
import pytest
from loom import body_codes, domains, module, operations

from drawloom.backends.reference import run
from drawloom.ir import Expr


def test_a_number() -> None:
    made = module("k = choose kernel from [3, 5, 7] return image |> conv(8, kernel=k)")
    assert domains(made) == {"kernel": (3, 5, 7)}
    (conv,) = operations(made, "conv2d")
    assert [str(k) for k in conv.attributes["kernel"]] == ["@kernel", "@kernel"]
    assert [str(p) for p in conv.attributes["pad"]] == ["(@kernel - 1) // 2"] * 2
    assert made.entry.outputs[0].type.shape == (8, 8, 8)


def test_a_range_a_text_and_a_truth_value() -> None:
    body = """
    a = choose a from 1..=3
    b = choose b from ["nearest", "bilinear"]
    c = choose c from [false, true]
    return image |> resize(8 * a, 8, b) |> conv(4, kernel=1, bias=c)
    """
    made = module(body)
    assert domains(made) == {"a": (1, 2, 3), "b": ("nearest", "bilinear"), "c": (False, True)}
    assert made.entry.outputs[0].type.shape[1].table.tolist() == [8, 16, 24]


def test_whole_numbers_among_fractions_become_fractions() -> None:
    made = module("r = choose ratio from [1, 1.5] return image |> conv(round(8 * r), kernel=1)")
    assert [type(v) for v in made.decisions["ratio"].domain] == [float, float]


def test_decided_numbers_are_chosen_by_position() -> None:
    made = module("a = choose a from [1, 2] b = choose b from [a, 3 * a] return image |> conv(b, kernel=1)")
    assert domains(made) == {"a": (1, 2), "b": (0, 1)}
    assert str(made.entry.outputs[0].type.shape[0]) == "select(index(@b), [@a, 3 * @a])"


def test_a_tensor() -> None:
    made = module("a = relu(image) b = tanh(image) return choose input from [a, b]")
    assert domains(made) == {"input": (0, 1)}
    assert made.decisions["input"].labels == ("a", "b")
    (choice,) = operations(made, "choice")
    assert str(choice.attributes["selector"]) == "index(@input)"


def test_tuples_are_chosen_element_by_element() -> None:
    made = module("h, s = choose input from [(image, 1), (relu(image), 2)] return h |> max_pool(3, s)")
    assert domains(made) == {"input": (0, 1)}
    assert str(operations(made, "max_pool")[0].attributes["stride"][0]) == "select(index(@input), [1, 2])"


def test_an_operation_from_arms() -> None:
    body = """
    s = 1
    return choose op {
        none: zeros_like(image)
        skip: image               when s == 1
        half: max_pool(image; 3)  when s == 2
        conv: conv(image; 3, kernel=3)
    }
    """
    made = module(body)
    assert domains(made) == {"op": ("none", "skip", "conv")}
    assert len(operations(made, "choice")[0].operands) == 3
    assert operations(made, "conv2d")[0].param == "conv.conv"


def test_alternatives_of_different_shape_merge() -> None:
    made = module("return choose op { a: conv(image; 4, kernel=1)  b: conv(image; 8, kernel=1) }")
    assert str(made.entry.outputs[0].type.shape[0]) == "select(index(@op), [4, 8])"


def test_operations_as_values() -> None:
    made = module("f = choose act from [relu, tanh] return image |> f |> f")
    assert domains(made) == {"act": ("relu", "tanh")}
    assert len(operations(made, "choice")) == 2


def test_partial_operations_as_values() -> None:
    before = "block c(x; out) = x |> conv(out, kernel=choose kernel from [1, 3])"
    made = module("f = choose f from [c(; 4), relu] return f(image)", before)
    assert domains(made) == {"f": ("c", "relu"), "c.kernel": (1, 3)}


def test_two_of_three() -> None:
    made = module("return sum(choose 2 inputs from [image, relu(image), tanh(image)])")
    assert domains(made) == {"inputs": ((0, 1), (0, 2), (1, 2))}
    (total,) = operations(made, "sum")
    assert [str(p) for p in total.presence] == ["has(@inputs, 0)", "has(@inputs, 1)", "has(@inputs, 2)"]


@pytest.mark.parametrize(
    ("count", "sizes"), [("1..=2", {1, 2}), ("1..3", {1, 2}), ("any", {0, 1, 2, 3}), ("(1 + 1)", {2})]
)
def test_how_many(count: str, sizes: set[int]) -> None:
    made = module(f"return sum(choose {count} xs from [image, relu(image), tanh(image)])")
    domain = made.decisions["xs"].domain
    assert {len(v) for v in domain} == sizes
    assert list(domain) == sorted(domain, key=lambda v: (len(v), v))


def test_some_of_the_arms() -> None:
    made = module("return sum(choose 1..=2 ops { a: relu(image)  b: tanh(image) })")
    assert domains(made) == {"ops": ((0,), (1,), (0, 1))}
    assert made.decisions["ops"].labels == ("a", "b")


def test_all_of_them_is_no_decision() -> None:
    made = module("return sum(choose 2 xs from [image, relu(image)])")
    assert not made.decisions
    assert not operations(made, "sum")[0].presence


def test_one_value_is_no_decision() -> None:
    made = module("k = choose k from [3] f = choose op { a: relu(image) } return conv(f; 4, kernel=k)")
    assert not made.decisions
    assert not operations(made, "choice")


def test_members_of_a_selection_can_be_named() -> None:
    made = module("p = choose 2 xs from [image, relu(image), tanh(image)] return p[0] + p[1]")
    selectors = [str(op.attributes["selector"]) for op in operations(made, "choice")]
    assert selectors == ["item(@xs, 0)", "item(@xs, 1) - 1"]


def test_a_comprehension_keeps_presence() -> None:
    made = module("xs = choose any xs from [image, relu(image)] return sum([tanh(x) for x in xs] + [image])")
    (total,) = operations(made, "sum")
    assert [str(p) for p in total.presence] == ["has(@xs, 0)", "has(@xs, 1)", "True"]


def test_a_decided_filter_becomes_presence() -> None:
    made = module("n = choose n from 0..=2 return sum([x for i, x in [image, relu(image)] if i < n])")
    assert [str(p) for p in operations(made, "sum")[0].presence] == ["0 < @n", "1 < @n"]


def test_a_list_at_a_decided_position() -> None:
    made = module("i = choose i from [0, 2] return [image, relu(image), tanh(image)][i]")
    (choice,) = operations(made, "choice")
    assert len(choice.operands) == 2


def test_a_decided_if() -> None:
    made = module("k = choose k from [1, 2, 3] return if k == 2 { relu(image) } else { image }")
    (choice,) = operations(made, "choice")
    assert str(choice.attributes["selector"]) == "where(@k == 2, 0, 1)"


def test_what_a_condition_guards_needs_no_other_proof() -> None:
    body = """
    c = choose width from [3, 4]
    h = image |> conv(c, kernel=1)
    return if channels(h) == channels(image) { h + image } else { h }
    """
    assert not module(body).constraints


def test_what_cannot_be_shown_is_checked_on_assignment() -> None:
    made = module("c = choose width from [3, 4] return image + conv(image; c, kernel=1)")
    (constraint,) = made.constraints
    assert not constraint.filters
    assert isinstance(constraint.condition, Expr)


def test_an_obligation_of_a_block_is_shown_by_the_guard_of_its_call() -> None:
    before = "block residual(x, h) = x + h"
    body = """
    c = choose width from [3, 4]
    h = image |> conv(c, kernel=1)
    return if c == 3 { residual(image, h) } else { h }
    """
    assert not module(body, before).constraints


def test_requirements() -> None:
    before = 'require params(network) <= 5.3M, "too large"'
    made = module("k = choose k from [1, 3] require k > 1 return conv(image; 4, kernel=k)", before)
    first, second = made.constraints
    assert (first.filters, second.filters) == (True, True)
    assert {str(first.condition), str(second.condition)} == {"@k > 1", "metric(parameters) <= 5300000"}
    assert {first.message, second.message} == {"k > 1", "too large"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return choose k from []", "E0305"),
        ("a = choose k from [1, true] return image", "E0507"),
        ("a = choose k from [relu, relu] return image", "E0302"),
        ("a = choose op { a: image  a: relu(image) } return image", "E0302"),
        ("a = choose 3 xs from [image] return image", "E0306"),
        ("a = choose 2..1 xs from [image] return image", "E0306"),
        ("a = choose 1.5 xs from [image] return image", "E0501"),
        ("n = choose n from [1, 2] a = choose (n) xs from [image, image] return image", "E0506"),
        ("n = choose n from 0..5000 return image", "E0307"),
        ("a = relu(image; choose k from [1, 2]) return image", "E0105"),
        ("require (choose k from [1, 2]) == 1 return image", "E0301"),
        ("return sum([x for x in [image] if choose k from [true, false]])", "E0001"),
        ("xs = choose any xs from [image, image] return xs[0]", "E0503"),
        ("xs = [x for x in (choose any xs from [image, image])] return xs[0]", "E0503"),
    ],
)
def test_mistakes(body: str, code: str) -> None:
    assert body_codes(body) == [code]


def test_a_subset_of_many_is_a_decision_for_each_member() -> None:
    made = module("xs = [k * image for k in 1..15] return image + sum(choose any skips from xs)")
    assert domains(made) == {f"skips[{i}]": (False, True) for i in range(14)}
    (total,) = operations(made, "sum")
    assert [str(p) for p in total.presence] == [f"@skips[{i}]" for i in range(14)]
    image = np.ones((1, 3, 8, 8), dtype=np.float32)
    chosen = {f"skips[{i}]": i in (2, 11) for i in range(14)}
    (found,) = run(made, {}, [image], chosen)
    assert found[0, 0, 0, 0] == 1 + 3 + 12
    assert body_codes("xs = [k * image for k in 1..25] return sum(choose 12 skips from xs)") == ["E0307"]


def test_a_subset_of_nothing_is_empty() -> None:
    made = module("return sum([image] + (choose any skips from [image][..0]))")
    assert domains(made) == {}
    assert body_codes("return sum([image] + (choose 1 skips from [image][..0]))") == ["E0306"]
