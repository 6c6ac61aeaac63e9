"""The operation in ONNX: as nodes."""

from drawloom.backends.torch.onnx_rules import OnnxGraph
from drawloom.ir import Operation


def crelu(graph: OnnxGraph, op: Operation, operands: list[str]) -> str:
    """Both halves, then the rectifier."""
    both = graph.node("Concat", [*operands, graph.node("Neg", operands)], axis=1)
    return graph.node("Relu", [both])
