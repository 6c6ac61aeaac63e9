"""What a resolved network consists of: its parts with their prices, and rows of parts as papers list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from drawloom.ir import PAPERS, Counting, Function, Module, Operation, TensorType, cost
from drawloom.ir.definition import needed_operands
from drawloom.ir.weight_paths import join_path
from drawloom.passes.liveness import Masks, demanded, everything, module_masks

_SHOWN_ATTRIBUTES = ("kernel", "stride", "dilation", "groups", "out", "axis", "rate", "weight")
"""Attributes that tell a reader something; the others are left out of tables."""


@dataclass(frozen=True, slots=True)
class Part:
    """One operation or call of a network.

    Attributes:
        path: where it stands, as in the names of its weights; the operation's name where it has none.
        kind: the definition called, or the operation.
        details: static arguments or attributes worth reading, by name, as text.
        output: type of its first result.
        parameters: trainable weights below it that no part before it has.
        multiply_adds: of one sample.
        depth: 0 for parts of the network itself, 1 for parts of what it calls, and so on.
        parts: what is below it, as far as it was asked for.
    """

    path: str
    kind: str
    details: Mapping[str, str]
    output: TensorType
    parameters: int
    multiply_adds: int
    depth: int = 0
    parts: tuple[Part, ...] = ()

    @property
    def detail(self) -> str:
        """The details in one text, such as ``kernel=3 stride=2``."""
        return " ".join(f"{name}={text}" for name, text in self.details.items())


class Prices:
    """Prices of operations and of whole functions, each computed once."""

    def __init__(self, module: Module, counting: Counting = PAPERS) -> None:
        self.module = module
        self.counting = counting
        self.masks: Mapping[str, Masks] = module_masks(module, needed_operands(counting.auxiliary))
        self.known: dict[str, tuple[int, int]] = {}
        self.open: dict[str, bool] = {}

    def of(self, op: Operation) -> tuple[int, int]:
        """Parameters and multiply-adds."""
        if op.name == "call":
            return self.function(self.module.function(op.attributes["callee"]))
        price = cost(op, self.counting)
        return int(price.parameters), int(price.multiply_adds)

    def known_of(self, op: Operation) -> tuple[int, int] | None:
        """The same, or None where a decision has a say in it."""
        return None if self._open(op) else self.of(op)

    def _open(self, op: Operation) -> bool:
        if op.name == "call":
            return self._open_function(self.module.function(op.attributes["callee"]))
        types = (v.type for v in (*op.operands, *op.results))
        return any(True for _ in op.expressions()) or not all(t.static for t in types)

    def _open_function(self, function: Function) -> bool:
        if function.name not in self.open:
            self.open[function.name] = any(self._open(op) for op in function.operations)
        return self.open[function.name]

    def function(self, function: Function) -> tuple[int, int]:
        """The sums over what the outputs of a function need."""
        if function.name not in self.known:
            prices = [self.of(op) for op in self.needed(function)]
            self.known[function.name] = (sum(p[0] for p in prices), sum(p[1] for p in prices))
        return self.known[function.name]

    def needed(self, function: Function) -> Iterator[Operation]:
        """The operations that the outputs of a function need."""
        masks = self.masks[function.name]
        return (op for op in function.operations if demanded(op, masks, everything(function)))


def parts(module: Module, levels: int | None = None, counting: Counting = PAPERS) -> tuple[Part, ...]:
    """The parts of a resolved network, in order; those that it does not need are left out.

    Args:
        module: the network.
        levels: how deep to look into calls; None looks into blocks that are made of cells, down to the cells.
        counting: what is counted; without ``auxiliary``, what only heads need is no part.
    """
    return _Walk(Prices(module, counting), levels, _made_of_cells(module)).parts(module.entry, "", 0)


def _made_of_cells(module: Module) -> frozenset[str]:
    """Names of the functions that are no cells and call some, directly or not."""
    found: set[str] = set()
    for function in module.functions.values():
        callees = [module.function(op.attributes["callee"]) for op in function.calls()]
        if function.kind != "cell" and any(c.kind == "cell" or c.name in found for c in callees):
            found.add(function.name)
    return frozenset(found)


def flattened(parts: Sequence[Part]) -> Iterator[Part]:
    """Parts, each followed by what is below it."""
    for part in parts:
        yield part
        yield from flattened(part.parts)


@dataclass
class _Walk:
    prices: Prices
    levels: int | None
    made_of_cells: frozenset[str]
    seen: set[str] = field(default_factory=set)

    def parts(self, function: Function, prefix: str, depth: int) -> tuple[Part, ...]:
        return tuple([self.part(op, prefix, depth) for op in self.prices.needed(function)])

    def part(self, op: Operation, prefix: str, depth: int) -> Part:
        parameters, multiply_adds = self.prices.of(op)
        own = join_path(prefix, op.param or "")
        if op.param and own in self.seen:
            parameters = 0
        below: tuple[Part, ...] = ()
        if op.name == "call":
            callee = self.prices.module.function(op.attributes["callee"])
            kind, details = callee.definition, _arguments(callee)
            if self.opens(callee, depth):
                below = self.parts(callee, own, depth + 1)
        else:
            kind, details = op.name, _attributes(op)
        if op.param:
            self.seen.add(own)
        path = own if op.param else join_path(prefix, kind)
        return Part(path, kind, details, op.results[0].type, parameters, multiply_adds, depth, below)

    def opens(self, callee: Function, depth: int) -> bool:
        """Whether the parts of what is called are shown."""
        return callee.name in self.made_of_cells if self.levels is None else depth + 1 < self.levels


def _attributes(op: Operation) -> dict[str, str]:
    written = {n: _compact(op.attributes[n]) for n in _SHOWN_ATTRIBUTES if n in op.attributes}
    return {n: text for n, text in written.items() if text != _compact(op.definition.attribute(n).default)}


def _arguments(function: Function) -> dict[str, str]:
    """The numbers and names that a function was instantiated with; lists say too much for a table."""
    return {n: _compact(v) for n, v in function.arguments.items() if isinstance(v, (int, float, str))}


def _compact(value: object) -> str:
    if isinstance(value, tuple):
        return _compact(value[0]) if len(set(value)) == 1 else "x".join(str(v) for v in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table as papers print them: parts that follow one another and are alike.

    Attributes:
        stage: their common path; where they are numbered, the first and the last number.
        kind: the definition called, or the operation.
        details: of all; where they differ, the values in order without repetition.
        output: type of their results.
        repeats: how many they are.
        parameters: of all together.
        multiply_adds: of all together.
        depth: as in `Part`.
    """

    stage: str
    kind: str
    details: Mapping[str, str]
    output: TensorType
    repeats: int
    parameters: int
    multiply_adds: int
    depth: int


def rows(parts: Sequence[Part]) -> list[Row]:
    """Parts as rows.

    Neighbours of one kind, output and loop are one; with parts below, equal ones only. Short runs of rows
    that repeat, such as the slice and the reshape of each time step, are written once.
    """
    return _folded(list(_rows(parts)))


def _rows(parts: Sequence[Part]) -> Iterator[Row]:
    for _, group in groupby(parts, _alike):
        members = list(group)
        first = members[0]
        yield Row(
            _stage([m.path for m in members], first.kind),
            first.kind,
            {name: _values([m.details[name] for m in members]) for name in first.details},
            first.output,
            len(members),
            sum(m.parameters for m in members),
            sum(m.multiply_adds for m in members),
            first.depth,
        )
        yield from _rows(first.parts)


_LONGEST_RUN = 4
"""Most rows of a run that is looked for."""


def _folded(rows: list[Row]) -> list[Row]:
    """Rows in which a run of rows that follows itself is there once, with the sums."""
    result: list[Row] = []
    start = 0
    while start < len(rows):
        length, times = _run_at(rows, start)
        result += [_sum(rows[start + i : start + length * times : length]) for i in range(length)]
        start += length * times
    return result


def _run_at(rows: Sequence[Row], start: int) -> tuple[int, int]:
    """The length of the run that begins somewhere and repeats, and how often it is there: 1, 1 for none."""
    for length in range(2, _LONGEST_RUN + 1):
        times = _repetitions(rows, start, length)
        if times > 1:
            return length, times
    return 1, 1


def _repetitions(rows: Sequence[Row], start: int, length: int) -> int:
    """How often some rows stand there one after the other."""
    first = [_looks(row) for row in rows[start : start + length]]
    times = 1
    while [_looks(row) for row in rows[start + length * times : start + length * (times + 1)]] == first:
        times += 1
    return times


def _looks(row: Row) -> tuple[object, ...]:
    return row.stage, row.kind, row.output, row.depth, tuple(row.details.items())


def _sum(rows: Sequence[Row]) -> Row:
    return replace(
        rows[0],
        repeats=sum(r.repeats for r in rows),
        parameters=sum(r.parameters for r in rows),
        multiply_adds=sum(r.multiply_adds for r in rows),
    )


def _alike(part: Part) -> tuple[object, ...]:
    loop, _, rest = _split(part.path)
    below = (part.parameters, tuple(part.details.items())) if part.parts else tuple(part.details)
    return part.kind, part.output, loop, rest, below


def _split(path: str) -> tuple[str, int | None, str]:
    """A path around the last number in it: ``stage.2.layer``, 0, ``inverted_residual``."""
    components = path.split(".")
    for position in reversed(range(len(components))):
        if components[position].isdecimal():
            loop, rest = components[:position], components[position + 1 :]
            return ".".join(loop), int(components[position]), ".".join(rest)
    return path, None, ""


def _stage(paths: Sequence[str], kind: str) -> str:
    """One path for several that differ in their last number, without the last component if that is `kind`."""
    loop, first, rest = _split(paths[0])
    if first is not None:
        last = _split(paths[-1])[1]
        number = str(first) if last == first else f"{first}..{last}"
        loop = ".".join(filter(None, (loop, number, rest)))
    return loop.removesuffix(f".{kind}")


def _values(texts: Sequence[str]) -> str:
    return ",".join(text for text, _ in groupby(texts))
