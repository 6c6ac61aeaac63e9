"""Writes networks as ONNX files.

They are written from the IR, not by `torch.onnx.export`: that takes seconds for a small mobile network where
this takes hundredths of one, needs another package, and writes warnings that users cannot do anything about.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.backends.files import written_whole
from drawloom.backends.lowerings import lowering
from drawloom.backends.weights import Array, check_weights
from drawloom.ir import DType, Module, UserError, Value
from drawloom.passes import inline_all, strip_training

OPSET = 18
"""Version of the ONNX operators that files use."""

BATCH = "batch"
"""Name of the free dimension."""


def export_onnx(module: Module, weights: Mapping[str, Array], path: Path | str) -> None:
    """Write a resolved module for inference as one ONNX file with a free batch size, whole or not at all.

    What only training needs is left out, with its weights. Inputs and outputs have the names of the
    network's, or ``input`` and ``output``, with a number where there are several; initialisers have the names
    of the weights.

    Raises:
        UserError: when onnx is not installed, weights do not fit, or the file cannot be written.
    """
    onnx = _require_onnx()
    check_weights(module, weights)
    with written_whole(Path(path)) as temporary:
        model = _onnx_model(module, weights)
        onnx.checker.check_model(model, full_check=True)
        temporary.write_bytes(model.SerializeToString())


def _require_onnx() -> Any:
    if importlib.util.find_spec("onnx") is None:
        raise UserError("ONNX export needs onnx", 'pip install "drawloom[onnx]"')
    return importlib.import_module("onnx")


def _onnx_model(module: Module, weights: Mapping[str, Array]) -> Any:
    """The network as an ONNX model."""
    from onnx import TensorProto, helper

    from .onnx_rules import RULES, OnnxGraph

    entry = inline_all(strip_training(module)).entry
    inputs = _names([v.name for v in entry.inputs], "input")
    outputs = _names([v.name for v in entry.outputs], "output", taken=inputs)
    graph = OnnxGraph(weights, inputs[0])
    names: dict[Value, str] = dict(zip(entry.inputs, inputs, strict=True))
    for op in entry.operations:
        operands = [names[v] for i, v in enumerate(op.operands) if op.present(i)]
        rule = RULES.get(op.name) or lowering("onnx", op.name)
        if rule is None:
            raise UserError(f"'{op.name}' cannot be written as ONNX")
        names[op.result] = rule(graph, op, operands)
    graph.name_outputs([names[v] for v in entry.outputs], outputs)

    elements = {DType.F32: TensorProto.FLOAT, DType.I32: TensorProto.INT32}

    def described(name: str, value: Value) -> Any:
        return helper.make_tensor_value_info(name, elements[value.type.dtype], [BATCH, *value.type.shape])

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            module.name,
            [described(n, v) for n, v in zip(inputs, entry.inputs, strict=True)],
            [described(n, v) for n, v in zip(outputs, entry.outputs, strict=True)],
            [_initializer(name, array) for name, array in graph.initializers.items()],
        ),
        producer_name="drawloom",
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = 8  # the oldest that has the opset: older runtimes read it too
    return model


def _initializer(name: str, array: Array) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def _names(hints: Sequence[str], default: str, taken: Sequence[str] = ()) -> list[str]:
    """A name for each value: its own, unless it has none, a strange one or one already used."""
    used, names = set(taken), list[str]()
    for i, hint in enumerate(hints):
        fallback = f"{default}{i}" if len(hints) > 1 else default
        name = hint if hint.isidentifier() and hint not in used else fallback
        used.add(name)
        names.append(name)
    return names
