"""Lays functions of one definition over each other: which statements and layers they have in common.

Functions that differ too much stay classes of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import combinations, groupby
from typing import TypeAlias

from drawloom.ir import Value

from .sketch import Line, Sketch
from .unify import Signatures

Key: TypeAlias = "tuple[object, ...]"

_FRAGMENTS = 3
"""How many places of one class may depend on its parameters."""


@dataclass(slots=True)
class Row:
    """A statement that some functions have.

    Attributes:
        path: where its weights live; empty when it has none.
        key: what the statements have in common.
        lines: the statement of each function, by its number.
    """

    path: str
    key: Key
    lines: dict[int, Line]


@dataclass(slots=True)
class Overlay:
    """Functions that become one class.

    Attributes:
        sketches: the functions.
        rows: their statements, in an order that fits all of them.
        shapes: shapes of the constructors by path.
    """

    sketches: list[Sketch] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    shapes: dict[str, str] = field(default_factory=dict)

    def having(self, path: str) -> frozenset[int]:
        """Which functions have a layer."""
        return frozenset(i for i, s in enumerate(self.sketches) if path in s.layers)

    def add(self, new: Sketch, keys: Sequence[Key], shapes: dict[str, str], rows: list[Row]) -> None:
        """Add a function, given its rows in place."""
        self.rows = rows
        self.shapes.update(shapes)
        self.sketches.append(new)


def overlays(sketches: Iterable[Sketch], signatures: Signatures) -> list[Overlay]:
    """Functions of one definition, in as few classes as stay readable."""
    found: list[Overlay] = []
    for sketch in sketches:
        keys = [_key(line, signatures) for line in sketch.lines]
        shapes = {path: signatures.shape(made) for path, made in sketch.layers.items()}
        for overlay in found:
            rows = _joined(overlay, sketch, keys, shapes)
            if rows is not None:
                overlay.add(sketch, keys, shapes, rows)
                break
        else:
            rows = [Row(line.path, k, {0: line}) for k, line in zip(keys, sketch.lines, strict=True)]
            found.append(Overlay([sketch], rows, shapes))
    return found


def _key(line: Line, signatures: Signatures) -> Key:
    return line.name, line.path, signatures.shape(line.expression), len(line.operands), len(line.results)


def _joined(overlay: Overlay, new: Sketch, keys: Sequence[Key], shapes: dict[str, str]) -> list[Row] | None:
    """The rows with those of another function; None when they would be hard to read."""
    first = overlay.sketches[0].function
    if len(first.inputs) != len(new.function.inputs) or len(first.outputs) != len(new.function.outputs):
        return None
    if any(overlay.shapes.get(path, shape) != shape for path, shape in shapes.items()):
        return None
    rows = _aligned(overlay, new, keys)
    number = len(overlay.sketches)
    everyone = number + 1
    common = sum(1 for row in rows if len(row.lines) == everyone)
    if 2 * common < len(keys) or 2 * common < len(overlay.sketches[0].lines):
        return None
    parts = [part for part, _ in groupby(rows, key=lambda r: len(r.lines) == everyone)]
    if parts.count(False) > _FRAGMENTS or not _whole_groups([*overlay.sketches, new]):
        return None
    return rows


def _aligned(overlay: Overlay, new: Sketch, keys: Sequence[Key]) -> list[Row]:
    number = len(overlay.sketches)
    rows: list[Row] = []
    origins = _Origins(overlay, new)
    matcher = SequenceMatcher(None, [r.key for r in overlay.rows], keys, autojunk=False)
    for what, begin, end, start, stop in matcher.get_opcodes():
        old = overlay.rows[begin:end]
        if what == "equal":
            for row, line in zip(old, new.lines[start:stop], strict=True):
                rows += origins.joined(row, line)
            continue
        rows += (origins.alone(row) for row in old)
        rows += (
            origins.fresh(k, line) for k, line in zip(keys[start:stop], new.lines[start:stop], strict=True)
        )
    return _in_blocks(rows, number + 1)


class _Origins:
    """Where values come from while a function is added, so that statements with one role only become one."""

    def __init__(self, overlay: Overlay, new: Sketch) -> None:
        self._number = len(overlay.sketches)
        self._source: dict[tuple[int, Value], object] = {}
        self._always: set[object] = set()
        for i, sketch in enumerate([*overlay.sketches, new]):
            for k, value in enumerate(sketch.function.inputs):
                self._source[i, value] = k
                self._always.add(k)

    def joined(self, row: Row, line: Line) -> list[Row]:
        """A row with the line of the function, or both, where they read values that all functions have."""
        both = Row(row.path, row.key, {**row.lines, self._number: line})
        if not all(self._one_role(both, k) for k in range(len(line.operands))):
            return [self.alone(row), self.fresh(row.key, line)]
        return [self._enter(both)]

    def alone(self, row: Row) -> Row:
        """A row that the function has not."""
        return self._enter(row)

    def fresh(self, key: Key, line: Line) -> Row:
        """A row that only the function has."""
        return self._enter(Row(line.path, key, {self._number: line}))

    def _one_role(self, row: Row, position: int) -> bool:
        sources = {self._source[i, line.operands[position]] for i, line in row.lines.items()}
        return len(sources) == 1 or len(sources & self._always) <= 1

    def _enter(self, row: Row) -> Row:
        for i, line in row.lines.items():
            for k, value in enumerate(line.results):
                self._source[i, value] = (id(row), k)
                if len(row.lines) == self._number + 1:
                    self._always.add((id(row), k))
        return row


def _in_blocks(rows: list[Row], everyone: int) -> list[Row]:
    """The rows; where neighbours belong to some functions or to others, those of the same stand together."""
    ordered: list[Row] = []
    for common, group in groupby(rows, key=lambda r: len(r.lines) == everyone):
        part = [*group]
        sets = [*dict.fromkeys(frozenset(r.lines) for r in part)]
        if not common and all(a.isdisjoint(b) for a, b in combinations(sets, 2)):
            part.sort(key=lambda r: sets.index(frozenset(r.lines)))
        ordered += part
    return ordered


def _whole_groups(sketches: Sequence[Sketch]) -> bool:
    """Whether what lies below one attribute is in every function all there or all missing."""
    groups: dict[str, set[str]] = {}
    for path in (p for s in sketches for p in s.layers):
        groups.setdefault(path.partition(".")[0], set()).add(path)
    return all(len(paths & s.layers.keys()) in (0, len(paths)) for paths in groups.values() for s in sketches)
