"""The operation in TVM: made of operations that the backend knows."""

from drawloom.backends.tvm.flat import FlatOperation, FlatValue
from drawloom.backends.tvm.lowering import Lowering
from drawloom.backends.tvm.rules import lower_operation


def crelu(to: Lowering, op: FlatOperation) -> None:
    """A copy with the sign turned, both joined, the rectifier fused behind."""
    (x,) = op.operands
    x.uses += 1  # it is read twice here, so neither reader may work in its place
    negated, joined = FlatValue(x.shape, uses=1), FlatValue(op.result.shape, uses=1)
    lower_operation(to, FlatOperation("affine", (x,), {"scale": -1.0, "shift": 0.0}, "", negated))
    lower_operation(to, FlatOperation("concat", (x, negated), {"axis": 0}, "", joined))
    lower_operation(to, FlatOperation("relu", (joined,), {}, "", op.result))
