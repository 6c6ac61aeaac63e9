"""Writes small ONNX files node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def described(name: str, shape: list[Any], dtype: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def written(
    folder: Path,
    nodes: list[Any],
    shapes: dict[str, list[Any]],
    arrays: dict[str, Any] | None = None,
    *,
    outputs: tuple[str, ...] = ("y",),
    opset: int = 18,
) -> Path:
    """A file with a graph; an array's name may be anything."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [described(name, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (arrays or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def ints(*values: int) -> Any:
    return np.array(values, np.int64)
