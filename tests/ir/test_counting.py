"""What operations cost by class, and countings."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from op_cases import CASES, Case, case

from drawloom.ir import OpDefinition, Operation, TensorType, UserError
from drawloom.ir.counting import CLASSES, PAPERS, WORDS, Counting, cost
from drawloom.ir.definition import Array, Require

COSTS: list[tuple[Case, dict[str, int]]] = [
    # 4 * 8 * 7 * 2 channels of a group * 3 * 3
    (case("conv2d", (4, 8, 7), out=4, kernel=3, pad=1, groups=2), {"conv": 4 * 56 * 2 * 9}),
    (
        case("conv2d", (3, 8, 7), out=5, kernel=1, bias=True),
        {"conv": 5 * 56 * 3, "bias": 5 * 56},
    ),
    (case("linear", (7,), out=3), {"linear": 21, "bias": 3}),
    (case("linear", (4, 6), out=5, bias=False), {"linear": 4 * 6 * 5}),
    (case("unembedding", (4, 6), vocabulary=7), {"linear": 4 * 6 * 7}),
    (case("embedding", (5,), vocabulary=7, out=3), {}),
    (case("batch_norm", (5, 4, 3)), {"bn": 120}),
    (case("batch_norm", (5, 4, 3), affine=False), {"bn": 120}),
    (case("hswish", (3, 4, 5)), {"activation": 60}),
    (case("softmax", (7,)), {"activation": 7}),
    (case("max_pool", (3, 8, 7), kernel=3, stride=2, pad=1), {"pool": 3 * 8 * 7}),
    (case("avg_pool", (3, 8, 7), kernel=2, stride=2), {"pool": 3 * 8 * 7}),
    (case("global_avg_pool", (3, 4, 5)), {"pool": 60}),
    (case("add", (3, 4, 5), (3, 1, 1)), {"arithmetic": 60}),
    (case("affine", (6,), scale=-1.0, shift=1.0), {"arithmetic": 12}),
    (case("affine", (6,), scale=0.5), {"arithmetic": 6}),
    (case("sum", (6,), (6,), (6,)), {"arithmetic": 12}),
    (case("sum", (6,), (6,), (6,), presence=(True, False, True)), {"arithmetic": 6}),
    (case("sum", (6,), (6,), presence=(False, False)), {}),
    (case("mean", (6,), (6,), (6,)), {"arithmetic": 18}),
    (case("mean", (6,)), {}),
    (case("weighted_sum", (6,), (6,), (6,)), {"arithmetic": 30}),
    (case("concat", (3, 4), (3, 4)), {}),
    (case("dropout", (6,), rate=0.5), {}),
    (case("auxiliary", (6,), (6,)), {}),
    (case("resize", (3, 4, 5), height=8, width=10), {}),
    (case("resize", (3, 4, 5), height=8, width=10, mode="bilinear"), {"arithmetic": 4 * 240}),
    (case("resize", (3, 8, 3), height=2, width=6, mode="pyramid"), {"pool": 72}),
    (case("resize", (3, 4, 5), height=8, width=10, mode="pyramid"), {}),
]


@pytest.mark.parametrize(("made", "expected"), COSTS, ids=[str(made) for made, _ in COSTS])
def test_costs_by_class(made: Case, expected: dict[str, int]) -> None:
    (op,) = made.function().operations
    found = op.definition.operations(op)
    assert {name: cost for name, cost in found.items() if cost} == expected


@pytest.mark.parametrize("made", CASES, ids=str)
def test_classes_are_known_and_costs_whole(made: Case) -> None:
    (op,) = made.function().operations
    found = op.definition.operations(op)
    assert set(found) <= set(CLASSES)
    assert all(type(cost) is int and cost >= 0 for cost in found.values())


def test_a_counting_adds_up_its_classes() -> None:
    (op,) = case("linear", (7,), out=3).function().operations
    assert cost(op).multiply_adds == 21
    assert cost(op, Counting.parse("conv+linear+bias")).multiply_adds == 24
    assert cost(op, Counting.parse("bias")).multiply_adds == 3
    assert cost(op, Counting.parse("bn")).multiply_adds == 0
    assert cost(op, Counting.parse("bn")).parameters == 24


def test_texts_of_countings() -> None:
    assert Counting.parse("conv+linear") == PAPERS
    assert str(Counting.parse(" conv + linear +elementwise")) == "conv+linear+elementwise"
    assert Counting.parse("elementwise").classes == {"activation", "arithmetic"}
    assert Counting.parse("conv+auxiliary").auxiliary
    assert {name for help, classes in WORDS.values() for name in classes} == set(CLASSES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv+liner", "unknown word of a counting 'liner'.*did you mean 'linear'"),
        ("", "unknown word of a counting ''"),
        ("conv+", "unknown word of a counting ''"),
        ("conv+bn+conv", r"'conv' is counted twice in 'conv\+bn\+conv'"),
    ],
)
def test_what_is_no_counting(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Counting.parse(text)


def test_an_operation_with_a_class_of_its_own_is_refused() -> None:
    class Odd(OpDefinition):
        """Odd."""

        name: ClassVar[str] = "odd"

        def infer(self, op: Operation, require: Require) -> tuple[TensorType, ...]:
            return (op.operands[0].type,)

        def operations(self, op: Operation) -> dict[str, Any]:
            return {"thought": 1}

        def reference(
            self, op: Operation, inputs: Sequence[Array], weights: Mapping[str, Array]
        ) -> tuple[Array, ...]:
            return (inputs[0],)

    (relu,) = case("relu", (3,)).function().operations
    op = Operation(Odd(), relu.operands, {}, [relu.result.type])
    with pytest.raises(UserError, match="'odd' has costs of class 'thought'"):
        cost(op)
