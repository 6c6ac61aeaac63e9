"""The rules of ``canonicalize``: for each operation, what it may be replaced by. Small, local, exact.

A rule looks at one operation whose operands are already simple and returns the value or the operation that
takes its place, or None. Every rule keeps what the network computes, in training too: dropout stays. Zeros
are written ``zeros``; what computes zeros from zeros becomes that, so the branch that made them dies.
Nested sums are not flattened: that would change the order of additions, and the count of distinct cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawloom.ir import DType, Expr, Operation, Value

from .rebuild import Specialised, copied, nothing, zeros

Rule = Callable[[Operation], Specialised | None]


def simplified(op: Operation) -> Specialised:
    """Apply rules until none fits: the operation itself, another one, or the value that takes its place."""
    current: Specialised = op
    while isinstance(current, Operation):
        replacement = _first(current)
        if replacement is None:
            return current
        current = replacement
    return current


def _first(op: Operation) -> Specialised | None:
    for rule in RULES.get(op.definition.name, ()):
        found = rule(op)
        if found is not None:
            return found
    return None


def is_zeros(value: Value) -> bool:
    """Whether a value is known to be zero everywhere."""
    return value.producer is not None and value.producer.definition.name == "zeros"


# Choices


def known_choice(op: Operation) -> Value | None:
    """``choice %a, %b by 1`` is ``%b``."""
    selector = op.attributes["selector"]
    return None if isinstance(selector, Expr) else op.operands[int(selector)]


def equal_alternatives(op: Operation) -> Value | None:
    """``choice %a, %a by s`` is ``%a``."""
    first = op.operands[0]
    return first if all(v is first for v in op.operands) and first.type == op.result.type else None


# Lists


def absent_members(op: Operation) -> Specialised | None:
    """``sum %a, %b if false`` is ``sum %a``; a sum of nothing is zeros."""
    if not any(p is False for p in op.presence):
        return None
    kept = [i for i, p in enumerate(op.presence) if p is not False]
    if not kept:
        return nothing(op, op.result.type)
    return copied(op, tuple([op.operands[i] for i in kept]), tuple([op.presence[i] for i in kept]))


def always_present(op: Operation) -> Operation | None:
    """Presences that are all true are left out."""
    return copied(op, op.operands, ()) if op.presence and all(p is True for p in op.presence) else None


def single_member(op: Operation) -> Value | None:
    """``sum %a`` and ``concat %a`` are ``%a``."""
    if len(op.operands) != 1 or op.presence or op.operands[0].type != op.result.type:
        return None
    return op.operands[0]


# Zeros


def zero_members(op: Operation) -> Specialised | None:
    """``sum %a, %zeros`` is ``sum %a``; a sum of zeros is zeros."""
    kept = [i for i, v in enumerate(op.operands) if not is_zeros(v)]
    if len(kept) == len(op.operands):
        return None
    if not kept:
        return zeros(op.result.type, op)
    return copied(op, tuple([op.operands[i] for i in kept]), tuple([op.present(i) for i in kept]))


def add_zeros(op: Operation) -> Value | None:
    """``add %a, %zeros`` is ``%a`` where the zeros do not widen it."""
    for value, other in (op.operands, op.operands[::-1]):
        if is_zeros(other) and value.type == op.result.type:
            return value
    return None


def sub_zeros(op: Operation) -> Value | None:
    """``sub %a, %zeros`` is ``%a`` where the zeros do not widen it."""
    value, other = op.operands
    return value if is_zeros(other) and value.type == op.result.type else None


def mul_zeros(op: Operation) -> Operation | None:
    """``mul %a, %zeros`` is zeros."""
    return zeros(op.result.type, op) if any(map(is_zeros, op.operands)) else None


def zeros_of_zeros(op: Operation) -> Operation | None:
    """Operations that map zeros to zeros, such as pooling, of nothing but zeros."""
    return zeros(op.result.type, op) if all(map(is_zeros, op.operands)) else None


def product_of_zeros(op: Operation) -> Operation | None:
    """``conv2d`` and ``linear`` of zeros without a bias; batch norm of zeros is not zero."""
    return zeros_of_zeros(op) if op.attributes["bias"] is False else None


def plain_zeros(op: Operation) -> Operation | None:
    """``zeros_like`` is ``zeros``, which does not consume an operand."""
    return zeros(op.result.type, op) if op.result.type.dtype is DType.F32 else None


# Operations that do nothing


def operand_itself(op: Operation) -> Value:
    """``identity %a`` is ``%a``."""
    return op.operands[0]


def same_when(**wanted: Any) -> Rule:
    """The operand itself where attributes have these values and the type stays."""

    def rule(op: Operation) -> Value | None:
        if any(op.attributes[name] != value for name, value in wanted.items()):
            return None
        return same_type(op)

    return rule


def same_type(op: Operation) -> Value | None:
    """The operand itself where an operation that only changes the shape does not change it."""
    return op.operands[0] if op.operands[0].type == op.result.type else None


# Pairs


def repeated(*inner: str) -> Rule:
    """``f(g(x))`` is ``g(x)`` for the `inner` operations g after which f changes nothing."""

    def rule(op: Operation) -> Value | None:
        producer = op.operands[0].producer
        return op.operands[0] if producer is not None and producer.definition.name in inner else None

    return rule


def relu6_of_relu(op: Operation) -> Operation | None:
    """``relu6(relu(x))`` is ``relu6(x)``."""
    producer = op.operands[0].producer
    return copied(op, producer.operands) if producer is not None and producer.name == "relu" else None


def reshape_of_reshape(op: Operation) -> Operation | None:
    """Of two changes of shape in a row the second is enough."""
    producer = op.operands[0].producer
    if producer is None or producer.name not in ("reshape", "flatten"):
        return None
    return copied(op, producer.operands)


_LIST: tuple[Rule, ...] = (absent_members, always_present)
_NO_WINDOW = same_when(kernel=(1, 1), stride=(1, 1), pad=(0, 0))

RULES: dict[str, tuple[Rule, ...]] = {
    "choice": (known_choice, equal_alternatives, zeros_of_zeros),
    "sum": (*_LIST, zero_members, single_member),
    "mean": (*_LIST, zeros_of_zeros, single_member),
    "weighted_sum": (*_LIST, zeros_of_zeros, single_member),
    "concat": (*_LIST, zeros_of_zeros, single_member),
    "add": (add_zeros,),
    "sub": (sub_zeros,),
    "mul": (mul_zeros,),
    "affine": (same_when(scale=1, shift=0),),
    "zeros_like": (plain_zeros,),
    "identity": (operand_itself,),
    "dropout": (zeros_of_zeros, same_when(rate=0)),
    "conv2d": (product_of_zeros,),
    "linear": (product_of_zeros,),
    "relu": (zeros_of_zeros, repeated("relu", "relu6", "sigmoid", "hsigmoid", "softmax")),
    "relu6": (zeros_of_zeros, repeated("relu6", "sigmoid", "hsigmoid", "softmax"), relu6_of_relu),
    "hswish": (zeros_of_zeros,),
    "swish": (zeros_of_zeros,),
    "tanh": (zeros_of_zeros,),
    "max_pool": (zeros_of_zeros, _NO_WINDOW),
    "avg_pool": (zeros_of_zeros, _NO_WINDOW),
    "global_avg_pool": (zeros_of_zeros,),
    "slice": (zeros_of_zeros, same_type),
    "reshape": (zeros_of_zeros, same_type, reshape_of_reshape),
    "flatten": (zeros_of_zeros, same_type, reshape_of_reshape),
    "channel_shuffle": (zeros_of_zeros, same_when(groups=1)),
    "resize": (zeros_of_zeros, same_type),
}
"""The rules for each operation, in the order in which they are tried."""
