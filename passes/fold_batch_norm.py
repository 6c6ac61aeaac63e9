"""The pass ``fold-batch-norm``: batch norms become part of the weights of the convolutions before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drawloom.ir import Function, Module, Operation, Value
from drawloom.ir.weight_paths import join_path

from .base import Context, Pass
from .rebuild import Rewriter, copied

Weights = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """Folds each batch norm into the ``conv2d`` or ``linear`` before it, which gets a bias. For inference.

    Folded is a batch norm whose operand is made by such an operation in the same function, read by nothing
    else and with weights of its own. The weights of the context, where there are any, are folded too.

    Before::

        %0 = conv2d %x {out=8, kernel=3, param="conv"} : f32[8, 30, 30]
        %1 = batch_norm %0 {param="norm"} : f32[8, 30, 30]

    After::

        %0 = conv2d %x {out=8, kernel=3, bias=true, param="conv"} : f32[8, 30, 30]
    """

    name: ClassVar[str] = "fold-batch-norm"

    def run(self, module: Module, context: Context) -> Module:
        """See `fold_batch_norm`."""
        if context.weights is not None:
            context.weights = fold_weights(module, context.weights)
        result = fold_batch_norm(module)
        context.count(self.name, "batch norms folded", len(module) - len(result))
        return result


def fold_batch_norm(module: Module) -> Module:
    """The module with batch norms folded; the same object when there is nothing to fold."""
    return module.with_functions(map(_folded, module.functions.values()))


def fold_weights(module: Module, weights: Mapping[str, npt.NDArray[Any]]) -> Weights:
    """The weights that make ``fold_batch_norm(module)`` compute for inference what `module` computes.

    With ``g = weight / sqrt(running_var + eps)`` of the batch norm, ``weight`` becomes ``g * weight``, for
    each output channel, and ``bias`` becomes ``g * (bias - running_mean) + norm's bias``. Computed in
    float64, given in the element type of the old weight.

    Args:
        module: the module before folding.
        weights: by full name; not changed.
    """
    result = dict(weights)
    folded = {name: _foldable(f) for name, f in module.functions.items()}
    done: set[str] = set()
    for prefix, function in _instances(module, module.entry, ""):
        for norm in folded[function.name].values():
            product = norm.operands[0].producer
            assert product is not None
            path = join_path(prefix, product.param or "")
            if path not in done:
                done.add(path)
                _fold(result, path, join_path(prefix, norm.param or ""), norm, product)
    return result


def _foldable(function: Function) -> dict[Operation, Operation]:
    """Batch norms that can be folded, by the operation that they are folded into."""
    readers = Counter(v for op in function.operations for v in op.operands)
    readers.update(function.outputs)
    paths = Counter(op.param for op in function.operations if op.definition.has_weights)
    result = {}
    for op in function.operations:
        if op.name != "batch_norm":
            continue
        product = op.operands[0].producer
        if product is not None and _fits(op, product, readers, paths):
            result[product] = op
    return result


def _fits(norm: Operation, product: Operation, readers: Counter[Value], paths: Counter[str | None]) -> bool:
    return (
        product.name in ("conv2d", "linear")
        and isinstance(product.attributes["bias"], bool)
        and isinstance(norm.attributes["affine"], bool)
        # of f32[T, C] a batch norm scales the rows, a linear layer makes the columns
        and (product.name == "conv2d" or product.result.type.rank == 1)
        and readers[product.result] == 1
        and paths[product.param] == 1
        and paths[norm.param] == 1
    )


def _folded(function: Function) -> Function:
    foldable = _foldable(function)
    if not foldable:
        return function
    norms = {norm: product for product, norm in foldable.items()}
    rewriter = Rewriter()
    for op in function.operations:
        if op in norms:
            rewriter.values[op.result] = rewriter.values[norms[op].result]
        elif op in foldable:
            rewriter.place(op, _with_bias(op, rewriter.operands(op)))
        else:
            rewriter.place(op, copied(op, rewriter.operands(op)))
    return rewriter.finish(function)


def _with_bias(op: Operation, operands: tuple[Value, ...]) -> Operation:
    attributes = {**op.attributes, "bias": True}
    names = tuple([r.name for r in op.results])
    return Operation(op.definition, operands, attributes, [r.type for r in op.results], (), op.span, names)


def _instances(module: Module, function: Function, prefix: str) -> Iterator[tuple[str, Function]]:
    """Every function as it is reached through calls, with the path of the calls."""
    yield prefix, function
    for op in function.calls():
        callee = module.functions[op.attributes["callee"]]
        yield from _instances(module, callee, join_path(prefix, op.param or ""))


def _fold(weights: Weights, path: str, norm_path: str, norm: Operation, product: Operation) -> None:
    """Replace the weights of one pair in `weights`."""

    def take(path: str, name: str) -> npt.NDArray[np.float64]:
        return np.asarray(weights.pop(f"{path}.{name}"), dtype=np.float64)

    kind = weights[f"{path}.weight"].dtype
    weight = take(path, "weight")
    bias = take(path, "bias") if product.attributes["bias"] else np.zeros(len(weight))
    gain, shift = np.ones(len(weight)), np.zeros(len(weight))
    if norm.attributes["affine"]:
        gain, shift = take(norm_path, "weight"), take(norm_path, "bias")
    mean, variance = take(norm_path, "running_mean"), take(norm_path, "running_var")
    gain = gain / np.sqrt(variance + float(norm.attributes["eps"]))
    weights[f"{path}.weight"] = (weight * gain.reshape(-1, *[1] * (weight.ndim - 1))).astype(kind)
    weights[f"{path}.bias"] = (gain * (bias - mean) + shift).astype(kind)
