"""The pass ``narrow``: restricts the domains of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from drawloom.ir import Choice, Decision, Module, UserError, choice_text, suggest, unknown

from .assign import replaced
from .base import Context, Pass
from .globs import matches


@dataclass(frozen=True)
class Narrow(Pass):
    """Leaves decisions fewer values; a decision with one value left is decided.

    An option names a decision, or several with ``*``, and the values to keep, ``op=[skip,sep3]``, or with a
    ``-`` before each those to drop, ``*.op=-none``. Of a k-of-n decision a position or label stands for a
    member: kept are the selections of nothing but the listed members, dropped those with a listed one;
    ``0+2`` stands for the selection as a whole. Restrictions of one decision add up. Alternatives that can
    no longer be selected go with ``canonicalize,dce``.

    Before, with ``narrow{*.op=-none,k=5}``::

        decision @edge.op : one_of ["none", "skip", "conv"]
        decision @k : one_of [3, 5]
        ...
        %0 = zeros_like %x : f32[8, 32, 32]
        %1 = conv2d %x {out=8, kernel=@k, pad=@k // 2, param="conv"} : f32[8, 32, 32]
        %2 = choice %0, %x, %1 by index(@edge.op) : f32[8, 32, 32]

    After ``narrow{*.op=-none,k=5},canonicalize,dce``::

        decision @edge.op : one_of ["skip", "conv"]
        ...
        %0 = conv2d %x {out=8, kernel=5, pad=2, param="conv"} : f32[8, 32, 32]
        %1 = choice %x, %0 by index(@edge.op) : f32[8, 32, 32]

    Attributes:
        values: names or patterns of decisions to the values to keep or to drop.
    """

    name: ClassVar[str] = "narrow"
    values: Mapping[str, Any] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        """See `narrow`."""
        result = narrow(module, self.values)
        left = {name: len(d) for name, d in result.decisions.items()}
        dropped = sum(len(d) - left.get(name, 1) for name, d in module.decisions.items())
        context.count(self.name, "values dropped", dropped)
        context.count(self.name, "decisions decided", len(module.decisions) - len(result.decisions))
        return result


def narrow(module: Module, restrictions: Mapping[str, object]) -> Module:
    """The module with fewer values for some decisions; the same object when nothing goes.

    Args:
        module: a space.
        restrictions: names of decisions, or patterns as of `drawloom.passes.globs`, to a value or a list of
            values to keep, or to texts with a ``-`` before each to drop. A tuple of integers is one k-of-n
            value.

    Raises:
        UserError: on a name that no decision has, a value that none of the decisions named has, or when a
            decision has no value left.
    """
    left = dict(module.decisions)
    for name, given in restrictions.items():
        found = [n for n in module.decisions if n == name or matches(name, n)]
        if not found:
            raise unknown("decision", name, module.decisions)
        restriction = _Restriction.of(name, given, [module.decisions[n] for n in found])
        for each in found:
            left[each] = restriction.applied(left[each])
    given = {
        d: left[name] if len(left[name]) > 1 else left[name].domain[0]
        for name, d in module.decisions.items()
        if left[name] is not d
    }
    return replaced(module, given) if given else module


@dataclass(frozen=True, slots=True)
class _Restriction:
    """Values to keep or to drop.

    Attributes:
        name: of the decisions, as written.
        items: the values as written, without ``-``.
        drop: whether they go.
    """

    name: str
    items: tuple[str, ...]
    drop: bool

    @classmethod
    def of(cls, name: str, given: object, decisions: Sequence[Decision]) -> _Restriction:
        """The restriction that is written, for the decisions it is about."""
        texts = _texts(given)
        if not texts:
            raise UserError(f"'{name}' is left no value", "list values to keep, or to drop: -none")
        known = [t for t in texts if any(_test(d, t) for d in decisions)]
        drop = not known and all(t.startswith("-") for t in texts)
        if not drop and any(t.startswith("-") and t not in known for t in texts):
            raise UserError(
                f"the values of '{name}' are some to keep and some to drop",
                "put a '-' before all of them or before none",
            )
        items = tuple(t.removeprefix("-") if drop else t for t in texts)
        for item in items:
            if not any(_test(d, item) for d in decisions):
                raise _no_value(name, item, decisions)
        return cls(name, items, drop)

    def applied(self, decision: Decision) -> Decision:
        """The decision with fewer values; itself when all stay."""
        tests = [test for item in self.items if (test := _test(decision, item)) is not None]
        kept = tuple(v for v in decision.domain if self._keeps(decision, v, tests))
        if not kept:
            raise UserError(
                f"decision '{decision.name}' has no value left of "
                f"{', '.join(choice_text(v) for v in decision.domain[:20])}",
                f"'{self.name}' {'drops' if self.drop else 'keeps'} {', '.join(self.items)}",
            )
        return decision if len(kept) == len(decision) else replace(decision, domain=kept)

    def _keeps(self, decision: Decision, value: Choice, tests: list[_Test]) -> bool:
        if self.drop:
            return not any(test.hits(value) for test in tests)
        if any(test.whole and test.hits(value) for test in tests):
            return True
        members = {test.member for test in tests if not test.whole}
        return bool(members) and isinstance(value, tuple) and value != () and members.issuperset(value)


@dataclass(frozen=True, slots=True)
class _Test:
    """What an item says about a value: is this one, or, of a k-of-n selection, has this member."""

    value: Choice
    member: int | None = None

    @property
    def whole(self) -> bool:
        return self.member is None

    def hits(self, value: Choice) -> bool:
        if self.member is None:
            return type(value) is type(self.value) and value == self.value
        return isinstance(value, tuple) and self.member in value


def _test(decision: Decision, item: str) -> _Test | None:
    """The test that an item stands for; None when the decision has no such value or member."""
    if _selects(decision) and item not in ("none", "") and "+" not in item:
        names = _members(decision)
        return _Test((), names[item]) if item in names else None
    for value in decision.domain:
        if item in _names(decision, value):
            return _Test(value)
    return None


def _selects(decision: Decision) -> bool:
    """Whether a decision is k of n."""
    return all(isinstance(v, tuple) for v in decision.domain)


def _members(decision: Decision) -> dict[str, int]:
    """The members of a k-of-n decision by position and by label."""
    positions = sorted({p for v in decision.domain if isinstance(v, tuple) for p in v})
    labelled = {decision.labels[p]: p for p in positions if p < len(decision.labels)}
    return {**labelled, **{str(p): p for p in positions}}


def _names(decision: Decision, value: Choice) -> tuple[str, ...]:
    """How a value is written: as itself, and by its label."""
    text = choice_text(value)
    labelled = type(value) is int and 0 <= value < len(decision.labels)
    return (text, decision.labels[value]) if labelled else (text,)  # type: ignore[index]


def _texts(given: object) -> tuple[str, ...]:
    """The values of a restriction as texts; a tuple of integers is one k-of-n value."""
    several = isinstance(given, list) or (isinstance(given, tuple) and any(type(v) is not int for v in given))
    values: Any = given if several else (given,)
    return tuple(v if isinstance(v, str) else choice_text(v) for v in values)


def _no_value(name: str, item: str, decisions: Sequence[Decision]) -> UserError:
    known: dict[str, None] = {}
    for d in decisions:
        known.update(dict.fromkeys(_members(d) if _selects(d) else ()))
        known.update((text, None) for v in d.domain for text in _names(d, v))
    near = suggest(item, known)
    hint = f"did you mean '{near}'?" if near else f"expected some of {', '.join(list(known)[:20])}"
    return UserError(f"'{item}' is not a value of decision '{name}'", hint)
