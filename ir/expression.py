"""Expressions over decision symbols: hash-consed, folded, and tabulated while their joint domain is small.

A *scalar* is a literal or an `Expr`. Attributes, tensor dimensions, selectors, presences and costs are
scalars, so the same
arithmetic serves resolved networks (plain numbers) and spaces (expressions): ``height // stride`` works on
both.

An expression whose decisions span at most `TABLE_LIMIT` joint values carries the table of its values, which
gives folding
(a constant table is a literal), equality, and the decisions that really matter.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from .decision import Decision, choice_text
from .random_graph import adjacency
from .text import string_text, symbol_text

Literal: TypeAlias = "int | float | bool | str"
Scalar: TypeAlias = "int | float | bool | str | Expr"
Table: TypeAlias = npt.NDArray[Any]

TABLE_LIMIT = 4096
"""Largest joint domain for which an expression carries a table."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How one operator computes and prints.

    Attributes:
        name: the infix sign or the function name.
        precedence: binding strength of an infix or prefix operator, 0 for functions.
        compute: the value from Python literals.
        vector: the same on NumPy arrays that broadcast.
    """

    name: str
    precedence: int
    compute: Callable[..., Any]
    vector: Callable[..., Any]


def round8_literal(value: float) -> int:
    """The multiple of 8 nearest to a width, at least 8 and never below 90 % of it (the MobileNet rule)."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def _round8_vector(value: Table) -> Table:
    rounded = np.maximum(8, (value + 4).astype(np.int64) // 8 * 8)
    return np.where(rounded < 0.9 * value, rounded + 8, rounded)


def _select_vector(index: Table, *options: Table) -> Table:
    index, *broadcast = np.broadcast_arrays(index, *options)
    return np.choose(index, broadcast) if len(broadcast) <= 32 else _long_select(index, broadcast)


def _long_select(index: Table, options: Sequence[Table]) -> Table:
    result = options[0].copy()
    for position, option in enumerate(options[1:], 1):
        np.copyto(result, option, where=index == position)
    return result


def _per_member(function: Callable[[Any, Any], Any]) -> Callable[[Table, Table], Table]:
    vectorised = np.frompyfunc(function, 2, 1)

    def compute(selection: Table, position: Table) -> Table:
        return _tidy(np.asarray(vectorised(selection, position)))

    return compute


def _any_of(*args: Any) -> bool:
    return any(args)


def _all_of(*args: Any) -> bool:
    return all(args)


def _fold(function: Callable[[Any, Any], Any]) -> Callable[..., Table]:
    def compute(*args: Table) -> Table:
        result = args[0]
        for arg in args[1:]:
            result = function(result, arg)
        return result

    return compute


def _random_edge(family: str, nodes: int, start: int, end: int, seed: int, *parameters: Any) -> bool:
    return bool(_edges(adjacency(family, nodes, parameters, seed), start, end))


def _random_edge_vector(
    family: Table, nodes: Table, start: Table, end: Table, seed: Table, *parameters: Table
) -> Table:
    fixed = (family, nodes, start, end, *parameters)
    if any(f.ndim and f.size > 1 for f in fixed):
        return _tidy(
            np.asarray(
                np.frompyfunc(_random_edge, 5 + len(parameters), 1)(
                    family, nodes, start, end, seed, *parameters
                )
            )
        )
    kind, count, i, j, *rest = (f.reshape(-1)[0] for f in fixed)
    graphs = _graphs(str(kind), int(count), tuple(map(literal, rest)), tuple(seed.reshape(-1).tolist()))
    return np.asarray(_edges(graphs, int(i), int(j))).reshape(seed.shape)


@lru_cache(maxsize=16)
def _graphs(family: str, nodes: int, parameters: tuple[Any, ...], seeds: tuple[int, ...]) -> Table:
    """The adjacency matrices of random graphs of many seeds."""
    return np.stack([adjacency(family, nodes, parameters, seed) for seed in seeds])


def _edges(graphs: Table, start: int, end: int) -> Table:
    """An entry of adjacency matrices; -1 stands for any node."""
    if start < 0:
        return np.asarray(graphs[..., end].any(axis=-1))
    return np.asarray(graphs[..., start, :].any(axis=-1) if end < 0 else graphs[..., start, end])


OPERATORS: dict[str, Operator] = {
    op.name: op
    for op in [
        Operator("or", 1, _any_of, _fold(np.logical_or)),
        Operator("and", 2, _all_of, _fold(np.logical_and)),
        Operator("not", 3, lambda a: not a, np.logical_not),
        Operator("==", 4, lambda a, b: a == b, np.equal),
        Operator("!=", 4, lambda a, b: a != b, np.not_equal),
        Operator("<", 4, lambda a, b: a < b, np.less),
        Operator("<=", 4, lambda a, b: a <= b, np.less_equal),
        Operator(">", 4, lambda a, b: a > b, np.greater),
        Operator(">=", 4, lambda a, b: a >= b, np.greater_equal),
        Operator("+", 5, lambda *a: sum(a[1:], a[0]), _fold(np.add)),
        Operator("-", 5, lambda a, b: a - b, np.subtract),
        Operator("*", 6, lambda *a: math.prod(a), _fold(np.multiply)),
        Operator("/", 6, lambda a, b: a / b, np.true_divide),
        Operator("//", 6, lambda a, b: a // b, np.floor_divide),
        Operator("%", 6, lambda a, b: a % b, np.mod),
        Operator("neg", 7, lambda a: -a, np.negative),
        Operator("min", 0, min, _fold(np.minimum)),
        Operator("max", 0, max, _fold(np.maximum)),
        Operator("floor", 0, math.floor, lambda a: np.floor(a).astype(np.int64)),
        Operator("ceil", 0, math.ceil, lambda a: np.ceil(a).astype(np.int64)),
        Operator("round", 0, round, lambda a: np.rint(a).astype(np.int64)),
        Operator("round8", 0, round8_literal, _round8_vector),
        Operator("where", 0, lambda c, a, b: a if c else b, np.where),
        Operator("select", 0, lambda i, *options: options[i], _select_vector),
        # of a k-of-n selection (a tuple of ascending positions): is a position in it, which is its j-th, how
        # many are there
        Operator("has", 0, lambda s, i: i in s, _per_member(lambda s, i: i in s)),
        Operator(
            "item",
            0,
            lambda s, j: s[j] if j < len(s) else 0,
            _per_member(lambda s, j: s[j] if j < len(s) else 0),
        ),
        # whether a random graph has an edge: family, nodes, from, to (-1 is any node), seed, parameters
        Operator("random_edge", 0, _random_edge, _random_edge_vector),
        Operator("count", 0, lambda s: len(s), lambda s: _tidy(np.asarray(np.frompyfunc(len, 1, 1)(s)))),
    ]
}
"""Every operator by name; ``decision``, ``index`` and ``metric`` are leaves and not among them."""


_KEEP_WHOLE = frozenset({"+", "-", "*", "//", "%", "neg", "min", "max", "where", "select"})
"""Operators whose value is an integer when their operands are."""


class Expr:
    """A hash-consed expression: equal trees are the same object, so ``is`` is structural equality.

    Attributes:
        operator: a key of `OPERATORS`, or the leaves ``decision`` (the decision's value), ``index`` (the
            position of that
            value in its domain) and ``metric`` (a price of the whole candidate, known only to constraints).
        args: scalars; for ``decision`` and ``index`` the `Decision`, for ``metric`` its name.
        decisions: the decisions mentioned, ordered by name.
        size: number of joint values of those decisions.
    """

    __slots__ = ("__dict__", "__weakref__", "args", "decisions", "operator", "size")

    operator: str
    args: tuple[Any, ...]
    decisions: tuple[Decision, ...]
    size: int

    def __init__(self, operator: str, args: tuple[Any, ...]) -> None:
        """Made by `apply`, `value_of`, `index_of` and `metric` only, which intern."""
        self.operator = operator
        self.args = args
        if operator in ("decision", "index"):
            self.decisions = args
        else:
            mentioned = {d for a in args if isinstance(a, Expr) for d in a.decisions}
            self.decisions = tuple(sorted(mentioned, key=lambda d: d.name))
        self.size = math.prod(len(d) for d in self.decisions)

    def __repr__(self) -> str:
        return f"Expr({self})"

    def __str__(self) -> str:
        return scalar_text(self)

    @property
    def leaf(self) -> bool:
        """Whether this is a ``decision``, ``index`` or ``metric`` leaf."""
        return self.operator in ("decision", "index", "metric")

    @cached_property
    def has_metric(self) -> bool:
        """Whether a ``metric`` leaf occurs, so that the value depends on more than decisions."""
        return self.operator == "metric" or any(isinstance(a, Expr) and a.has_metric for a in self.args)

    @cached_property
    def table(self) -> Table | None:
        """Values over the joint domain, one axis a decision in the order of `decisions`; None when too large.

        Integers are int64, floats float64, booleans bool, everything else objects.
        """
        if self.size > TABLE_LIMIT or self.has_metric:
            return None
        if self.operator == "decision":
            return _domain_array(self.args[0].domain)
        if self.operator == "index":
            return np.arange(len(self.args[0]))
        parts = [broadcast_table(a, self.decisions) for a in self.args]
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.asarray(OPERATORS[self.operator].vector(*parts))
        return np.broadcast_to(values, tuple(len(d) for d in self.decisions))

    @cached_property
    def constant(self) -> tuple[Any] | None:
        """The one value it has for all assignments, in a 1-tuple; None where it varies or has no table."""
        if self.table is None:
            return None
        first = self.table.reshape(-1)[0]
        return None if bool((self.table != first).any()) else (literal(first),)

    @cached_property
    def whole(self) -> bool:
        """Whether it is certainly an integer: by its table, or by what its parts are."""
        if self.table is not None:
            return self.table.dtype.kind in "iu"
        parts = self.args[1:] if self.operator in ("where", "select") else self.args
        return self.operator in _KEEP_WHOLE and all(
            a.whole if isinstance(a, Expr) else type(a) is int for a in parts
        )

    @cached_property
    def relevant(self) -> tuple[Decision, ...]:
        """The decisions on which the value really depends: exact with a table, all mentioned ones without."""
        table = self.table
        if table is None:
            return self.decisions
        return tuple(
            d for axis, d in enumerate(self.decisions) if bool((table != table.take([0], axis=axis)).any())
        )

    @cached_property
    def _strides(self) -> tuple[int, ...]:
        strides, step = [], 1
        for d in reversed(self.decisions):
            strides.append(step)
            step *= len(d)
        return tuple(reversed(strides))

    @cached_property
    def _flat(self) -> list[Any] | None:
        return None if self.table is None else self.table.reshape(-1).tolist()

    def at(self, indices: Mapping[Decision, int]) -> Any:
        """The value where each decision mentioned takes the given position of its domain."""
        if self._flat is not None:
            offset = 0
            for d, stride in zip(self.decisions, self._strides, strict=True):
                offset += indices[d] * stride
            return self._flat[offset]
        values = [a.at(indices) if isinstance(a, Expr) else a for a in self.args]
        return OPERATORS[self.operator].compute(*values)

    def columns(self, indices: Mapping[Decision, Table]) -> Table:
        """Values for a batch: each decision maps to an array of domain positions, all of one length."""
        if self.table is not None:
            where = tuple(indices[d] for d in self.decisions)
            return np.asarray(self.table[where])
        values = [a.columns(indices) if isinstance(a, Expr) else a for a in self.args]
        return np.asarray(OPERATORS[self.operator].vector(*[_as_array(v) for v in values]))

    def substitute(self, replace: Mapping[Decision, Any]) -> Any:
        """Replace decisions by values of their domains, or by scalars, and fold."""
        if not any(d in replace for d in self.decisions):
            return self
        if self.operator == "decision":
            return replace[self.args[0]]
        if self.operator == "index":
            value = replace[self.args[0]]
            return select_index(value, self.args[0]) if isinstance(value, Expr) else self.args[0].index(value)
        if not self.has_metric and all(
            d in replace and not isinstance(replace[d], Expr) for d in self.decisions
        ):
            return self.at({d: d.index(replace[d]) for d in self.decisions})
        return apply(self.operator, *(substitute(a, replace) for a in self.args))

    # Arithmetic, so that inference and cost formulas read the same for numbers and expressions. Comparisons
    # are
    # functions (`equal`, `less`, ...): `==` stays identity.
    def __add__(self, other: Scalar) -> Any:
        return apply("+", self, other)

    def __radd__(self, other: Scalar) -> Any:
        return apply("+", other, self)

    def __sub__(self, other: Scalar) -> Any:
        return apply("-", self, other)

    def __rsub__(self, other: Scalar) -> Any:
        return apply("-", other, self)

    def __mul__(self, other: Scalar) -> Any:
        return apply("*", self, other)

    def __rmul__(self, other: Scalar) -> Any:
        return apply("*", other, self)

    def __truediv__(self, other: Scalar) -> Any:
        return apply("/", self, other)

    def __rtruediv__(self, other: Scalar) -> Any:
        return apply("/", other, self)

    def __floordiv__(self, other: Scalar) -> Any:
        return apply("//", self, other)

    def __rfloordiv__(self, other: Scalar) -> Any:
        return apply("//", other, self)

    def __mod__(self, other: Scalar) -> Any:
        return apply("%", self, other)

    def __rmod__(self, other: Scalar) -> Any:
        return apply("%", other, self)

    def __neg__(self) -> Any:
        return apply("neg", self)

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of '{self}' is decided only by an assignment")


def _domain_array(domain: Sequence[Any]) -> Table:
    if all(type(v) is int for v in domain) or all(type(v) is bool for v in domain):
        return np.array(domain)
    if all(type(v) in (int, float) for v in domain):
        return (
            np.array(domain, dtype=np.float64) if all(type(v) is float for v in domain) else _objects(domain)
        )
    return _objects(domain)


def _objects(values: Sequence[Any]) -> Table:
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


def _as_array(value: Any) -> Table:
    if isinstance(value, (str, tuple)):
        array = np.empty((), dtype=object)
        array[()] = value
        return array
    return np.asarray(value)


def _tidy(array: Table) -> Table:
    """An object array of plain numbers or booleans as a numeric one."""
    if array.dtype != object or array.size == 0:
        return array
    kinds = {type(v) for v in array.reshape(-1)}
    return array.astype(np.bool_ if kinds == {bool} else np.int64) if kinds in ({bool}, {int}) else array


def broadcast_table(scalar: Scalar, decisions: Sequence[Decision]) -> Table:
    """The table of a scalar laid out, broadcastable, over a superset of its decisions ordered by name.

    Raises:
        ValueError: when the scalar has no table.
    """
    if not isinstance(scalar, Expr):
        return _as_array(scalar)
    table = scalar.table
    if table is None:
        raise ValueError(f"'{scalar}' has no table")
    own = set(scalar.decisions)
    return table.reshape([len(d) if d in own else 1 for d in decisions])


def literal(value: Any) -> Any:
    """A NumPy scalar as the Python literal it stands for."""
    return value.item() if isinstance(value, np.generic) else value


_interned: weakref.WeakValueDictionary[tuple[Any, ...], Expr] = weakref.WeakValueDictionary()


def _intern(operator: str, args: tuple[Any, ...]) -> Expr:
    key = (operator, *((None, id(a)) if isinstance(a, Expr) else (type(a), a) for a in args))
    found = _interned.get(key)
    if found is None:
        found = _interned[key] = Expr(operator, args)
    return found


def value_of(decision: Decision) -> Expr:
    """The value a decision takes."""
    return _intern("decision", (decision,))


def index_of(decision: Decision) -> Expr:
    """The position, in its domain, of the value a decision takes."""
    return _intern("index", (decision,))


def metric(name: str) -> Expr:
    """A price of the whole candidate (``parameters``, ``multiply_adds``, ...), for constraints."""
    return _intern("metric", (name,))


def select_index(value: Expr, decision: Decision) -> Scalar:
    """The position in the decision's domain of an expression's value."""
    if value.operator == "decision" and _exact(value.args[0]) <= _exact(decision):
        narrow: Decision = value.args[0]
        return cast("Scalar", select(index_of(narrow), [decision.index(v) for v in narrow.domain]))
    result: Scalar = 0
    for position, option in enumerate(decision.domain):
        if position:
            result = where(equal(value, option), position, result)  # type: ignore[arg-type]
    return result


def _exact(decision: Decision) -> set[tuple[type, Any]]:
    """The values of a domain, 1, 1.0 and true told apart."""
    return {(type(v), v) for v in decision.domain}


def apply(operator: str, *args: Scalar) -> Any:
    """Apply an operator to scalars: computes literals, simplifies, folds constants and interns the rest."""
    for arg in args:
        if isinstance(arg, Expr):
            break
    else:
        return OPERATORS[operator].compute(*args)
    if operator in ("+", "*") and len(args) > 2:
        # one shape for long sums and products, the one that their text reads back as
        return apply(operator, apply(operator, *args[:-1]), args[-1])
    simple = _simplify(operator, args)
    if simple is not None:
        return simple[0]
    if operator in ("==", "!=") and not isinstance(args[0], Expr):
        args = (args[1], args[0])
    expr = _intern(operator, args)
    return expr if expr.constant is None else expr.constant[0]


def _simplify(operator: str, args: tuple[Scalar, ...]) -> tuple[Scalar] | None:
    """The scalar an application equals by an algebraic identity, in a 1-tuple; None when none applies."""
    rule = _SIMPLIFY.get(operator)
    return None if rule is None else rule(*args)


def _simplify_add(*args: Scalar) -> tuple[Scalar] | None:
    if len(args) != 2:
        return None
    for one, other in (args, args[::-1]):
        if type(one) is int and one == 0:
            return (other,)
    return _joined_shift(args[0], args[1], 1)


def _simplify_subtract(a: Scalar, b: Scalar) -> tuple[Scalar] | None:
    if type(b) is int and b == 0:
        return (a,)
    return (0,) if a is b else _joined_shift(a, b, -1)


def _joined_shift(a: Scalar, b: Scalar, sign: int) -> tuple[Scalar] | None:
    """``a + 2 - 3`` is ``a - 1``: of two whole numbers added or subtracted in a row, their sum."""
    if type(b) is not int or not isinstance(a, Expr) or a.operator not in ("+", "-"):
        return None
    base, inner = a.args
    if type(inner) is not int:
        return None
    shift = (inner if a.operator == "+" else -inner) + sign * b
    return (apply("+", base, shift) if shift >= 0 else apply("-", base, -shift),)


def _simplify_mul(*args: Scalar) -> tuple[Scalar] | None:
    if len(args) != 2:
        return None
    for one, other in (args, args[::-1]):
        if type(one) is int and one == 1:
            return (other,)
        if type(one) is int and one == 0:
            return (0,)
    return None


def _simplify_quotient(a: Scalar, b: Scalar) -> tuple[Scalar] | None:
    """Whole numbers divided by one stay what they are; others lose their fraction."""
    return (a,) if _whole_by_one(a, b) else None


def _simplify_remainder(a: Scalar, b: Scalar) -> tuple[Scalar] | None:
    """Whole numbers leave nothing when divided by one."""
    return (0,) if _whole_by_one(a, b) else None


def _whole_by_one(a: Scalar, b: Scalar) -> bool:
    return type(b) is int and b == 1 and isinstance(a, Expr) and a.whole


def _simplify_logic(operator: str, absorbing: bool) -> Callable[..., tuple[Scalar] | None]:
    dual = "and" if operator == "or" else "or"

    def rule(*args: Scalar) -> tuple[Scalar] | None:
        if any(a is absorbing for a in args):
            return (absorbing,)
        kept: list[Scalar] = []
        for arg in args:
            inner = arg.args if isinstance(arg, Expr) and arg.operator == operator else (arg,)
            kept += [a for a in inner if a is not (not absorbing) and not any(a is k for k in kept)]
        if _settled(kept, dual):
            return (absorbing,)
        kept = _absorbed(kept, operator, dual)
        if not kept:
            return (not absorbing,)
        if len(kept) == 1:
            return (kept[0],)
        if len(kept) == len(args) and all(a is b for a, b in zip(kept, args, strict=True)):
            return None
        return (apply(operator, *kept),)

    return rule


def _settled(parts: list[Scalar], dual: str) -> bool:
    """Whether parts contradict or complement each other: ``a`` beside ``not a`` or ``not (a and b)``."""
    present = {id(p) for p in parts}
    for part in parts:
        if isinstance(part, Expr) and part.operator == "not":
            inner = part.args[0]
            opposed = inner.args if isinstance(inner, Expr) and inner.operator == dual else (inner,)
            if any(id(o) in present for o in opposed):
                return True
    return False


def _absorbed(parts: list[Scalar], operator: str, dual: str) -> list[Scalar]:
    """``a or (not a and b)`` is ``a or b``, and the same with ``and`` and ``or`` exchanged."""
    present = {id(p) for p in parts}
    if not any(isinstance(p, Expr) and p.operator == dual for p in parts):
        return parts

    def implied(part: Scalar) -> bool:
        if not isinstance(part, Expr) or part.operator != "not":
            return False
        inner = part.args[0]
        if id(inner) in present:
            return True
        return (
            isinstance(inner, Expr) and inner.operator == operator and present.issuperset(map(id, inner.args))
        )

    return [
        apply(dual, *rest)
        if isinstance(p, Expr)
        and p.operator == dual
        and len(rest := [q for q in p.args if not implied(q)]) < len(p.args)
        else p
        for p in parts
    ]


def _simplify_where(condition: Scalar, a: Scalar, b: Scalar) -> tuple[Scalar] | None:
    if not isinstance(condition, Expr):
        return (a if condition else b,)
    if same(a, b):
        return (a,)
    # where(p == q, p, q) is q: both agree where the condition holds
    kept = {"==": b, "!=": a}.get(condition.operator)
    if kept is not None and _same_pair((a, b), condition.args):
        return (kept,)
    return None


def _same_pair(pair: tuple[Scalar, Scalar], other: tuple[Scalar, ...]) -> bool:
    """Whether two scalars are two others, in either order."""
    return any(same(pair[0], p) and same(pair[1], q) for p, q in (other, other[::-1]))


def _simplify_select(index: Scalar, *options: Scalar) -> tuple[Scalar] | None:
    if not isinstance(index, Expr):
        return (options[int(index)],)
    if all(same(o, options[0]) for o in options):
        return (options[0],)
    if index.operator == "index" and options == tuple(range(len(index.args[0]))):
        return (index,)
    # a selection from what another one selected is one selection
    if index.operator == "select" and not any(isinstance(a, Expr) for a in index.args[1:]):
        return (select(index.args[0], [options[a] for a in index.args[1:]]),)
    if index.operator == "where" and not any(isinstance(a, Expr) for a in index.args[1:]):
        return (where(index.args[0], *(options[a] for a in index.args[1:])),)
    return None


_SIMPLIFY: dict[str, Callable[..., tuple[Scalar] | None]] = {
    "+": _simplify_add,
    "-": _simplify_subtract,
    "*": _simplify_mul,
    "//": _simplify_quotient,
    "%": _simplify_remainder,
    "and": _simplify_logic("and", absorbing=False),
    "or": _simplify_logic("or", absorbing=True),
    "not": lambda a: (a.args[0],) if isinstance(a, Expr) and a.operator == "not" else None,
    "==": lambda a, b: (True,) if a is b else None,
    "!=": lambda a, b: (False,) if a is b else None,
    "min": lambda *a: (a[0],) if all(same(x, a[0]) for x in a) else None,
    "max": lambda *a: (a[0],) if all(same(x, a[0]) for x in a) else None,
    "where": _simplify_where,
    "select": _simplify_select,
}


def same(a: Scalar, b: Scalar) -> bool:
    """Whether two scalars are the same literal or expression (False does not prove that they differ)."""
    if isinstance(a, Expr) or isinstance(b, Expr):
        return a is b
    return type(a) is type(b) and a == b


def equal(a: Scalar, b: Scalar) -> Any:
    """``a == b`` as a scalar: a Python bool when it is known for all assignments."""
    return apply("==", a, b)


def where(condition: Scalar, a: Scalar, b: Scalar) -> Any:
    """``a`` where the condition holds, else ``b``."""
    return apply("where", condition, a, b)


def select(index: Scalar, options: Iterable[Scalar]) -> Any:
    """The option at a position."""
    return apply("select", index, *options)


def all_of(*conditions: Scalar) -> Any:
    """Whether all conditions hold."""
    return apply("and", *conditions) if len(conditions) > 1 else (conditions[0] if conditions else True)


def any_of(*conditions: Scalar) -> Any:
    """Whether some condition holds."""
    return apply("or", *conditions) if len(conditions) > 1 else (conditions[0] if conditions else False)


def total(scalars: Iterable[Scalar]) -> Any:
    """The sum of scalars, 0 for none."""
    result: Any = 0
    for scalar in scalars:
        result = apply("+", result, scalar)
    return result


def product(scalars: Iterable[Scalar]) -> Any:
    """The product of scalars, 1 for none."""
    result: Any = 1
    for scalar in scalars:
        result = apply("*", result, scalar)
    return result


def substitute(scalar: Any, replace: Mapping[Decision, Any]) -> Any:
    """`Expr.substitute` for any attribute value; tuples element by element."""
    if isinstance(scalar, Expr):
        return scalar.substitute(replace)
    if isinstance(scalar, tuple):
        return tuple(substitute(s, replace) for s in scalar)
    return scalar


def expressions(value: Any) -> Iterable[Expr]:
    """The expressions in an attribute value (a scalar or a tuple of them)."""
    if isinstance(value, Expr):
        return (value,)
    if isinstance(value, tuple):
        return [e for item in value if isinstance(item, (Expr, tuple)) for e in expressions(item)]
    return ()


def literal_text(value: Any) -> str:
    """A literal in the textual form of the IR; a k-of-n selection is a tuple of positions: ``(0, 2)``."""
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(str, value))}{',' if len(value) == 1 else ''})"
    return choice_text(value)


def scalar_text(scalar: Scalar, outer: int = 0) -> str:
    """A scalar in the textual form of the IR; parenthesised where it binds weaker than `outer`."""
    if not isinstance(scalar, Expr):
        return literal_text(scalar)
    if scalar.operator == "decision":
        return symbol_text(scalar.args[0].name)
    if scalar.operator == "index":
        return f"index({symbol_text(scalar.args[0].name)})"
    if scalar.operator == "metric":
        return f"metric({scalar.args[0]})"
    return _application_text(scalar, outer)


def _application_text(expr: Expr, outer: int) -> str:
    precedence = OPERATORS[expr.operator].precedence
    if expr.operator == "select":
        options = ", ".join(scalar_text(a) for a in expr.args[1:])
        return f"select({scalar_text(expr.args[0])}, [{options}])"
    if precedence == 0:
        return f"{expr.operator}({', '.join(scalar_text(a) for a in expr.args)})"
    if expr.operator in ("not", "neg"):
        text = ("not " if expr.operator == "not" else "-") + scalar_text(expr.args[0], precedence + 1)
    else:
        # operands bind stronger on the right, so that a - (b - c) keeps its parentheses; comparisons do not
        # chain
        left = scalar_text(expr.args[0], precedence + (precedence == 4))
        text = f" {expr.operator} ".join([left, *(scalar_text(a, precedence + 1) for a in expr.args[1:])])
    return f"({text})" if precedence < outer else text
