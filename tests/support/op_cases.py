"""Cases of every operation: shapes and attributes at which implementations differ if they can.

`CASES` covers all operations but `call` and `choice`; a test holds that none is missing.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drawloom.ir import OPS, DType, Function, FunctionBuilder, Module, TensorType
from drawloom.ir.ops.activation import ACTIVATIONS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One operation on operands of given shapes."""

    op: str
    shapes: tuple[Shape, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    presence: tuple[bool, ...] = ()

    def __str__(self) -> str:
        operands = "+".join("x".join(map(str, s)) for s in self.shapes)
        attributes = ",".join(f"{k}={v}" for k, v in self.attributes.items()).replace(" ", "")
        present = "".join("01"[p] for p in self.presence)
        return "-".join(part for part in (self.op, operands, attributes, present) if part)

    def module(self) -> Module:
        """A network of the operation alone."""
        function = self.function()
        return Module(function.name, {function.name: function})

    def function(self) -> Function:
        """The only function of `module`."""
        b = FunctionBuilder("network", "network")
        operands = [b.input(TensorType(shape, self.dtype)) for shape in self.shapes or ((1,),)]
        result = b.op(self.op, operands[: len(self.shapes)], self.full_attributes(), presence=self.presence)
        return b.finish([result])

    def full_attributes(self) -> dict[str, Any]:
        """The attributes with a weight path where one is needed."""
        return {**self.attributes, "param": "layer"} if OPS[self.op].has_weights else self.attributes

    @property
    def dtype(self) -> DType:
        """The element type of its operands."""
        return DType.I32 if self.op == "embedding" else DType.F32

    def inputs(self, batch: int = 2, dtype: Any = np.float32) -> list[np.ndarray]:
        """Inputs of the network, the same at every call."""
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        if self.dtype is DType.I32:
            return [
                rng.integers(self.attributes["vocabulary"], size=(batch, *s), dtype=np.int32)
                for s in self.shapes
            ]
        normal = [(3 * rng.normal(size=(batch, *s))).astype(dtype) for s in self.shapes or ((1,),)]
        return [np.abs(x) for x in normal] if self.op in POSITIVE else normal

    def weights(self, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        """Weights of the network, none of them special: variances positive, scales not one."""
        rng = np.random.default_rng(zlib.crc32(f"weights of {self}".encode()))
        (op,) = self.function().operations
        weights = {}
        for name, weight in op.definition.weights(op).items():
            value = rng.normal(size=weight.type.shape)
            weights[f"layer.{name}"] = (np.abs(value) + 0.5 if name == "running_var" else value).astype(dtype)
        return weights


def case(op: str, *shapes: Shape, presence: tuple[bool, ...] = (), **attributes: Any) -> Case:
    """A `Case`, briefly."""
    return Case(op, shapes, attributes, presence)


ELEMENTWISE = (*ACTIVATIONS, "identity")
POSITIVE = ("sqrt", "log")
"""Operations of which no negative number has a result."""

CASES: tuple[Case, ...] = (
    case("conv2d", (3, 7, 6), out=5, kernel=1),
    case("conv2d", (3, 8, 7), out=5, kernel=3, pad=1, bias=True),
    case("conv2d", (4, 8, 7), out=6, kernel=3, stride=2, pad=1, groups=2),
    case("conv2d", (5, 9, 9), out=5, kernel=5, stride=2, pad=2, groups=5),
    case("conv2d", (4, 6, 6), out=8, kernel=3, pad=1, groups=4, bias=True),
    case("conv2d", (3, 9, 11), out=4, kernel=(1, 7), pad=(0, 3)),
    case("conv2d", (3, 9, 11), out=4, kernel=(3, 2), stride=(2, 3), pad=(0, 1), dilation=(1, 2)),
    case("conv2d", (4, 11, 10), out=4, kernel=3, pad=2, dilation=2, groups=4),
    case("conv2d", (2, 5, 5), out=3, kernel=5),
    case("conv2d", (1, 1, 1), out=1, kernel=3, pad=1),
    case("linear", (7,), out=3),
    case("linear", (1,), out=1, bias=False),
    case("linear", (4, 6), out=5),
    case("embedding", (5,), vocabulary=7, out=3),
    case("unembedding", (4, 6), vocabulary=7),
    case("unembedding", (3,), vocabulary=5),
    case("batch_norm", (5, 4, 3)),
    case("batch_norm", (5, 4, 3), affine=False),
    case("batch_norm", (6,), eps=1e-3),
    case("batch_norm", (3, 5)),
    *(case("channel_affine", shape) for shape in ((5,), (3, 4), (3, 4, 5), (3, 2, 1, 5))),
    case("channel_affine", (3, 4, 5), shift=False),
    case("channel_affine", (3, 4), scale=False),
    *(case(name, shape) for name in ELEMENTWISE for shape in ((5,), (3, 4, 5))),
    case("softmax", (7,)),
    case("softmax", (3, 4, 5)),
    case("softmax", (3, 4, 5), axis=2),
    case("add", (3, 4, 5), (3, 4, 5)),
    case("add", (3, 4, 5), (3, 1, 1)),
    case("add", (1, 4, 1), (3, 1, 5)),
    case("mul", (3, 4, 5), (3, 4, 5)),
    case("mul", (3, 1, 1), (3, 4, 5)),
    case("mul", (6,), (6,)),
    case("sub", (3, 4, 5), (3, 4, 5)),
    case("sub", (3, 1, 1), (3, 4, 5)),
    case("sub", (3, 4, 5), (3, 1, 1)),
    case("sub", (6,), (6,)),
    *(case(name, (3, 4, 5), (3, 4, 5)) for name in ("div", "maximum", "minimum")),
    *(case(name, (3, 4, 5), (3, 1, 1)) for name in ("div", "maximum", "minimum")),
    *(case(name, (3, 1, 5), (3, 4, 5)) for name in ("div", "maximum", "minimum")),
    case("affine", (3, 4, 5), scale=-2.5, shift=0.75),
    case("affine", (6,), scale=-1, shift=1),
    case("affine", (4, 6), scale=0.5),
    case("sum", (3, 4, 5)),
    case("sum", (3, 4, 5), (3, 4, 5), (3, 4, 5)),
    case("sum", (3, 4, 5), (3, 4, 5), (3, 4, 5), presence=(False, True, True)),
    case("sum", (3, 4, 5), (3, 4, 5), presence=(False, False)),
    case("mean", (3, 4, 5)),
    case("mean", (3, 4, 5), (3, 4, 5), (3, 4, 5)),
    case("mean", (6,), (6,), (6,), presence=(True, False, True)),
    case("weighted_sum", (3, 4, 5)),
    case("weighted_sum", (3, 4, 5), (3, 4, 5), (3, 4, 5)),
    case("weighted_sum", (4, 6), (4, 6)),
    case("zeros", shape=(3, 4, 5)),
    case("zeros_like", (3, 4, 5)),
    case("zeros_like", (3, 4, 5), stride=2),
    case("zeros_like", (3, 4, 5), stride=(1, 3)),
    case("zeros_like", (6,)),
    case("dropout", (6,), rate=0.5),
    case("dropout", (2, 3, 3), rate=0.0),
    case("drop_path", (6,), rate=0.5),
    case("drop_path", (2, 3, 3), rate=0.0),
    case("auxiliary", (3, 4, 5), (7,)),
    case("auxiliary", (6,), (6,), weight=0.5),
    case("max_pool", (3, 8, 7), kernel=2, stride=2),
    case("max_pool", (3, 8, 7), kernel=3, pad=1),
    case("max_pool", (3, 7, 8), kernel=3, stride=2, pad=1),
    case("max_pool", (3, 7, 8), kernel=(2, 3), stride=(1, 2), pad=(0, 1)),
    case("avg_pool", (3, 8, 7), kernel=2, stride=2),
    case("avg_pool", (3, 8, 7), kernel=3, pad=1),
    case("avg_pool", (3, 7, 8), kernel=3, stride=2, pad=1, count_include_pad=True),
    case("avg_pool", (3, 7, 8), kernel=(2, 3), stride=(1, 2), pad=(1, 1)),
    case("global_avg_pool", (3, 4, 5)),
    case("global_avg_pool", (3, 4, 5), keep=True),
    case("concat", (3, 4, 5)),
    case("concat", (3, 4, 5), (1, 4, 5), (2, 4, 5)),
    case("concat", (3, 4, 5), (1, 4, 5), (2, 4, 5), presence=(False, True, True)),
    case("concat", (3, 4, 5), (3, 4, 2), axis=2),
    case("concat", (3,), (4,)),
    case("slice", (6, 4, 5), axis=0, begin=1, end=4),
    case("slice", (6, 4, 5), axis=2, begin=4, end=5),
    case("slice", (6,), axis=0, begin=0, end=6),
    case("reshape", (6, 4, 5), shape=(3, 8, 5)),
    case("reshape", (6, 4), shape=(24,)),
    case("reshape", (12,), shape=(3, 2, 2)),
    case("flatten", (3, 4, 5)),
    case("flatten", (6,)),
    case("channel_shuffle", (6, 4, 5), groups=2),
    case("channel_shuffle", (6, 4, 5), groups=3),
    case("channel_shuffle", (4, 3, 3), groups=1),
    case("resize", (3, 4, 5), height=8, width=10),
    case("resize", (3, 7, 5), height=3, width=4),
    case("resize", (3, 4, 5), height=8, width=10, mode="bilinear"),
    case("resize", (3, 7, 5), height=3, width=11, mode="bilinear"),
    case("resize", (2, 1, 1), height=4, width=3, mode="bilinear"),
    case("resize", (3, 4, 6), height=8, width=18, mode="pyramid"),
    case("resize", (3, 8, 6), height=2, width=3, mode="pyramid"),
    case("resize", (3, 8, 3), height=2, width=6, mode="pyramid"),
    case("resize", (3, 4, 5), height=4, width=5, mode="pyramid"),
)
"""All cases, in the order of the operations' families."""
