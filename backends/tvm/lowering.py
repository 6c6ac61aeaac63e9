"""From a flat network to kernel calls: elementwise operations join the kernels that feed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

from drawloom.passes.fusion import ROLES, Fusion, Role

from .emit_convolution import convolution_tiling
from .flat import FlatNetwork, FlatValue
from .parameters import Bias, Filters, Norm, NormLine, ParameterArray
from .plan import Buffer, KernelCall, Plan, Shape, Tensor, strides
from .tiles import Machine, Panel
from .workload import (
    BIAS,
    Convolution,
    Depthwise,
    Elementwise,
    GlobalPool,
    Pool,
    Reach,
    Step,
    Workload,
    move,
)


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """The weights of a convolution or linear layer, by name.

    Attributes:
        path: where they live.
        shape: of ``weight``.
        bias: whether there is a ``bias``.
        image: see `drawloom.backends.tvm.parameters.Filters`.
    """

    path: str
    shape: Shape
    bias: bool
    image: tuple[int, int, int] | None = None


@dataclass(eq=False, slots=True)
class Draft:
    """A kernel call that may still take in elementwise operations.

    Attributes:
        workload: the kernel without its epilogue.
        reads: its inputs, and for kernels without an epilogue their parameters.
        writes: its result.
        layer: its weights, for convolutions.
        norm: the batch norm folded into them.
        steps: the epilogue so far.
        operands: one for each binary step.
    """

    workload: Workload
    reads: list[Buffer | ParameterArray]
    writes: Buffer
    layer: LayerWeights | None = None
    norm: Norm | None = None
    steps: list[Step] = field(default_factory=list)
    operands: list[Buffer | ParameterArray] = field(default_factory=list)

    def append(self, step: Step, operand: Buffer | ParameterArray | None = None) -> None:
        """Add a step to the epilogue."""
        self.steps.append(step)
        if operand is not None:
            self.operands.append(operand)

    def finished(self, machine: Machine) -> KernelCall:
        """The call, with its parameter arrays described."""
        if not isinstance(self.workload, _FUSING):
            return KernelCall(self.workload, tuple(self.reads), self.writes)
        biased = self.layer is not None and (self.layer.bias or self.norm is not None)
        workload = replace(self.workload, epilogue=(*((BIAS,) if biased else ()), *self.steps))
        parameters = self._parameters(self.layer, workload, machine) if self.layer is not None else ()
        return KernelCall(workload, (*self.reads, *parameters, *self.operands), self.writes)

    def _parameters(
        self, layer: LayerWeights, workload: Workload, machine: Machine
    ) -> tuple[ParameterArray, ...]:
        """The filters and, where the workload begins with one, the bias."""
        groups = 1
        panels: tuple[Panel, ...] = ()
        if isinstance(workload, Convolution):
            groups, panels = workload.groups, convolution_tiling(workload, machine).panels
        filters = Filters(f"{layer.path}.weight", layer.shape, self.norm, groups, panels, layer.image)
        if not layer.bias and self.norm is None:
            return (filters,)
        return (filters, Bias(f"{layer.path}.bias" if layer.bias else None, layer.shape[0], self.norm))


_FUSING = (Convolution, Depthwise, Pool, GlobalPool, Elementwise)
"""Kernels with an epilogue."""


class Lowering:
    """A network on its way from operations to kernel calls; the rules for each operation are in `rules`."""

    def __init__(self, batch: int, machine: Machine) -> None:
        """Start with no kernel."""
        self.batch = batch
        self.machine = machine
        self.drafts: list[Draft] = []
        self.tensors: dict[FlatValue, Tensor] = {}
        self._fusion: Fusion[FlatValue] = Fusion(lambda v: v.shape, lambda v: v.uses)
        self._makers: dict[FlatValue, Draft] = {}

    # -- tensors
    # ------------------------------------------------------------------------------------------------------

    def elements(self, shape: Shape) -> int:
        """Floats of a batch of tensors."""
        return self.batch * prod(shape)

    def image(self, value: FlatValue) -> Tensor:
        """The tensor of a value in this backend's own layout, copied there first where it is not."""
        tensor = self.tensors[value]
        if tensor.planar or tensor.image is not None:
            tensor = self._settled(tensor)
            self.tensors[value] = tensor
        return tensor

    def _settled(self, tensor: Tensor) -> Tensor:
        """A copy in the layout that the tensor's shape has by default."""
        sizes = (self.batch, *(tensor.image or tensor.shape))
        source = strides(sizes, channels_last=tensor.image is not None)
        target = strides(sizes, channels_last=tensor.image is None)
        return Tensor(self.copy(sizes, source, target, tensor.buffer), tensor.shape)

    def copy(self, sizes: Shape, source: Shape, target: Shape, buffer: Buffer) -> Buffer:
        """A whole tensor rearranged; the buffer itself where nothing would move."""
        workload = move(sizes, source, target, (buffer.elements, prod(sizes)))
        if workload.trivial:
            return buffer
        result = Buffer(prod(sizes))
        self.drafts.append(Draft(workload, [buffer], result))
        return result

    def row_major(self, value: FlatValue) -> Buffer:
        """The elements of a value in the order of its logical dimensions."""
        tensor = self.tensors[value]
        if tensor.planar:
            return tensor.buffer
        tensor = self.image(value)
        sizes = (self.batch, *tensor.shape)
        return self.copy(
            sizes, strides(sizes, channels_last=True), strides(sizes, channels_last=False), tensor.buffer
        )

    def geometry(self, shape: Shape) -> tuple[int, int, int, int]:
        """A shape as batch, height, width, channels; what is no image is one pixel."""
        if len(shape) == 3:
            return (self.batch, shape[1], shape[2], shape[0])
        return (self.batch, 1, 1, prod(shape))

    # -- kernels
    # ------------------------------------------------------------------------------------------------------

    def add(
        self,
        workload: Workload,
        reads: Sequence[Buffer | ParameterArray],
        result: FlatValue,
        layer: LayerWeights | None = None,
    ) -> Draft:
        """Append a kernel that makes a value."""
        draft = Draft(workload, list(reads), Buffer(self.elements(result.shape)), layer)
        self.drafts.append(draft)
        self._fusion.visit(Role.REDUCE if isinstance(workload, _FUSING) else Role.ALONE, (), result)
        self.bind(result, Tensor(draft.writes, result.shape), draft)
        return draft

    def bind(self, result: FlatValue, tensor: Tensor, draft: Draft | None = None) -> None:
        """Say where a value lies, and which kernel may take in what is done to it next."""
        self.tensors[result] = tensor
        if draft is not None:
            self._makers[result] = draft

    def _host(self, role: Role, value: FlatValue, result: FlatValue) -> Draft:
        """The kernel that takes in an operation on one value: the one that makes it, or one of its own."""
        joined = self._fusion.visit(role, (value,), result)
        return self._elementwise(value, result) if joined is None else self._makers[joined]

    def unary(self, kind: str, value: FlatValue, result: FlatValue) -> None:
        """An activation: into the kernel that makes its operand, or a kernel of its own."""
        draft = self._host(Role.EACH, value, result)
        draft.append(Step(kind))
        self.bind(result, Tensor(draft.writes, result.shape), draft)

    def batch_norm(self, norm: Norm, value: FlatValue, result: FlatValue) -> None:
        """A batch norm: into a convolution's weights, another kernel's epilogue, or a kernel of its own."""
        draft = self._host(Role.NORM, value, result)
        channelwise = len(value.shape) in (1, 3)
        if draft.layer is not None and draft.norm is None and not draft.steps:
            draft.norm = norm
        else:
            repeat = 1 if channelwise else prod(value.shape[1:])
            draft.append(Step("mul", "channel"), NormLine(norm, False, repeat))
            draft.append(Step("add", "channel"), NormLine(norm, True, repeat))
        self.bind(result, Tensor(draft.writes, result.shape), draft)

    def chain(self, kind: str, values: Sequence[FlatValue], result: FlatValue) -> None:
        """Tensors combined element by element, in the kernel that makes one of them, or in one of its own.

        A difference or quotient can only be in the kernel that makes its first tensor.
        """
        reaches = [_reach(v.shape, result.shape) for v in values]
        if "full" not in reaches:
            reaches[0] = None
        role = ROLES[kind]
        joined = self._fusion.visit(role, values, result)
        base = 0 if joined is None else values.index(joined)
        if joined is None and role is Role.COMBINE and "full" in reaches:
            base = reaches.index("full")
        others = [
            (r, self._operand(v, r, result.shape))
            for i, (v, r) in enumerate(zip(values, reaches, strict=True))
            if i != base
        ]
        if joined is not None:
            # Nobody has read it yet, so it may run after the kernels that make its new operands.
            draft = self._makers[joined]
            self.drafts.remove(draft)
            self.drafts.append(draft)
        else:
            draft = self._elementwise(values[base], result)
        for reach, operand in others:
            draft.append(Step(kind, reach or "full"), operand)
        self.bind(result, Tensor(draft.writes, result.shape), draft)

    def channelwise(
        self, steps: Sequence[tuple[str, ParameterArray]], value: FlatValue, result: FlatValue
    ) -> None:
        """Products and sums with one number for each channel."""
        draft = self._host(Role.EACH, value, result)
        for kind, numbers in steps:
            draft.append(Step(kind, "channel"), numbers)
        self.bind(result, Tensor(draft.writes, result.shape), draft)

    def _operand(self, value: FlatValue, reach: Reach | None, shape: Shape) -> Buffer:
        tensor = self.image(value)
        return tensor.buffer if reach is not None else self._expanded(tensor, shape)

    def _expanded(self, tensor: Tensor, shape: Shape) -> Buffer:
        """A tensor repeated along its dimensions of size 1 until it has a shape."""
        sizes = (self.batch, *shape)
        own = (self.batch, *tensor.shape)
        steps = strides(own, channels_last=True)
        source = tuple(s if n == size else 0 for s, n, size in zip(steps, own, sizes, strict=True))
        return self.copy(sizes, source, strides(sizes, channels_last=True), tensor.buffer)

    def _elementwise(self, value: FlatValue, result: FlatValue) -> Draft:
        tensor = self.image(value)
        buffer = tensor.buffer if value.shape == result.shape else self._expanded(tensor, result.shape)
        workload = Elementwise(*self.geometry(result.shape), epilogue=())
        draft = Draft(workload, [buffer], Buffer(self.elements(result.shape)))
        self.drafts.append(draft)
        return draft

    # -- the whole
    # ----------------------------------------------------------------------------------------------------

    def output(self, value: FlatValue, position: int) -> None:
        """Bring a value to the caller's layout in the buffer of an output."""
        source = self.row_major(value)
        if source.role == "scratch":
            source.role, source.position = "output", position
            return
        target = Buffer(source.elements, "output", position)
        size = (source.elements,)
        self.drafts.append(Draft(move(size, (1,), (1,), (size[0], size[0])), [source], target))

    def plan(self, network: FlatNetwork) -> Plan:
        """The calls, finished."""
        return Plan(
            network.name,
            self.batch,
            tuple((self.batch, *v.shape) for v in network.inputs),
            tuple((self.batch, *v.shape) for v in network.outputs),
            tuple(v.vocabulary for v in network.inputs),
            tuple(draft.finished(self.machine) for draft in self.drafts),
        )


def _reach(shape: Shape, result: Shape) -> Reach | None:
    """How an operand of a shape covers a result; None when it must be copied to the full shape first."""
    if shape == result:
        return "full"
    return "gate" if len(result) == 3 and shape == (result[0], 1, 1) else None
