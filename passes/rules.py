"""The rules of ``canonicalize``: for each operation, what it may be replaced by. Small, local, exact.

Every rule keeps what the network computes, in training too: dropout stays, and so do auxiliary heads. Zeros
are written ``zeros``; what computes zeros from zeros becomes that, so the branch that made them dies. Nested
sums are not flattened: that would change the order of additions, and the count of distinct cells.
"""

from __future__ import annotations

from drawloom.ir import DType, Expr, Operation, Value, index_of
from drawloom.ir.expression import select
from drawloom.ir.ops.activation import KEEP_ZERO

from .pattern import ZEROS, Condition, Var, again, is_zeros, keeps_type, pattern
from .rebuild import Specialised, copied, nothing, remade, zeros
from .rewrite import RuleRegistry, function_rule, rule

x, y = Var("x"), Var("y")

_LISTS = ("sum", "mean", "weighted_sum", "concat")
_RESHAPES = ("reshape", "flatten")
_SQUASHED = ("relu6", "sigmoid", "hsigmoid", "softmax")
"""Operations whose results lie between 0 and 6."""
_KEEP_ZERO = (
    *("dropout", "drop_path", *KEEP_ZERO),
    *("max_pool", "avg_pool", "global_avg_pool"),
    *("slice", "reshape", "flatten", "channel_shuffle", "resize"),
)
"""Operations of one tensor that map zeros to zeros."""


@function_rule("known-choice", "choice", "choice(x0, x1, ...; selector=i) --> xi")
def known_choice(op: Operation) -> Value | None:
    """A choice that is made is what it selects."""
    selector = op.attributes["selector"]
    return None if isinstance(selector, Expr) else op.operands[int(selector)]


@function_rule(
    "unselected-alternatives",
    "choice",
    "choice(x0, x1, x2, ...; selector=s) --> choice(x0, x2, ...; selector=t) if s is never 1",
)
def unselected_alternatives(op: Operation) -> Operation | None:
    """Alternatives that no assignment selects go; what remains is counted anew."""
    selector: Expr = op.attributes["selector"]
    if selector.table is None:
        return None
    values = [int(i) for i in selector.table.flat]
    used = sorted(set(values))
    if len(used) == len(op.operands):
        return None
    ranks = {old: new for new, old in enumerate(used)}
    chosen = select(selector, [ranks.get(i, 0) for i in range(used[-1] + 1)])
    if values == used and len(selector.decisions) == 1:
        chosen = index_of(selector.decisions[0])
    return remade(op, tuple([op.operands[i] for i in used]), {**op.attributes, "selector": chosen})


@function_rule("absent-members", _LISTS, "sum(x if false, y) --> sum(y); sum() --> zeros")
def absent_members(op: Operation) -> Specialised | None:
    """Members that are never present go; a sum of nothing is zeros."""
    if not op.presence or not any(p is False for p in op.presence):
        return None
    kept = [i for i, p in enumerate(op.presence) if p is not False]
    return _members(op, kept) if kept else nothing(op, op.result.type)


def _members(op: Operation, kept: list[int]) -> Operation:
    """A list operation of some of its members."""
    presence = tuple([op.presence[i] for i in kept]) if op.presence else ()
    return copied(op, tuple([op.operands[i] for i in kept]), presence)


@function_rule("always-present", _LISTS, "sum(x if true, y if true) --> sum(x, y)")
def always_present(op: Operation) -> Operation | None:
    """Presences that are all true are left out."""
    return copied(op, op.operands, ()) if op.presence and all(p is True for p in op.presence) else None


@function_rule("zero-members", "sum", "sum(x, zeros) --> sum(x); sum(zeros, zeros) --> zeros")
def zero_members(op: Operation) -> Specialised | None:
    """Zeros add nothing to a sum."""
    kept = [i for i, v in enumerate(op.operands) if not is_zeros(v)]
    if len(kept) == len(op.operands):
        return None
    return _members(op, kept) if kept else zeros(op.result.type, op)


_FLOATS = Condition("its elements are f32", lambda op, found: op.result.type.dtype is DType.F32)

RULES = RuleRegistry(
    [
        known_choice,
        rule("equal-alternatives", pattern("choice", x, repeated=True), x, where=[keeps_type(x)]),
        unselected_alternatives,
        absent_members,
        always_present,
        # zeros; batch norm of zeros is not zero
        rule("zero-alternatives", pattern("choice", ZEROS, repeated=True), ZEROS),
        rule("list-of-zeros", pattern(("mean", "weighted_sum", "concat"), ZEROS, repeated=True), ZEROS),
        zero_members,
        rule("add-zeros", pattern("add", x, ZEROS, swapped=True), x, where=[keeps_type(x)]),
        rule("sub-zeros", pattern("sub", x, ZEROS), x, where=[keeps_type(x)]),
        rule("mul-zeros", pattern("mul", y, ZEROS, swapped=True), ZEROS),
        rule("product-of-zeros", pattern(("conv2d", "linear"), ZEROS, bias=False), ZEROS),
        rule("zeros-like", pattern("zeros_like", ...), ZEROS, where=[_FLOATS]),
        rule("zeros-of-zeros", pattern(_KEEP_ZERO, ZEROS), ZEROS),
        # operations that do nothing
        rule("single-member", pattern(_LISTS, x), x, where=[keeps_type(x)]),
        rule("identity", pattern("identity", x), x),
        rule("no-change", pattern("affine", x, scale=1, shift=0), x),
        rule("no-dropout", pattern(("dropout", "drop_path"), x, rate=0), x),
        rule("no-auxiliary", pattern("auxiliary", x, y, weight=0), x),
        rule(
            "one-pixel-window",
            pattern(("max_pool", "avg_pool"), x, kernel=(1, 1), stride=(1, 1), pad=(0, 0)),
            x,
        ),
        rule("same-shape", pattern(("slice", "resize", *_RESHAPES), x), x, where=[keeps_type(x)]),
        rule("one-group", pattern("channel_shuffle", x, groups=1), x),
        # pairs
        rule("relu-of-positive", pattern("relu", pattern(("relu", *_SQUASHED), ...).named("y")), y),
        rule("relu6-of-squashed", pattern("relu6", pattern(_SQUASHED, ...).named("y")), y),
        rule("relu6-of-relu", pattern("relu6", pattern("relu", x)), again(x)),
        rule("reshape-of-reshape", pattern(_RESHAPES, pattern(_RESHAPES, x)), again(x)),
    ]
)
"""The rules that come with Drawloom, in the order in which they are tried."""
