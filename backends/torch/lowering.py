"""How each operation is written in PyTorch: a table from operation to rule.

A rule gives Python text: of the layer that holds the weights, for operations that have some, and of the
expression that computes the result. In it ``nn``, ``F`` and ``torch`` have their usual meanings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Operation


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operation is written.

    Attributes:
        operands: expressions of the tensors it reads; the present ones of a list.
        layer: expression of its layer, empty for operations without one.
        batch: expression of a tensor with the batch first.
        of_tokens: whether that is a tensor of integers.
    """

    operands: Sequence[str]
    layer: str
    batch: str
    of_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """How one operation is written.

    Attributes:
        expression: the result, given the operation and its site.
        layer: the constructor of its layer; None for operations without weights or state.
    """

    expression: Callable[[Operation, Site], str]
    layer: Callable[[Operation], str] | None = None


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else str(value)


def _options(op: Operation, **defaults: tuple[str, Any]) -> str:
    """``, name=value`` for the attributes that differ from PyTorch's defaults."""
    text = ""
    for name, (attribute, default) in defaults.items():
        value = op.attributes[attribute]
        if value != default:
            text += f", {name}={_pair(value) if isinstance(value, tuple) else value}"
    return text


def _conv2d(op: Operation) -> str:
    options = _options(
        op,
        stride=("stride", (1, 1)),
        padding=("pad", (0, 0)),
        dilation=("dilation", (1, 1)),
        groups=("groups", 1),
        bias=("bias", True),
    )
    channels = op.operands[0].type.shape[0]
    return f"nn.Conv2d({channels}, {op.attributes['out']}, {_pair(op.attributes['kernel'])}{options})"


def _linear(op: Operation) -> str:
    features = op.operands[0].type.shape[-1]
    return f"nn.Linear({features}, {op.attributes['out']}{_options(op, bias=('bias', True))})"


def _batch_norm(op: Operation) -> str:
    shape = op.operands[0].type.shape
    dimensions = max(1, len(shape) - 1)
    options = _options(op, eps=("eps", 1e-5), affine=("affine", True))
    return f"nn.BatchNorm{dimensions}d({shape[0]}{options})"


def _channel_affine(op: Operation) -> str:
    shape = op.operands[0].type.shape
    axis = 1 if len(shape) == 2 else 0
    options = _options(op, scale=("scale", True), shift=("shift", True))
    return f"ChannelAffine({shape[axis]}, {len(shape) - axis - 1}{options})"


def _layer(op: Operation, site: Site) -> str:
    return f"{site.layer}({site.operands[0]})"


def _function(name: str) -> Callable[[Operation, Site], str]:
    def expression(op: Operation, site: Site) -> str:
        return f"{name}({', '.join(site.operands)})"

    return expression


_SAME_NAME = ("erf", "abs", "sqrt", "exp", "log", "sin", "cos", "sinh", "cosh", "asinh", "atan")
"""Functions of each element that PyTorch calls as the IR does."""


def _sinc(op: Operation, site: Site) -> str:
    return f"torch.sinc({site.operands[0]} / torch.pi)"


def _infix(sign: str) -> Callable[[Operation, Site], str]:
    def expression(op: Operation, site: Site) -> str:
        return f" {sign} ".join(site.operands)

    return expression


def _softmax(op: Operation, site: Site) -> str:
    return f"F.softmax({site.operands[0]}, dim={op.attributes['axis'] + 1})"


def _zeros(op: Operation, site: Site) -> str:
    sizes = ", ".join(str(d) for d in op.result.type.shape)
    dtype = ", dtype=torch.float32" if site.of_tokens else ""
    return f"{site.batch}.new_zeros(({site.batch}.shape[0], {sizes}){dtype})"


def _zeros_like(op: Operation, site: Site) -> str:
    (x,) = site.operands
    return f"torch.zeros_like({x})" if op.attributes["stride"] == (1, 1) else _zeros(op, Site((), "", x))


def _sum(op: Operation, site: Site) -> str:
    return " + ".join(site.operands) if site.operands else _zeros(op, site)


def _mean(op: Operation, site: Site) -> str:
    return f"({_sum(op, site)}) / {len(site.operands)}"


def _affine(op: Operation, site: Site) -> str:
    scale, shift = op.attributes["scale"], op.attributes["shift"]
    (x,) = site.operands
    scaled = {1: x, -1: f"-{x}"}.get(scale, f"{scale} * {x}")
    if shift == 0:
        return scaled
    return f"{shift} - {x}" if scale == -1 else f"{scaled} + {shift}"


def _weighted_sum(op: Operation) -> str:
    return f"WeightedSum({len([p for p in op.presence if p is not False] or op.operands)})"


def _layer_of_all(op: Operation, site: Site) -> str:
    return f"{site.layer}({', '.join(site.operands)})" if site.operands else _zeros(op, site)


def _embedding(op: Operation) -> str:
    return f"nn.Embedding({op.attributes['vocabulary']}, {op.attributes['out']})"


def _unembedding(op: Operation) -> str:
    # the layer is that of the embedding with which it may share its table
    return f"nn.Embedding({op.attributes['vocabulary']}, {op.operands[0].type.shape[-1]})"


def _dropout(op: Operation, site: Site) -> str:
    return f"F.dropout({site.operands[0]}, {op.attributes['rate']}, training=self.training)"


def _drop_path(op: Operation) -> str:
    return f"DropPath({op.attributes['rate']})"


def _max_pool(op: Operation, site: Site) -> str:
    return f"F.max_pool2d({site.operands[0]}, {_window(op)})"


def _avg_pool(op: Operation, site: Site) -> str:
    options = _options(op, count_include_pad=("count_include_pad", True))
    return f"F.avg_pool2d({site.operands[0]}, {_window(op)}{options})"


def _window(op: Operation) -> str:
    # the default stride of PyTorch is the window, so it is always written
    stride = f", stride={_pair(op.attributes['stride'])}"
    return f"{_pair(op.attributes['kernel'])}{stride}{_options(op, padding=('pad', (0, 0)))}"


def _global_avg_pool(op: Operation, site: Site) -> str:
    keep = ", keepdim=True" if op.attributes["keep"] else ""
    return f"{site.operands[0]}.mean((2, 3){keep})"


def _concat(op: Operation, site: Site) -> str:
    return f"torch.cat([{', '.join(site.operands)}], dim={op.attributes['axis'] + 1})"


def _slice(op: Operation, site: Site) -> str:
    a = op.attributes
    size = op.operands[0].type.shape[a["axis"]]
    begin, end = a["begin"] or "", "" if a["end"] == size else a["end"]
    return f"{site.operands[0]}[{':, ' * (a['axis'] + 1)}{begin}:{end}]"


def _reshape(op: Operation, site: Site) -> str:
    (x,) = site.operands
    return f"{x}.reshape({', '.join([f'{x}.shape[0]', *map(str, op.attributes['shape'])])})"


def _flatten(op: Operation, site: Site) -> str:
    return f"{site.operands[0]}.flatten(1)"


def _channel_shuffle(op: Operation, site: Site) -> str:
    return f"{site.operands[0]}.unflatten(1, ({op.attributes['groups']}, -1)).transpose(1, 2).flatten(1, 2)"


def _resize(op: Operation, site: Site) -> str:
    a = op.attributes
    if a["mode"] == "pyramid":
        return _pyramid(op, site.operands[0])
    corners = ", align_corners=False" if a["mode"] == "bilinear" else ""
    size = f"size=({a['height']}, {a['width']})"
    return f'F.interpolate({site.operands[0]}, {size}, mode="{a["mode"]}"{corners})'


def _pyramid(op: Operation, x: str) -> str:
    sizes = [*zip(op.operands[0].type.shape[1:], op.result.type.shape[1:], strict=True)]
    blocks = tuple(max(1, old // new) for old, new in sizes)
    factors = tuple(max(1, new // old) for old, new in sizes)
    if blocks != (1, 1):
        x = f"F.max_pool2d({x}, {_pair(blocks)})"
    return x if factors == (1, 1) else f"F.interpolate({x}, scale_factor={_pair(factors)})"


RULES: dict[str, Rule] = {
    "conv2d": Rule(_layer, _conv2d),
    "linear": Rule(_layer, _linear),
    "embedding": Rule(_layer, _embedding),
    "unembedding": Rule(lambda op, site: f"F.linear({site.operands[0]}, {site.layer}.weight)", _unembedding),
    "batch_norm": Rule(_layer, _batch_norm),
    "channel_affine": Rule(_layer, _channel_affine),
    "relu": Rule(_function("F.relu")),
    "relu6": Rule(_function("F.relu6")),
    "hswish": Rule(_function("F.hardswish")),
    "hsigmoid": Rule(_function("F.hardsigmoid")),
    "sigmoid": Rule(_function("torch.sigmoid")),
    "swish": Rule(_function("F.silu")),
    "tanh": Rule(_function("torch.tanh")),
    "softplus": Rule(_function("F.softplus")),
    "sinc": Rule(_sinc),
    **{name: Rule(_function(f"torch.{name}")) for name in _SAME_NAME},
    "softmax": Rule(_softmax),
    "add": Rule(_infix("+")),
    "sub": Rule(_infix("-")),
    "mul": Rule(_infix("*")),
    "div": Rule(_infix("/")),
    "maximum": Rule(_function("torch.maximum")),
    "minimum": Rule(_function("torch.minimum")),
    "affine": Rule(_affine),
    "sum": Rule(_sum),
    "mean": Rule(_mean),
    "weighted_sum": Rule(_layer_of_all, _weighted_sum),
    "zeros": Rule(_zeros),
    "zeros_like": Rule(_zeros_like),
    "dropout": Rule(_dropout),
    "drop_path": Rule(_layer, _drop_path),
    "max_pool": Rule(_max_pool),
    "avg_pool": Rule(_avg_pool),
    "global_avg_pool": Rule(_global_avg_pool),
    "concat": Rule(_concat),
    "slice": Rule(_slice),
    "reshape": Rule(_reshape),
    "flatten": Rule(_flatten),
    "channel_shuffle": Rule(_channel_shuffle),
    "resize": Rule(_resize),
}
"""Rules by operation; those of `drawloom.backends.torch.structure` are no steps of a class and need none."""
