"""Result types and costs of operations, with literal and with symbolic dimensions."""

import math
from typing import Any

import numpy as np
import pytest
from op_cases import CASES, Case

from drawloom.ir import (
    OPS,
    Decision,
    DType,
    FunctionBuilder,
    InferenceError,
    Operation,
    TensorType,
    cost,
    index_of,
    make_operation,
    substitute,
    value_of,
)
from drawloom.ir.expression import select

STRUCTURE = {"call", "choice"}


def operation(
    name: str, *shapes: tuple[Any, ...], presence: tuple[Any, ...] = (), **attributes: Any
) -> Operation:
    b = FunctionBuilder("f", "network")
    return b.add(name, [b.input(TensorType(s)) for s in shapes], attributes, presence=presence)


def result(name: str, *shapes: tuple[Any, ...], **options: Any) -> tuple[Any, ...]:
    return operation(name, *shapes, **options).result.type.shape


def test_every_operation_has_cases() -> None:
    assert {c.op for c in CASES} == set(OPS.names()) - STRUCTURE


@pytest.mark.parametrize("definition", list(OPS), ids=lambda d: d.name)
def test_every_part_is_documented(definition: Any) -> None:
    assert len(type(definition).__doc__ or "") > 40
    assert all(a.doc for a in definition.attributes if a.name != "param")
    assert "param" not in [a.name for a in definition.attributes[:-1]]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_inferred_shape_is_the_shape_of_the_reference(case: Case) -> None:
    (op,) = case.function().operations
    present = [x for i, x in enumerate(case.inputs()[: len(case.shapes)]) if op.present(i)]
    weights = {name.removeprefix("layer."): w for name, w in case.weights().items()}
    (y,) = op.definition.reference(op, present, weights)
    assert y.shape[1:] == op.result.type.shape
    assert y.dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "attributes", "expected"),
    [
        ((3, 224, 224), {"out": 32, "kernel": 3, "stride": 2, "pad": 1}, (32, 112, 112)),
        ((3, 28, 29), {"out": 8, "kernel": (3, 5), "stride": (2, 1), "pad": (0, 2)}, (8, 13, 29)),
        ((4, 9, 9), {"out": 4, "kernel": 3, "dilation": 4, "groups": 4}, (4, 1, 1)),
    ],
)
def test_conv2d(shape: tuple[int, ...], attributes: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert result("conv2d", shape, param="c", **attributes) == expected


def test_costs() -> None:
    conv = cost(
        operation("conv2d", (4, 8, 8), out=6, kernel=(3, 5), pad=(1, 2), groups=2, bias=True, param="c")
    )
    assert conv.parameters == 6 * 2 * 3 * 5 + 6
    assert conv.multiply_adds == 6 * 2 * 3 * 5 * 64
    assert conv.activation_bytes == 6 * 64 * 4
    linear = cost(operation("linear", (5, 7), out=3, param="l"))
    assert (linear.parameters, linear.multiply_adds) == (3 * 7 + 3, 5 * 7 * 3)
    norm = cost(operation("batch_norm", (9, 2, 2), param="b"))
    assert (norm.parameters, norm.multiply_adds) == (18, 0)
    assert cost(operation("batch_norm", (9, 2, 2), affine=False, param="b")).parameters == 0
    assert cost(operation("max_pool", (9, 4, 4), kernel=2, stride=2)).multiply_adds == 0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_parameters_are_the_elements_of_trainable_weights(case: Case) -> None:
    (op,) = case.function().operations
    sizes = {n: w.size for n, w in case.weights().items() if "running" not in n}
    assert cost(op).parameters == sum(sizes.values())


@pytest.mark.parametrize(
    ("name", "shapes", "attributes", "message", "attribute"),
    [
        ("conv2d", [(32, 8, 8)], {"out": 6, "kernel": 3, "groups": 3}, "groups=3 does not divide", "groups"),
        ("conv2d", [(4, 8, 8)], {"out": 6, "kernel": 3, "groups": 4}, "does not divide 6 output", "groups"),
        ("conv2d", [(4, 4, 8)], {"out": 6, "kernel": 5}, "is 5 high, the padded input only 4", "kernel"),
        ("conv2d", [(4, 8, 4)], {"out": 6, "kernel": 3, "dilation": 2}, "is 5 wide", "kernel"),
        ("conv2d", [(4, 8, 8)], {"out": 0, "kernel": 3}, "out=0 must be at least 1", "out"),
        ("conv2d", [(4, 8, 8)], {"out": 4, "kernel": 3, "stride": (1, 0)}, "stride=0 must be", "stride"),
        ("conv2d", [(4, 8, 8)], {"out": 4, "kernel": 3, "pad": -1}, "pad=-1 must be at least 0", "pad"),
        ("conv2d", [(4, 8, 8)], {"out": 4, "kernel": 3, "dilation": 0}, "dilation=0 must be", "dilation"),
        ("conv2d", [(4, 8, 8)], {"out": 4, "kernel": 3, "groups": 0}, "groups=0 must be", "groups"),
        ("conv2d", [(4,)], {"out": 4, "kernel": 3}, r"takes an image f32\[C, H, W\], got f32\[4\]", None),
        ("linear", [(4, 8, 8)], {"out": 4}, "takes a vector", None),
        ("linear", [(4,)], {"out": -1}, "out=-1 must be", "out"),
        ("batch_norm", [()], {}, "needs a dimension of channels", None),
        ("batch_norm", [(4,)], {"eps": 0.0}, "eps=0.0 must be positive", "eps"),
        ("softmax", [(4,)], {"axis": 1}, "axis=1 does not exist", "axis"),
        ("softmax", [(4,)], {"axis": -1}, "axis=-1 does not exist", "axis"),
        ("add", [(3, 4, 4), (4, 4, 4)], {}, "add differ in dimension 0", None),
        ("mul", [(3, 4, 4), (3,)], {}, "differ in rank", None),
        ("sum", [(3, 4, 4), (3, 4, 5)], {}, "sum differ in dimension 2", None),
        ("sum", [(3, 4, 4), (3,)], {}, "differ in rank", None),
        ("sum", [], {}, "of an empty list", None),
        ("zeros", [], {"shape": (3, 0)}, "shape=0 must be", "shape"),
        ("zeros_like", [(4,)], {"stride": 2}, "takes an image", None),
        ("zeros_like", [(4, 4, 4)], {"stride": 0}, "stride=0 must be", "stride"),
        ("dropout", [(4,)], {"rate": 1.0}, "rate=1.0 is not", "rate"),
        ("dropout", [(4,)], {"rate": -0.1}, "rate=-0.1 is not", "rate"),
        ("drop_path", [(4,)], {"rate": 1.0}, "rate=1.0 is not", "rate"),
        ("auxiliary", [(4,), (3,)], {"weight": -0.1}, "weight=-0.1 is negative", "weight"),
        ("max_pool", [(4, 4, 4)], {"kernel": 2, "pad": 2}, "pad=2 is more than half of kernel=2", "pad"),
        ("avg_pool", [(4, 2, 4)], {"kernel": 3}, "kernel is 3 high", "kernel"),
        ("global_avg_pool", [(4,)], {}, "takes an image", None),
        ("concat", [(3, 4, 4), (3, 5, 4)], {}, "concat differ in dimension 1", None),
        ("concat", [(3, 4, 4)], {"axis": 3}, "axis=3 does not exist", "axis"),
        ("slice", [(3,)], {"axis": 0, "begin": 2, "end": 2}, "slice from 2 to 2", "end"),
        ("slice", [(3,)], {"axis": 0, "begin": -1, "end": 2}, "slice from -1 to 2", "end"),
        ("slice", [(3,)], {"axis": 0, "begin": 0, "end": 4}, "slice from 0 to 4", "end"),
        ("reshape", [(3, 4)], {"shape": (5,)}, "has 12 elements, the new shape 5", "shape"),
        ("channel_shuffle", [(4, 3, 3)], {"groups": 3}, "groups=3 does not divide 4 channels", "groups"),
        ("resize", [(4, 3, 3)], {"height": 0, "width": 3}, "height=0 must be", "height"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    name: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], message: str, attribute: str | None
) -> None:
    definition = OPS[name]
    param = {"param": "p"} if definition.has_weights else {}
    with pytest.raises(InferenceError, match=message) as caught:
        operation(name, *shapes, **attributes, **param)
    assert caught.value.attribute == attribute


def test_absent_operands() -> None:
    assert result("concat", (3, 4, 4), (2, 4, 4), (1, 4, 4), presence=(True, False, True)) == (4, 4, 4)
    assert result("sum", (3, 9, 9), (3, 4, 4), presence=(False, True)) == (3, 4, 4)
    assert result("sum", (3, 9, 9), (3, 4, 4), presence=(False, False)) == (3, 9, 9)
    with pytest.raises(InferenceError, match="at least one present"):
        result("concat", (3, 4, 4), (2, 4, 4), presence=(False, False))


def test_element_types_must_agree() -> None:
    b = FunctionBuilder("f", "network")
    x, y = b.input(TensorType((3,))), b.input(TensorType((3,), DType.I32))
    for name in ("add", "sum", "concat"):
        with pytest.raises(InferenceError, match="element type"):
            b.op(name, [x, y])


# Of expressions as dimensions and attributes: inferring, then substituting is substituting, then inferring.

K = Decision("kernel", (1, 3, 5))
W = Decision("width", (4, 8, 12))
S = Decision("stride", (1, 2))
P = Decision("present", (False, True))
K_, W_, S_, P_ = value_of(K), value_of(W), value_of(S), value_of(P)
SIZE = select(index_of(S), [9, 12])

SYMBOLIC: list[tuple[str, list[tuple[Any, ...]], dict[str, Any], tuple[Any, ...]]] = [
    ("conv2d", [(W_, 9, 9)], {"out": W_ * 2, "kernel": K_, "pad": K_ // 2, "stride": S_}, ()),
    ("conv2d", [(W_, SIZE, 9)], {"out": W_, "kernel": (K_, 1), "groups": W_, "dilation": S_}, ()),
    ("conv2d", [(W_, 9, 9)], {"out": 8, "kernel": 3, "groups": W_ // 4 * 2 // S_}, ()),
    ("linear", [(W_ * 3,)], {"out": K_}, ()),
    ("linear", [(7, W_)], {"out": 5}, ()),
    ("batch_norm", [(W_, SIZE, SIZE)], {}, ()),
    ("relu", [(W_, SIZE, SIZE)], {}, ()),
    ("softmax", [(W_,)], {}, ()),
    ("add", [(W_, 5, 5), (W_, 5, 5)], {}, ()),
    ("add", [(W_, SIZE, 5), (W_, 1, 1)], {}, ()),
    ("mul", [(W_ // 4, 5, 5), (K_ * 0 + 1, 5, 5)], {}, ()),
    ("sum", [(W_, SIZE), (W_, SIZE)], {}, (P_, True)),
    ("sum", [(W_, 9), (W_, SIZE)], {}, (P_, True)),
    ("zeros", [], {"shape": (W_, K_)}, ()),
    ("zeros_like", [(W_, SIZE, 7)], {"stride": S_}, ()),
    ("dropout", [(W_,)], {"rate": W_ / 100}, ()),
    ("drop_path", [(W_,)], {"rate": W_ / 100}, ()),
    ("auxiliary", [(W_, SIZE), (K_,)], {"weight": 0.1 * K_}, ()),
    ("max_pool", [(W_, SIZE, 9)], {"kernel": K_, "stride": S_, "pad": K_ // 2}, ()),
    ("avg_pool", [(W_, SIZE, 9)], {"kernel": K_ + 1, "stride": S_, "pad": S_ // 2}, ()),
    ("global_avg_pool", [(W_, SIZE, 9)], {}, ()),
    ("concat", [(W_, 5, 5), (K_, 5, 5), (7, 5, 5)], {}, (True, P_, P_)),
    ("concat", [(3, W_, 5), (3, 1, 5)], {"axis": 1}, (P_, True)),
    ("slice", [(W_, 5)], {"axis": 0, "begin": W_ // 4, "end": W_ // 2 + S_}, ()),
    ("reshape", [(W_, SIZE)], {"shape": (W_ // 4, SIZE * 4)}, ()),
    ("flatten", [(W_, SIZE, K_)], {}, ()),
    ("channel_shuffle", [(W_, 4, 4)], {"groups": S_ * 2}, ()),
    ("resize", [(W_, SIZE, 4)], {"height": SIZE * S_, "width": K_}, ()),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SYMBOLIC)), ids=lambda i: f"{SYMBOLIC[i][0]}-{i}")
def test_symbolic_inference_agrees_with_substitution(number: int) -> None:
    name, shapes, attributes, presence = SYMBOLIC[number]
    param = {"param": "p"} if OPS[name].has_weights else {}
    open_conditions: list[Any] = []

    def require(condition: Any, message: str, **_: Any) -> None:
        assert condition is not False, message
        open_conditions.append(condition)

    b = FunctionBuilder("f", "network", require=require)
    op = b.add(name, [b.input(TensorType(s)) for s in shapes], attributes | param, presence=presence)
    domains = [(k, w, s, p) for k in K.domain for w in W.domain for s in S.domain for p in P.domain]
    checked = 0
    for values in domains:
        replace = dict(zip((K, W, S, P), values, strict=True))
        if not all(substitute(c, replace) for c in open_conditions):
            continue
        checked += 1
        decided = make_operation(
            OPS[name],
            [FunctionBuilder("g", "network").input(TensorType(substitute(s, replace))) for s in shapes],
            {k: substitute(v, replace) for k, v in attributes.items()} | param,
            presence=substitute(tuple(presence), replace),
        )
        assert op.result.type.substitute(replace) == decided.result.type
        costs = {name: substitute(c, replace) for name, c in op.definition.operations(op).items()}
        assert costs == decided.definition.operations(decided)
        assert substitute(cost(op).parameters, replace) == cost(decided).parameters
    assert checked >= len(domains) // 3, "too few assignments are valid for this to test anything"


def test_open_conditions_are_obligations() -> None:
    found: list[Any] = []
    b = FunctionBuilder("f", "network", require=lambda c, m, **_: found.append((c, m)))
    b.op("conv2d", [b.input(TensorType((W_, 4, 4)))], {"out": 6, "kernel": K_, "groups": S_, "param": "p"})
    unsettled = [m for c, m in found if c is not True]
    assert unsettled == [
        "the kernel is @kernel high, the padded input only 4",
        "the kernel is @kernel wide, the padded input only 4",
    ]


def test_known_for_all_assignments_is_known() -> None:
    op = operation("conv2d", (3, 9, 9), out=4, kernel=K_, pad=K_ // 2, param="p")
    assert op.result.type.shape == (4, 9, 9)
    with pytest.raises(InferenceError, match="does not divide"):
        operation("conv2d", (3, 9, 9), out=4, kernel=K_, groups=S_ * 2, param="p")


def test_cost_of_a_symbolic_convolution_is_an_expression() -> None:
    op = operation("conv2d", (W_, 9, 9), out=W_, kernel=K_, pad=K_ // 2, groups=W_, param="p")
    table = cost(op).multiply_adds.substitute({K: 5, W: 8})
    assert table == math.prod((8, 5, 5, 9, 9))
