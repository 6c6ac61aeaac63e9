"""A canonicalisation rule."""

from drawloom.ir import Operation
from drawloom.passes import function_rule
from drawloom.passes.pattern import is_zeros
from drawloom.passes.rebuild import Specialised, zeros


@function_rule("crelu-of-zeros", "crelu", "crelu(zeros) --> zeros")
def crelu_of_zeros(op: Operation) -> Specialised | None:
    """Nothing comes of nothing."""
    return zeros(op.result.type, op) if is_zeros(op.operands[0]) else None
