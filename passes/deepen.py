"""The pass ``deepen``: more layers, the same function (Net2DeeperNet)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from drawloom.ir import OPS, Function, Module, Operation, UserError, Value, make_operation
from drawloom.ir.ops.activation import ACTIVATIONS
from drawloom.ir.weight_paths import join_path

from .base import Context, Pass
from .globs import is_plain, matches, require_matches
from .instances import Instances, merged, separated
from .rebuild import Rewriter, rebuilt

Array: TypeAlias = "npt.NDArray[Any]"


@dataclass(frozen=True)
class Deepen(Pass):
    """Inserts layers that compute the identity after given convolutions and linear layers.

    Net2DeeperNet (Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", 2016;
    Wei et al., "Network Morphism", 2016). After a layer, the batch norm that alone reads it and the ``relu``
    or ``relu6`` that alone reads that, the same again is inserted: a convolution that passes every channel
    on, depthwise or grouped as the layer is, a batch norm that undoes its own normalisation, and the
    activation, which changes nothing the second time. With weights in the context, which are carried over,
    the network computes the same as before. In training too it does so approximately: the new batch norm has
    the mean and variance that its input has when the statistics of the batch norm before are right. Without
    weights only the structure changes.

    A layer before another activation is refused when it is named without ``*`` or ``?``, and else left alone
    and counted; so is a layer whose weights several operations share.

    Before, with ``deepen{after=a}``::

        %0 = conv2d %x {out=8, kernel=5, pad=2, param="a"} : f32[8, 32, 32]
        %1 = batch_norm %0 {param="n"} : f32[8, 32, 32]
        %2 = relu %1 : f32[8, 32, 32]
        return %2

    After::

        %0 = conv2d %x {out=8, kernel=5, pad=2, param="a"} : f32[8, 32, 32]
        %1 = batch_norm %0 {param="n"} : f32[8, 32, 32]
        %2 = relu %1 : f32[8, 32, 32]
        %3 = conv2d %2 {out=8, kernel=3, pad=1, param="a_deeper"} : f32[8, 32, 32]
        %4 = batch_norm %3 {param="a_deeper_norm"} : f32[8, 32, 32]
        %5 = relu %4 : f32[8, 32, 32]
        return %5

    Attributes:
        after: paths of the layers; ``*`` stands for any text.
        times: how many layers are inserted after each.
        kernel: height and width of the inserted convolutions, odd.
        seed: with the seed of the run it decides the noise.
        noise: standard deviation, relative to that of a fresh layer's weights, of what is added to the
            inserted ones, so that training moves them apart; with 0 the function is kept exactly.
    """

    name: ClassVar[str] = "deepen"
    after: tuple[str, ...]
    times: int = 1
    kernel: int = 3
    seed: int = 0
    noise: float = 0.0

    def run(self, module: Module, context: Context) -> Module:
        """The deeper network.

        Raises:
            UserError: when decisions are open, an option is out of range, a pattern fits no layer or a layer
                that is named cannot be followed by an identity.
        """
        if self.times < 1:
            raise UserError(f"times={self.times} of deepen is below 1")
        if self.noise < 0:
            raise UserError(f"noise={self.noise} of deepen is negative")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise UserError(f"kernel={self.kernel} of deepen is not odd", "an even window has no centre")
        if not module.resolved:
            raise UserError(
                f"'{module.name}' still has {len(module.decisions)} open decisions",
                f"layers are inserted into resolved networks only; one is '{next(iter(module.decisions))}'",
            )
        instances = separated(module)
        found = self._found(instances, context)
        if not found:
            return module
        functions = {}
        for name, function in instances.module.functions.items():
            inserted = [s for s in found if s.function is function]
            functions[name] = _deeper(function, inserted, self) if inserted else function
        if context.weights is not None:
            rng = context.rng(self.seed)
            weights = dict(context.weights)
            for stack in found:
                weights |= _identity_weights(stack, self, weights, rng)
            context.weights = weights
        return merged(instances.module.with_functions(functions.values()), instances.origins)

    def _found(self, instances: Instances, context: Context) -> list[_Stack]:
        """The layers that are asked for and can be followed by an identity."""
        weighted = list(instances.weighted())
        uses = Counter(path for path, _, _ in weighted)
        layers = [(path, f, op) for path, f, op in weighted if op.name in ("conv2d", "linear")]
        require_matches("layer", self.after, [path for path, _, _ in layers])
        found = []
        for path, function, op in layers:
            asking = [p for p in self.after if matches(p, path)]
            if not asking:
                continue
            stack = _stack(path, function, op, instances.prefixes[function.name], uses)
            refusal = _refusal(stack, uses[path])
            if not refusal:
                found.append(stack)
                context.count(self.name, "layers inserted", self.times)
            elif any(map(is_plain, asking)):
                raise UserError(f"no layer can be inserted after '{path}': {refusal}")
            else:
                context.count(self.name, "layers left alone")
        return found


@dataclass(frozen=True, slots=True)
class _Stack:
    """A layer with the batch norm and the activation that belong to it.

    Attributes:
        path: of the layer's weights.
        norm_path: of the batch norm's weights.
        names: of the inserted layer, within its function and in full.
        function: where it is.
        layer: the convolution or linear layer.
        norm: the batch norm that alone reads it.
        activation: what alone reads that.
    """

    path: str
    norm_path: str
    names: tuple[str, str]
    function: Function
    layer: Operation
    norm: Operation | None
    activation: Operation | None

    @property
    def end(self) -> Value:
        """The result of the whole."""
        return (self.activation or self.norm or self.layer).result

    def name(self, number: int) -> str:
        """The path, in the function, of an inserted layer."""
        return self.names[0] + (f"_{number + 1}" if number else "")

    def full_name(self, number: int) -> str:
        """The full path of an inserted layer."""
        return self.names[1] + (f"_{number + 1}" if number else "")


_ACTIVATIONS = (*ACTIVATIONS, "softmax")
_CAPS = {"relu": math.inf, "relu6": 6.0}
"""What the activations that change nothing the second time cut off above."""


def _stack(path: str, function: Function, layer: Operation, prefix: str, uses: Counter[str]) -> _Stack:
    readers: dict[Value, list[Operation | None]] = {}
    for op in function.operations:
        for value in op.operands:
            readers.setdefault(value, []).append(op)
    for value in function.outputs:
        readers.setdefault(value, []).append(None)

    def only_reader(value: Value, names: tuple[str, ...]) -> Operation | None:
        reading = readers.get(value, [])
        reader = reading[0] if len(reading) == 1 else None
        return reader if reader is not None and reader.name in names else None

    norm = only_reader(layer.result, ("batch_norm",))
    activation = only_reader((norm or layer).result, _ACTIVATIONS)
    own = f"{layer.param}_deeper"
    while any(taken.startswith(join_path(prefix, own)) for taken in uses):
        own += "_"
    norm_path = join_path(prefix, norm.param or "") if norm is not None else ""
    return _Stack(path, norm_path, (own, join_path(prefix, own)), function, layer, norm, activation)


def _refusal(stack: _Stack, uses: int) -> str:
    """Why no layer can be inserted; empty where one can."""
    if uses > 1:
        return "several operations share its weights"
    if stack.activation is not None and stack.activation.name not in _CAPS:
        return f"'{stack.activation.name}' comes after it, which applied twice is not applied once"
    return ""


# -- structure


def _deeper(function: Function, stacks: list[_Stack], options: Deepen) -> Function:
    ends = {stack.end: stack for stack in stacks}
    rewriter = Rewriter()
    for op in function.operations:
        rewriter.keep(op)
        for value in op.results:
            if value in ends:
                value_now = rewriter.values.get(value, value)
                for number in range(options.times):
                    for new in _inserted(ends[value], value_now, number, options.kernel):
                        rewriter.operations.append(new)
                        value_now = new.result
                rewriter.values[value] = value_now
    outputs = tuple([rewriter.values.get(v, v) for v in function.outputs])
    return rebuilt(function, function.inputs, tuple(rewriter.operations), outputs, arguments={})


def _inserted(stack: _Stack, value: Value, number: int, kernel: int) -> list[Operation]:
    """A layer, the batch norm and the activation where the stack has them, on a value."""
    layer, name, span = stack.layer, stack.name(number), stack.layer.span
    attributes = {"out": layer.attributes["out"], "bias": layer.attributes["bias"], "param": name}
    if layer.name == "conv2d":
        groups = layer.attributes["groups"]
        depthwise = groups == layer.operands[0].type.shape[0] > 1
        attributes |= {
            "kernel": kernel,
            "pad": kernel // 2,
            "groups": layer.attributes["out"] if depthwise else groups,
        }
    made = [make_operation(layer.definition, [value], attributes, span=span)]
    if stack.norm is not None:
        attributes = {"eps": stack.norm.attributes["eps"], "param": f"{name}_norm"}
        made.append(make_operation(OPS["batch_norm"], [made[-1].result], attributes, span=span))
    if stack.activation is not None:
        made.append(make_operation(stack.activation.definition, [made[-1].result], span=span))
    return made


# -- weights


def _identity_weights(
    stack: _Stack, options: Deepen, weights: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, Array]:
    """The weights of the layers inserted after one."""
    kind = weights[f"{stack.path}.weight"].dtype
    made: dict[str, Array] = {}
    for number in range(options.times):
        value = stack.end
        path = stack.full_name(number)
        operations = _inserted(stack, value, number, options.kernel)
        shapes = operations[0].definition.weights(operations[0])
        weight = _identity(shapes["weight"].type.shape)
        weight += rng.normal(0.0, options.noise * math.sqrt(2.0 / _fan_out(weight)), weight.shape)
        made[f"{path}.weight"] = weight.astype(kind)
        if "bias" in shapes:
            made[f"{path}.bias"] = np.zeros(len(weight), kind)
        if stack.norm is not None:
            statistics = _undone(stack, weights)
            made |= {f"{path}_norm.{name}": value.astype(kind) for name, value in statistics.items()}
    return made


def _identity(shape: tuple[int, ...]) -> Array:
    """A weight ``[out, in / groups, ...]`` that passes every channel on: ones at the centres of windows."""
    weight = np.zeros(shape)
    channels = np.arange(shape[0])
    centre: tuple[Any, ...] = tuple(size // 2 for size in shape[2:])
    weight[(channels, channels % shape[1], *centre)] = 1.0
    return weight


def _fan_out(weight: Array) -> int:
    return len(weight) * math.prod(weight.shape[2:])


def _undone(stack: _Stack, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of a batch norm after a stack that give back what they are given.

    The mean and variance of its input follow from the batch norm before: what leaves that is taken to be
    normal, with its bias as mean and its weight as standard deviation.
    """
    assert stack.norm is not None
    length = stack.norm.result.type.shape[0]
    scale, shift = np.ones(length), np.zeros(length)
    if stack.norm.attributes["affine"]:
        scale = np.abs(np.asarray(weights[f"{stack.norm_path}.weight"], np.float64))
        shift = np.asarray(weights[f"{stack.norm_path}.bias"], np.float64)
    mean, variance = shift, scale**2
    if stack.activation is not None:
        mean, variance = clipped_moments(shift, scale, _CAPS[stack.activation.name])
    return {
        "weight": np.sqrt(variance + float(stack.norm.attributes["eps"])),
        "bias": mean,
        "running_mean": mean,
        "running_var": variance,
    }


def clipped_moments(mean: Array, deviation: Array, cap: float) -> tuple[Array, Array]:
    """Mean and variance of ``min(max(z, 0), cap)`` for normal ``z``, element by element.

    Args:
        mean: of ``z``.
        deviation: standard deviation of ``z``, not negative.
        cap: may be infinite.
    """
    spread = np.maximum(deviation, 1e-12)
    low = -mean / spread
    first = mean * _above(low) + spread * _density(low)
    second = (mean**2 + spread**2) * _above(low) + mean * spread * _density(low)
    if math.isfinite(cap):
        # what lies above the cap: taken off, then put back at the cap
        high = (cap - mean) / spread
        beyond, there = _above(high), _density(high)
        first += (cap - mean) * beyond - spread * there
        second += (cap**2 - mean**2 - spread**2) * beyond - spread * (mean + cap) * there
    return first, np.maximum(second - first**2, 0.0)


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * np.minimum(z * z, 1e3)) / math.sqrt(2 * math.pi))


def _above(z: Array) -> Array:
    """Probability that a standard normal number is above each of `z`."""
    return np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in z])
