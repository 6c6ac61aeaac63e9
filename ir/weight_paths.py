"""Which operations own which weights, through calls, and where two operations claim one path."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, takewhile
from typing import Any, TypeAlias

from .agreement import scalars_agree, types_agree
from .graph import Function, Module, Operation

MAX_CONFLICTS = 1_000
"""Conflicts after which the search for them ends."""

MAX_STEPS = 1_000_000
"""Most pairs of functions that are compared to find the conflicts of a module: about two seconds."""

COMPONENTS_A_STEP = 64
"""Components between two owners that take as long as one more comparison."""

_Label: TypeAlias = "tuple[str, ...]"
"""The components of a path."""

_Owner: TypeAlias = "str | Operation"
"""What stands below a path: a called function, by name, or an operation with weights."""

_Pair: TypeAlias = "tuple[_Owner, _Owner, _Label, bool]"
"""Two owners, the components by which the second stands below the first, and whose way is asked for."""

_Way: TypeAlias = "tuple[int, ...]"
"""Positions of claims, one in each function on the way, that lead to a path."""


def join_path(*parts: str) -> str:
    """The path of nested components: joined by dots, empty ones skipped."""
    return ".".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two operations that claim one weight path without being the same operation.

    Attributes:
        message: which path, and whose.
        function: where both come together.
        operation: the later of the two there (an operation with weights, or a call above one).
    """

    message: str
    function: Function
    operation: Operation


def weight_conflicts(module: Module) -> list[Conflict]:
    """The first `MAX_CONFLICTS` conflicts in a module whose calls resolve; one for each pair of operations.

    Paths through calls are not enumerated: few functions that call each other have more of them than could
    be. Two functions are compared claim by claim instead, each pair at each distance once. Where a callee
    has conflicts of its own, its callers may be told of them again.

    A module that takes more than `MAX_STEPS` has a conflict that says so.
    """
    return list(islice(_found(module), MAX_CONFLICTS))


def _found(module: Module) -> Iterator[Conflict]:
    comparison = _Comparison()
    for function in module.functions.values():
        claims = [_Claim(_label(op), _owner(op), op) for op in function.operations if comparison.claims(op)]
        comparison.functions[function.name] = _Claims(claims)
        yield from _conflicts(function, claims, comparison)
        if comparison.steps > MAX_STEPS:
            return


@dataclass(frozen=True, slots=True)
class _Claim:
    """An operation with weights or a call above some.

    Attributes:
        label: components of its path in its function.
        owner: what stands there.
        operation: itself.
    """

    label: _Label
    owner: _Owner
    operation: Operation


def _label(op: Operation) -> _Label:
    return tuple(op.param.split(".")) if op.param else ()


def _owner(op: Operation) -> _Owner:
    return str(op.attributes["callee"]) if op.name == "call" else op


def _conflicts(function: Function, claims: list[_Claim], comparison: _Comparison) -> Iterator[Conflict]:
    # only equal paths, or one below the other, can meet: in most functions there are none
    levels: list[_Level] = []
    for i in sorted(range(len(claims)), key=lambda i: (claims[i].label, i)):
        claim = claims[i]
        while levels and claim.label[: len(levels[-1].label)] != levels[-1].label:
            levels.pop()
        for path, j in (meeting for level in levels for meeting in level.meetings(claim, comparison)):
            message = f"the weights '{path}' belong to two different operations"
            yield Conflict(message, function, claims[max(i, j)].operation)
        if comparison.steps > MAX_STEPS:
            yield Conflict(_TOO_MANY, function, claim.operation)
            return
        if not levels or levels[-1].label != claim.label:
            levels.append(_Level(claim.label))
        levels[-1].add(claim, i)


_TOO_MANY = (
    f"which weights meet takes more than {MAX_STEPS:,} comparisons to find out: "
    "functions with overlapping weight paths call each other too often"
)


@dataclass(slots=True)
class _Level:
    """Claims of one label, above which the claims that come next may stand.

    Attributes:
        label: the label.
        groups: positions of claims by the owner that stands for them: those of one function, or of equal
            operations, own the same.
    """

    label: _Label
    groups: dict[_Owner, list[int]] = field(default_factory=dict)

    def add(self, claim: _Claim, position: int) -> None:
        owner = claim.owner
        if isinstance(owner, Operation):
            alike = (o for o in self.groups if isinstance(o, Operation) and same_weights(o, owner))
            owner = next(alike, owner)
        self.groups.setdefault(owner, []).append(position)

    def meetings(self, claim: _Claim, comparison: _Comparison) -> Iterator[tuple[str, int]]:
        """The claims here that a claim must not meet but does: the first path, and their position."""
        below = claim.label[len(self.label) :]
        found: dict[int, str] = {}
        for owner, positions in self.groups.items():
            way = comparison.clash(owner, claim.owner, below)
            if way is not None:
                path = comparison.path(self.label, owner, way)
                found.update(dict.fromkeys(positions, path))
        for position in sorted(found):
            yield found[position], position


class _Claims:
    """The claims of one function, to be asked for those that can share a path with others.

    Attributes:
        all: the claims, without those that repeat a call under the same label.
    """

    def __init__(self, claims: list[_Claim]) -> None:
        self.all = list({(c.label, c.owner): c for c in claims}.values())

    @cached_property
    def _by_label(self) -> dict[_Label, list[int]]:
        found: dict[_Label, list[int]] = {}
        for position, claim in enumerate(self.all):
            found.setdefault(claim.label, []).append(position)
        return found

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted(set(map(len, self._by_label)))

    @cached_property
    def _sorted(self) -> list[_Label]:
        return sorted(self._by_label)

    def along(self, path: _Label, *, beyond: bool) -> list[int]:
        """Positions of the claims above or at a path and, where asked for, below it."""
        found: list[int] = []
        for length in self._lengths:
            if length <= len(path):
                found += self._by_label.get(path[:length], ())
        start = bisect_right(self._sorted, path)
        below = islice(self._sorted, start, None) if beyond else ()
        for label in takewhile(lambda label: label[: len(path)] == path, below):
            found += self._by_label[label]
        return sorted(found)


class _Comparison:
    """Looks for paths that two owners claim for operations that differ.

    Attributes:
        functions: the claims of the functions so far.
        steps: pairs compared so far; one that many components lie between counts more than once.
    """

    def __init__(self) -> None:
        self.functions: dict[str, _Claims] = {}
        self.steps = 0
        self._known: dict[_Pair, _Way | None] = {}

    def claims(self, op: Operation) -> bool:
        """Whether there are weights under an operation."""
        if op.name == "call":
            return bool(self.functions[op.attributes["callee"]].all)
        return "param" in op.attributes

    def path(self, label: _Label, owner: _Owner, way: _Way) -> str:
        """The path to which a way leads from an owner that stands under a label."""
        parts = list(label)
        for position in way:
            claim = self.functions[str(owner)].all[position]
            parts += claim.label
            owner = claim.owner
        return ".".join(parts)

    def clash(self, first: _Owner, second: _Owner, below: _Label) -> _Way | None:
        """The way through `first` to the first path at which it differs from `second` further below."""
        asked: _Pair = (first, second, below, True)
        stack: list[tuple[_Pair, Generator[_Pair, _Way | None, _Way | None]]] = []
        answer: _Way | None = None
        # with a stack of its own, since functions nest deeper than Python
        while self.steps <= MAX_STEPS:
            self.steps += 1 + len(asked[2]) // COMPONENTS_A_STEP
            answer = self._known.get(asked)
            if asked not in self._known:
                stack.append((asked, self._ways(asked)))
            while stack:
                pair, ways = stack[-1]
                try:
                    asked = ways.send(answer)
                    break
                except StopIteration as end:
                    answer = self._known[pair] = end.value
                    stack.pop()
            if not stack:
                return answer
        return None

    def _ways(self, pair: _Pair) -> Generator[_Pair, _Way | None, _Way | None]:
        """What `clash` says of a pair; asks for other pairs on the way."""
        first, second, below, wanted = pair
        if first == second and not below:
            return None
        if isinstance(first, Operation):
            if below:
                return None
            if isinstance(second, Operation):
                return None if same_weights(first, second) else ()
            return (yield second, first, (), not wanted)
        claims = self.functions[first]
        best: _Way | None = None
        for position in claims.along(below, beyond=isinstance(second, str)):
            label, owner = claims.all[position].label, claims.all[position].owner
            if len(label) <= len(below):
                way = yield owner, second, below[len(label) :], wanted
            else:
                way = yield second, owner, label[len(below) :], not wanted
            if way is None:
                continue
            if wanted:
                return (position, *way)
            best = way if best is None else min(best, way)
        return best


def same_weights(a: Operation, b: Operation) -> bool:
    """Whether two operations may share a path: of kinds that may, or equal in kind and attributes.

    Their weights are equal in any case.
    """
    if a is b:
        return True
    akin = a.name in b.definition.shares or b.name in a.definition.shares
    if a.definition is not b.definition and not akin:
        return False
    if not akin and not all(
        _agree(value, b.attributes.get(name)) for name, value in a.attributes.items() if name != "param"
    ):
        return False
    ours, theirs = a.definition.weights(a), b.definition.weights(b)
    return ours.keys() == theirs.keys() and all(types_agree(w.type, theirs[n].type) for n, w in ours.items())


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(scalars_agree, a, b))
    return scalars_agree(a, b)
