"""Writes networks as ONNX files.

They are written from the IR, not by `torch.onnx.export`: that takes seconds for a small mobile network where
this takes hundredths of one, needs another package, and writes warnings that users cannot do anything about.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.backends.files import written_whole
from drawloom.backends.lowerings import lowering
from drawloom.backends.signature import Port, Signature
from drawloom.backends.weights import Array, check_weights
from drawloom.ir import DType, Module, UserError
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
    signature = Signature.of(module)
    graph = OnnxGraph(weights, signature.inputs[0].name)
    names = {v: port.name for v, port in zip(entry.inputs, signature.inputs, strict=True)}
    for op in entry.operations:
        operands = [names[v] for i, v in enumerate(op.operands) if op.present(i)]
        rule = RULES.get(op.name) or lowering("onnx", op.name)
        if rule is None:
            raise UserError(f"'{op.name}' cannot be written as ONNX")
        names[op.result] = rule(graph, op, operands)
    graph.name_outputs([names[v] for v in entry.outputs], [port.name for port in signature.outputs])

    elements = {DType.F32: TensorProto.FLOAT, DType.I32: TensorProto.INT32}

    def described(port: Port) -> Any:
        return helper.make_tensor_value_info(port.name, elements[port.dtype], [BATCH, *port.shape])

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            module.name,
            [described(port) for port in signature.inputs],
            [described(port) for port in signature.outputs],
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
