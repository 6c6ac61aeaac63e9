"""What functions share that differ in types and attributes, and what an assignment leaves of it."""

import pytest

from drawloom.ir import Decision, Function, FunctionBuilder, TensorType, Value, index_of, value_of
from drawloom.ir.expression import equal
from drawloom.passes.skeleton import Reading, Skeleton, skeleton_key

KERNEL = Decision("kernel", (3, 5))
ARM = Decision("arm", ("conv", "pool", "skip"))
FIRST, LAST = Decision("first", (0, 1)), Decision("last", (0, 1))
DECISIONS = [KERNEL, ARM, FIRST, LAST]


def cell(channels: int, *, selector: Decision = ARM, twice: bool = False, name: str = "sum") -> Function:
    """Slots: x is 0, the convolution 1, the pooling 2, two choices 3 and 4, the list 5, what is dead 6."""
    b = FunctionBuilder(f"cell{channels}", "cell")
    x = b.input(TensorType((channels, 8, 8)), "x")
    kernel = value_of(KERNEL)
    conv = b.op(
        "conv2d", [x], {"out": channels, "kernel": kernel, "pad": kernel // 2, "param": "c", "stride": 1}
    )
    pool = b.op("max_pool", [x], {"kernel": 3, "pad": 1, "stride": 1})
    chosen = b.choice([conv, pool, x], index_of(selector))
    again = b.choice([chosen, chosen if twice else x, x], index_of(selector))
    presence = [equal(value_of(FIRST), 1), True, equal(value_of(LAST), 1)]
    out: Value = b.op(name, [chosen, again, x], presence=presence)
    b.op("relu", [out])
    return b.finish([out])


def read(function: Function, kernel: int = 0, arm: int = 0, first: int = 1, last: int = 1) -> Reading:
    return Skeleton(function, DECISIONS).at([kernel, arm, first, last])


def test_types_and_attributes_do_not_count() -> None:
    assert skeleton_key(cell(4)) == skeleton_key(cell(8))


@pytest.mark.parametrize(
    "other",
    [cell(4, selector=Decision("other", ARM.domain)), cell(4, twice=True)],
    ids=["selector", "operand"],
)
def test_what_is_read_by_which_decisions_counts(other: Function) -> None:
    assert skeleton_key(cell(4)) != skeleton_key(other)


def test_choices_are_followed_and_dead_operations_left_out() -> None:
    assert read(cell(4), arm=0) == Reading([(0, (0,)), (4, (1, 1, 0))], (5,))
    assert read(cell(4), arm=1) == Reading([(1, (0,)), (4, (2, 0, 0))], (5,))
    assert read(cell(4), arm=2) == Reading([(4, (0, 0, 0))], (5,))


def test_absent_members_are_left_out_with_what_only_they_read() -> None:
    assert read(cell(4), arm=1, first=0, last=0) == Reading([(4, (0,))], (5,))
    assert read(cell(4), arm=1, first=1, last=0) == Reading([(1, (0,)), (4, (2, 0))], (5,))


def test_a_function_may_return_a_choice() -> None:
    b = FunctionBuilder("f", "block")
    x = b.input(TensorType((4,)))
    f = b.finish([b.choice([b.op("relu", [x]), x], index_of(FIRST))])
    skeleton = Skeleton(f, [FIRST])
    assert skeleton.at([0]) == Reading([(0, (0,))], (1,))
    assert skeleton.at([1]) == Reading([], (0,))


def test_the_last_answer_serves_all_assignments_that_select_the_same() -> None:
    skeleton = Skeleton(cell(4), DECISIONS)
    reading = skeleton.at([0, 1, 1, 1])
    assert skeleton.at([1, 1, 1, 1]) is reading
    assert skeleton.at([1, 2, 1, 1]) != reading
    assert skeleton.at([0, 1, 1, 1]) == reading
