"""Which channels of a network belong together, so that they can only go, or be repeated, together.

A value has one *channel axis*: the first dimension of an image ``f32[C, H, W]`` and of a vector, the last of
a sequence ``f32[T, C]``. Along it lie *units*, each the positions of one *atom*: the channel of a dense
convolution or linear layer that makes it. Operations hand atoms on or tie them together: both sides of a
residual sum have the same atoms, a depthwise convolution and a batch norm those of their operand, a
concatenation those of its parts in a row, a flattened image units of ``H * W`` positions. An atom is *held*
when its number cannot change: the network's inputs and outputs, grouped convolutions, and whatever has no
rule here.

Changing a network's width is then one array: how often each atom is there (`drawloom.passes.resizing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from drawloom.ir import Function, Operation, TensorType, UserError, Value
from drawloom.ir.ops.activation import ACTIVATIONS
from drawloom.ir.weight_paths import join_path

from .instances import Instances

Ints: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Axis:
    """The channel axis of a value or a weight.

    Attributes:
        atoms: the atom of each unit, in order.
        sizes: positions of each unit.
    """

    atoms: Ints
    sizes: Ints

    @property
    def length(self) -> int:
        """Positions in all."""
        return int(self.sizes.sum())

    def resized(self, counts: Ints) -> int:
        """Positions when there are `counts` of each atom."""
        return int((self.sizes * counts[self.atoms]).sum())

    def source(self, counts: Ints) -> Ints:
        """For each position when there are `counts` of each atom, the position that it is a copy of."""
        units = np.repeat(np.arange(len(self.atoms)), counts[self.atoms])
        starts = np.cumsum(self.sizes) - self.sizes
        return np.concatenate(
            [np.arange(0), *(np.arange(starts[u], starts[u] + self.sizes[u]) for u in units)]
        )

    def copies(self, counts: Ints) -> Ints:
        """For each of these positions how many copies of it there are."""
        each = np.repeat(counts[self.atoms], self.sizes)
        return each[self.source(counts)]

    def boundary(self, position: int) -> int | None:
        """The unit that begins at a position; None inside of one."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        found = int(np.searchsorted(ends, position))
        return found if ends[found] == position else None


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense convolution or linear layer.

    Attributes:
        path: of its weights.
        out: the channels that it makes.
        inputs: the channels that it reads.
    """

    path: str
    out: Axis
    inputs: Axis


@dataclass(frozen=True, slots=True)
class Group:
    """Channels that are alike to every operation: none of these tells one of them from another.

    Attributes:
        atoms: in the order of the first layer that makes them.
        layers: paths of the layers that make them.
        held: why their number cannot change; empty where it can.
    """

    atoms: Ints
    layers: tuple[str, ...]
    held: str


@dataclass(frozen=True)
class Channels:
    """The channels of a network.

    Attributes:
        axes: the channel axis of every value; of one without a channel axis, an empty one.
        weights: the axis along the first dimension of every weight that has one, by its operation's path.
        layers: the dense layers by path.
        groups: all channels but those that no layer makes.
        atoms: how many atoms there are.
    """

    axes: dict[Value, Axis]
    weights: dict[str, Axis]
    layers: dict[str, Layer]
    groups: tuple[Group, ...]
    atoms: int

    def unchanged(self) -> Ints:
        """How many there are of each atom: one."""
        return np.ones(self.atoms, dtype=np.int64)


def channel_dimension(type: TensorType) -> int | None:
    """The dimension along which a value's channels lie; None for other ranks than 1, 2 and 3."""
    return _DIMENSIONS.get(type.rank)


_DIMENSIONS = {1: 0, 2: 1, 3: 0}


def find_channels(instances: Instances) -> Channels:
    """Follow the channels through a resolved network, across calls.

    Raises:
        UserError: when decisions are open.
    """
    module = instances.module
    if not module.resolved:
        raise UserError(
            f"'{module.name}' still has {len(module.decisions)} open decisions",
            f"widths change in resolved networks only; one is '{next(iter(module.decisions))}'",
        )
    finder = _Finder(instances)
    inputs = [finder.fresh(v.type, held="it is an input of the network") for v in module.entry.inputs]
    for axis in finder.call(module.entry, inputs):
        finder.hold(axis, "it is an output of the network")
    return finder.channels()


class _Finder:
    """The axes found so far, and a union-find structure over their atoms."""

    def __init__(self, instances: Instances) -> None:
        self.instances = instances
        self.axes: dict[Value, Axis] = {}
        self.weights: dict[str, Axis] = {}
        self.layers: dict[str, Layer] = {}
        self.prefix = ""
        self._parents: list[int] = []
        self._held: dict[int, str] = {}

    # -- atoms

    def fresh(self, type: TensorType, held: str = "") -> Axis:
        """An axis of new atoms for a type."""
        dimension = channel_dimension(type)
        length = 0 if dimension is None else int(type.shape[dimension])
        return self.held(length, held) if held else self._new(length)

    def held(self, length: int, reason: str) -> Axis:
        """An axis of new atoms whose number cannot change."""
        axis = self._new(length)
        self.hold(axis, reason)
        return axis

    def _new(self, length: int) -> Axis:
        first = len(self._parents)
        self._parents.extend(range(first, first + length))
        return Axis(np.arange(first, first + length), np.ones(length, dtype=np.int64))

    def hold(self, axis: Axis, reason: str) -> None:
        """Say that the atoms of an axis can neither go nor be repeated."""
        for atom in axis.atoms.tolist():
            self._held.setdefault(atom, reason)

    def tie(self, a: Axis, b: Axis) -> None:
        """Say that two axes are the same channels; where their units differ, neither can change."""
        if not np.array_equal(a.sizes, b.sizes):
            self.hold(a, "it is read in two arrangements")
            self.hold(b, "it is read in two arrangements")
            return
        for x, y in zip(a.atoms.tolist(), b.atoms.tolist(), strict=True):
            self._parents[self._root(x)] = self._root(y)

    def _root(self, atom: int) -> int:
        parents = self._parents
        while parents[atom] != atom:
            parents[atom] = parents[parents[atom]]
            atom = parents[atom]
        return atom

    # -- functions

    def call(self, function: Function, inputs: Sequence[Axis]) -> list[Axis]:
        """The axes of a function's outputs; an instance that was called before has the same channels."""
        if function.inputs and function.inputs[0] in self.axes:
            for value, axis in zip(function.inputs, inputs, strict=True):
                self.tie(self.axes[value], axis)
            return [self.axes[v] for v in function.outputs]
        self.axes.update(zip(function.inputs, inputs, strict=True))
        for op in function.operations:
            results = self._results(function, op)
            self.axes.update(zip(op.results, results, strict=True))
        return [self.axes[v] for v in function.outputs]

    def _results(self, function: Function, op: Operation) -> Sequence[Axis]:
        operands = [self.axes[v] for v in op.operands]
        if op.name == "call":
            return self.call(self.instances.module.functions[op.attributes["callee"]], operands)
        self.prefix = self.instances.prefixes[function.name]
        return _RULES.get(op.name, _unknown)(self, op, operands)

    def path(self, op: Operation) -> str:
        """The full path of an operation's weights."""
        return join_path(self.prefix, op.param or "")

    def weight(self, op: Operation, axis: Axis) -> Axis:
        """Say which channels the first dimension of an operation's weights has; shared weights tie them."""
        known = self.weights.setdefault(self.path(op), axis)
        if known is not axis:
            self.tie(known, axis)
        return axis

    # -- the whole

    def channels(self) -> Channels:
        """What was found, with one number for atoms that belong together."""
        roots = np.array([self._root(a) for a in range(len(self._parents))], dtype=np.int64)
        known: dict[int, Axis] = {}

        def settled(axis: Axis) -> Axis:
            # equal axes are the same object, so that each is looked at once
            if id(axis) not in known:
                known[id(axis)] = Axis(roots[axis.atoms], axis.sizes)
            return known[id(axis)]

        held = {int(roots[atom]): reason for atom, reason in self._held.items()}
        layers = {p: Layer(p, settled(layer.out), settled(layer.inputs)) for p, layer in self.layers.items()}
        axes = {value: settled(axis) for value, axis in self.axes.items()}
        weights = {path: settled(axis) for path, axis in self.weights.items()}
        return Channels(axes, weights, layers, _groups(layers, axes.values(), held), len(roots))


def _groups(layers: dict[str, Layer], axes: Iterable[Axis], held: dict[int, str]) -> tuple[Group, ...]:
    """The atoms that layers make, by the set of axes that they occur in and by what holds them."""
    occurs: dict[int, list[int]] = {}
    distinct = {tuple(np.unique(axis.atoms).tolist()) for axis in axes}
    for number, atoms in enumerate(sorted(distinct)):
        for atom in atoms:
            occurs.setdefault(atom, []).append(number)
    makers: dict[int, dict[str, None]] = {}
    for layer in layers.values():
        for atom in layer.out.atoms.tolist():
            makers.setdefault(atom, {})[layer.path] = None
    found: dict[tuple[Any, ...], list[int]] = {}
    for atom in makers:
        found.setdefault((tuple(occurs[atom]), held.get(atom, "")), []).append(atom)
    return tuple(
        Group(np.array(atoms), tuple(dict.fromkeys(p for a in atoms for p in makers[a])), reason)
        for (_, reason), atoms in found.items()
    )


# -- how each operation hands channels on

_Rule: TypeAlias = "Callable[[_Finder, Operation, list[Axis]], Sequence[Axis]]"


def _unknown(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    reason = f"'{op.name}' reads it"
    for axis in operands:
        to.hold(axis, reason)
    results = [to.fresh(v.type, held=f"'{op.name}' makes it") for v in op.results]
    if op.definition.has_weights:
        to.weight(op, results[0])
    return results


def _same(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    return operands[:1]


def _fresh(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    return [to.fresh(op.result.type)]


def _choice(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    return [operands[int(op.attributes["selector"])]]


def _conv2d(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    groups, channels = op.attributes["groups"], op.operands[0].type.shape[0]
    if groups == 1:
        return [_dense(to, op, operands[0])]
    if groups < channels or (operands[0].sizes != 1).any():
        return _unknown(to, op, operands)
    # depthwise: each channel is filtered on its own, into one or several
    each = op.attributes["out"] // groups
    return [to.weight(op, Axis(operands[0].atoms, operands[0].sizes * each))]


def _linear(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    return [_dense(to, op, operands[0])]


def _dense(to: _Finder, op: Operation, operand: Axis) -> Axis:
    path = to.path(op)
    layer = to.layers.get(path)
    if layer is None:
        out = to.fresh(op.result.type)
        to.layers[path] = Layer(path, out, operand)
        return to.weight(op, out)
    to.tie(layer.inputs, operand)
    return layer.out


def _training(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    """What is its first operand for inference; of heads the loss is taken."""
    for head in operands[1:]:
        to.hold(head, "a loss is taken of it")
    return operands[:1]


def _batch_norm(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    # of a sequence f32[T, C] a batch norm scales the steps
    steps = channel_dimension(op.result.type) != 0
    to.weight(op, to.held(op.result.type.shape[0], "it scales steps") if steps else operands[0])
    return operands


def _together(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    """Element by element: all operands that are present have the same channels."""
    dimension = channel_dimension(op.result.type)
    present = [i for i in range(len(op.operands)) if op.present(i)]
    if dimension is None or not present:
        return _unknown(to, op, operands)
    length = op.result.type.shape[dimension]
    full = [operands[i] for i in present if op.operands[i].type.shape[dimension] == length]
    for axis in full[1:]:
        to.tie(full[0], axis)
    for position in present:
        if op.operands[position].type.shape[dimension] != length:
            to.hold(operands[position], "one channel of it is read by many")
    return full[:1]


def _concat(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    present = [axis for i, axis in enumerate(operands) if op.present(i)]
    dimension = channel_dimension(op.result.type)
    if dimension is None:
        return _unknown(to, op, operands)
    if op.attributes["axis"] != dimension:
        return _together(to, op, operands)
    return [Axis(np.concatenate([a.atoms for a in present]), np.concatenate([a.sizes for a in present]))]


def _slice(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    (axis,) = operands
    if op.attributes["axis"] != channel_dimension(op.result.type):
        return operands
    begin, end = axis.boundary(op.attributes["begin"]), axis.boundary(op.attributes["end"])
    if begin is None or end is None:
        return _unknown(to, op, operands)
    return [Axis(axis.atoms[begin:end], axis.sizes[begin:end])]


def _softmax(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    if op.attributes["axis"] == channel_dimension(op.result.type):
        to.hold(operands[0], "a softmax goes over it")
    return operands


def _reshape(to: _Finder, op: Operation, operands: list[Axis]) -> Sequence[Axis]:
    (axis,), old, new = operands, op.operands[0].type, op.result.type
    if old.rank in (1, 3) and new.rank in (1, 3) and old.shape[0] == new.shape[0]:
        return operands
    if old.rank == 3 and new.rank == 1:
        return [Axis(axis.atoms, axis.sizes * prod(old.shape[1:]))]
    return _unknown(to, op, operands)


_RULES: dict[str, _Rule] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "choice": _choice,
    "zeros": _fresh,
    "concat": _concat,
    "slice": _slice,
    "softmax": _softmax,
    "reshape": _reshape,
    "flatten": _reshape,
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum"), _together),
    **dict.fromkeys(("sum", "mean", "weighted_sum"), _together),
    **dict.fromkeys(ACTIVATIONS, _same),
    **dict.fromkeys(("identity", "affine", "zeros_like", "resize"), _same),
    **dict.fromkeys(("dropout", "drop_path", "auxiliary"), _training),
    **dict.fromkeys(("max_pool", "avg_pool", "global_avg_pool"), _same),
}
"""How each operation hands channels on; the channels around any other operation are held."""
