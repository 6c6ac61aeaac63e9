"""How each operation becomes kernels: one rule for each name."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from drawloom.backends.lowerings import lowering
from drawloom.ir import Module, UserError
from drawloom.ir.ops.activation import ACTIVATIONS

from .flat import FlatOperation, FlatValue, flatten_network
from .lowering import Draft, LayerWeights, Lowering
from .parameters import Constant, Norm, PerChannel, Share, Table
from .plan import Buffer, Plan, Shape, Tensor, strides
from .tiles import Machine
from .workload import Convolution, Depthwise, Fill, GlobalPool, LookUp, Pool, Resize, Softmax, Window, move

_PLANAR_CHANNELS = 4
"""Up to so many input channels a convolution reads the network's channels-first input directly."""

Rule = Callable[[Lowering, FlatOperation], None]


def _window(op: FlatOperation) -> Window:
    a = op.attributes
    top, left = a["pad"]
    return Window(
        tuple(a["kernel"]), tuple(a["stride"]), (top, left, top, left), tuple(a.get("dilation", (1, 1)))
    )


def _conv2d(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    channels, height, width = x.shape
    out, groups, window = a["out"], a["groups"], _window(op)
    layer = LayerWeights(op.path, (out, channels // groups, *window.kernel), a["bias"])
    if groups == channels == out and groups > 1:
        to.add(Depthwise(to.batch, height, width, channels, window), [to.image(x).buffer], op.result, layer)
        return
    tensor = to.tensors[x]
    planar = tensor.planar and channels <= _PLANAR_CHANNELS
    if not planar:
        tensor = to.image(x)
    workload = Convolution(to.batch, height, width, channels, out, window, groups, planar)
    to.add(workload, [tensor.buffer], op.result, layer)


def _linear(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    *rows, features = x.shape
    tensor = to.tensors[x]
    out = op.result.shape[-1]
    layer = LayerWeights(op.path, (out, features), a.get("bias", False), tensor.image)
    buffer = tensor.buffer if tensor.image is not None else to.image(x).buffer
    to.add(Convolution(to.batch, 1, prod(rows), features, out), [buffer], op.result, layer)


def _embedding(to: Lowering, op: FlatOperation) -> None:
    (tokens,), a = op.operands, op.attributes
    table = Table(f"{op.path}.weight", (a["vocabulary"], a["out"]))
    workload = LookUp(to.elements(tokens.shape), *table.shape)
    to.add(workload, [to.image(tokens).buffer, table], op.result)


def _batch_norm(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    to.batch_norm(Norm(op.path, x.shape[0], a["eps"], a["affine"]), x, op.result)


def _activation(to: Lowering, op: FlatOperation) -> None:
    to.unary(op.name, op.operands[0], op.result)


def _channel_affine(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    axis = 1 if len(x.shape) == 2 else 0
    channels, inner = x.shape[axis], prod(x.shape[axis + 1 :]) if len(x.shape) != 3 else 1
    outer = prod(x.shape[:axis])
    steps = [
        (kind, PerChannel(f"{op.path}.{role}", channels, inner, outer))
        for kind, role, wanted in (("mul", "weight", a["scale"]), ("add", "bias", a["shift"]))
        if wanted
    ]
    to.channelwise(steps, x, op.result)


def _chain(to: Lowering, op: FlatOperation) -> None:
    to.chain(op.name, op.operands, op.result)


def _sum(to: Lowering, op: FlatOperation) -> None:
    if op.result.zero:
        _zeros(to, op)
        return
    to.chain("add", op.operands, op.result)


def _mean(to: Lowering, op: FlatOperation) -> None:
    total = FlatValue(op.result.shape, uses=1)
    to.chain("add", op.operands, total)
    to.channelwise([("mul", Constant(1 / len(op.operands), _channels(to, op)))], total, op.result)


def _weighted_sum(to: Lowering, op: FlatOperation) -> None:
    terms = []
    for i, value in enumerate(op.operands):
        terms.append(FlatValue(value.shape, uses=1))
        share = Share(f"{op.path}.weight", len(op.operands), i, _channels(to, op))
        to.channelwise([("mul", share)], value, terms[i])
    to.chain("add", terms, op.result)


def _affine(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    steps = [
        (kind, Constant(a[name], _channels(to, op)))
        for kind, name, nothing in (("mul", "scale", 1), ("add", "shift", 0))
        if a[name] != nothing
    ]
    to.channelwise(steps, x, op.result)


def _channels(to: Lowering, op: FlatOperation) -> int:
    """How many elements of a result lie side by side."""
    return to.geometry(op.result.shape)[3]


def _zeros(to: Lowering, op: FlatOperation) -> None:
    to.add(Fill(*to.geometry(op.result.shape)), [], op.result)


def _max_pool(to: Lowering, op: FlatOperation) -> None:
    (x,) = op.operands
    to.add(Pool("max", *to.geometry(x.shape), _window(op)), [to.image(x).buffer], op.result)


def _avg_pool(to: Lowering, op: FlatOperation) -> None:
    (x,) = op.operands
    workload = Pool("avg", *to.geometry(x.shape), _window(op), op.attributes["count_include_pad"])
    to.add(workload, [to.image(x).buffer], op.result)


def _global_avg_pool(to: Lowering, op: FlatOperation) -> None:
    (x,) = op.operands
    to.add(GlobalPool(*to.geometry(x.shape)), [to.image(x).buffer], op.result)


def _concat(to: Lowering, op: FlatOperation) -> None:
    axis = op.attributes["axis"] + 1
    target = strides((to.batch, *op.result.shape), channels_last=True)
    result = Buffer(to.elements(op.result.shape))
    start = 0
    for value in op.operands:
        buffer = to.image(value).buffer
        sizes = (to.batch, *value.shape)
        source = strides(sizes, channels_last=True)
        elements = (buffer.elements, result.elements)
        to.drafts.append(
            Draft(move(sizes, source, target, elements, 0, start * target[axis]), [buffer], result)
        )
        start += sizes[axis]
    to.bind(op.result, Tensor(result, op.result.shape))


def _slice(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    buffer = to.image(x).buffer
    source = strides((to.batch, *x.shape), channels_last=True)
    sizes = (to.batch, *op.result.shape)
    elements = (buffer.elements, prod(sizes))
    target = strides(sizes, channels_last=True)
    workload = move(sizes, source, target, elements, a["begin"] * source[a["axis"] + 1])
    if workload.trivial:
        to.bind(op.result, Tensor(buffer, op.result.shape))
        return
    to.add(workload, [buffer], op.result)


def _reshape(to: Lowering, op: FlatOperation) -> None:
    (x,), shape = op.operands, op.result.shape
    if len(shape) == 1 and len(x.shape) == 3 and not to.tensors[x].planar:
        c, h, w = x.shape
        settled = c == 1 or h * w == 1
        to.bind(op.result, Tensor(to.tensors[x].buffer, shape, image=None if settled else (c, h, w)))
        return
    sizes = (to.batch, *shape)
    source, target = (strides(sizes, channels_last=last) for last in (False, True))
    to.bind(op.result, Tensor(to.copy(sizes, source, target, to.row_major(x)), shape))


def _channel_shuffle(to: Lowering, op: FlatOperation) -> None:
    (x,), groups = op.operands, op.attributes["groups"]
    n, h, w, c = to.geometry(x.shape)
    members = c // groups
    sizes = (n * h * w, members, groups)
    workload = move(sizes, (c, 1, members), (c, groups, 1), (prod(sizes), prod(sizes)))
    to.add(workload, [to.image(x).buffer], op.result)


def _resize(to: Lowering, op: FlatOperation) -> None:
    (x,), a = op.operands, op.attributes
    size, mode = (a["height"], a["width"]), a["mode"]
    if mode == "pyramid":
        x, mode = _blocks(to, x, size), "nearest"
    if x.shape == op.result.shape:
        to.bind(op.result, to.image(x))
        return
    to.add(Resize(mode, *to.geometry(x.shape), size), [to.image(x).buffer], op.result)


def _blocks(to: Lowering, x: FlatValue, size: tuple[int, int]) -> FlatValue:
    """The maxima of the blocks of an image, in the directions in which it has to shrink to a size."""
    channels, height, width = x.shape
    blocks = (max(1, height // size[0]), max(1, width // size[1]))
    if blocks == (1, 1):
        return x
    result = FlatValue((channels, height // blocks[0], width // blocks[1]), uses=1)
    to.add(Pool("max", *to.geometry(x.shape), Window(blocks, blocks)), [to.image(x).buffer], result)
    return result


def _softmax(to: Lowering, op: FlatOperation) -> None:
    (x,), axis = op.operands, op.attributes["axis"] + 1
    sizes = (to.batch, *x.shape)
    own = strides(sizes, channels_last=True)
    buffer = to.image(x).buffer
    order = [*(i for i in range(len(sizes)) if i != axis), axis]
    last = tuple(sizes[i] for i in order)
    # Rows of the softmax run along memory for channels of images and for the last dimension of anything else.
    rows = own[axis] == 1 or sizes[axis] == 1
    by_order = dict(zip(order, strides(last, channels_last=False), strict=True))
    turned = own if rows else tuple(by_order[i] for i in range(len(sizes)))
    buffer = to.copy(sizes, own, turned, buffer)
    count = prod(sizes) // sizes[axis]
    result = Buffer(prod(sizes))
    to.drafts.append(Draft(Softmax(1, 1, count, sizes[axis]), [buffer], result))
    to.bind(op.result, Tensor(to.copy(sizes, turned, own, result), op.result.shape))


RULES: dict[str, Rule] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "embedding": _embedding,
    "unembedding": _linear,
    "batch_norm": _batch_norm,
    "channel_affine": _channel_affine,
    "affine": _affine,
    "sum": _sum,
    "mean": _mean,
    "weighted_sum": _weighted_sum,
    "zeros": _zeros,
    "zeros_like": _zeros,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global_avg_pool,
    "concat": _concat,
    "slice": _slice,
    "reshape": _reshape,
    "flatten": _reshape,
    "channel_shuffle": _channel_shuffle,
    "resize": _resize,
    "softmax": _softmax,
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum"), _chain),
}
"""The rule of every operation that becomes kernels."""

NO_RULE: dict[str, str] = {
    "call": "followed when the network is flattened",
    "choice": "its selected operand is taken when the network is flattened",
    "identity": "its operand is taken when the network is flattened",
    **dict.fromkeys(("dropout", "drop_path", "auxiliary"), "inference does without it"),
}
"""Why the other operations need none."""


def lower_operation(to: Lowering, op: FlatOperation) -> None:
    """Append the kernels of an operation.

    Raises:
        UserError: when it has no rule.
    """
    rule: Rule | None = RULES.get(op.name) or lowering("tvm", op.name)
    if rule is None:
        reason = NO_RULE.get(op.name, "it has no rule for this operation")
        raise UserError(f"the tvm backend cannot run '{op.name}'", reason)
    rule(to, op)


def lower_network(module: Module, machine: Machine, batch: int = 1) -> Plan:
    """The kernel calls of a resolved network.

    Raises:
        UserError: when decisions are open, or an operation has no lowering.
    """
    network = flatten_network(module)
    lowering = Lowering(batch, machine)
    for position, value in enumerate(network.inputs):
        buffer = Buffer(lowering.elements(value.shape), "input", position)
        lowering.bind(value, Tensor(buffer, value.shape, planar=_is_planar(value.shape)))
    for op in network.operations:
        lower_operation(lowering, op)
    for position, value in enumerate(network.outputs):
        lowering.output(value, position)
    return lowering.plan(network)


def _is_planar(shape: Shape) -> bool:
    """Whether channels-first differs from channels-last."""
    return len(shape) == 3 and shape[0] > 1 and shape[1] * shape[2] > 1
