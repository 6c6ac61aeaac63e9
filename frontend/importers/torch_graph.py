"""Who reads what in the graph of an exported program, and what of it is needed."""

from __future__ import annotations

import re
from collections import Counter

import torch
from torch import fx

from .problems import Problem, Problems

_PASSES_ON = frozenset({"aten::dropout", "aten::feature_dropout", "aten::alpha_dropout"})
"""Operations that give their operand itself in evaluation mode, which their schema does not say."""


class Functional:
    """A graph in which no operation changes what is read later, and who reads what in it.

    `torch.export` makes later readers of what an operation in place (``relu_``) changes read its result. That
    is all there is to it unless a view of the tensor is read later, which is a problem.

    Attributes:
        outputs: what the program gives.
        living: the operations that outputs depend on, in order.
        users: the living operations that read an operation; itself for an output.
        readers: how many times an operation is read.
    """

    def __init__(self, graph: fx.Graph, problems: Problems) -> None:
        """Read the graph; in-place operations that cannot be told apart from their views go to `problems`."""
        self.outputs = operands(graph.output_node())
        self.users: dict[fx.Node, set[fx.Node | None]] = {node: set() for node in graph.nodes}
        self.readers: Counter[fx.Node] = Counter()
        _check_views(graph, problems)
        self.living = self._living(graph)

    def _living(self, graph: fx.Graph) -> list[fx.Node]:
        needed = set(self.outputs)
        for node in self.outputs:
            self.users[node].add(None)
            self.readers[node] += 1
        living = []
        for node in reversed(list(graph.nodes)):
            if node not in needed or node.op == "placeholder":
                continue
            living.append(node)
            for operand in operands(node):
                needed.add(operand)
                self.users[operand].add(node)
                self.readers[operand] += 1
        return living[::-1]


def operands(node: fx.Node) -> list[fx.Node]:
    """The operations that an operation reads, once for each time."""
    found: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), found.append)
    return found


def _check_views(graph: fx.Graph, problems: Problems) -> None:
    """Report the operations that change a tensor in place of which another view is read later."""
    order = {node: position for position, node in enumerate(graph.nodes)}
    families: dict[fx.Node, list[fx.Node]] = {}  # all that gives the same memory
    for node in graph.nodes:
        changed = _changed(node)
        source = _source(node) if changed is None else changed
        family = families[node] = [] if source is None else families[source]
        views = family if changed is not None else []
        for view in views:
            if any(order[user] > order[node] for user in view.users):
                reason = f"it changes in place what '{view.name}' is a view of, which is read later"
                problems.found.append(Problem(kind_of(node), place_of(node), reason))
        family.append(node)


def _changed(node: fx.Node) -> fx.Node | None:
    """The operand that an operation changes in place: ``relu_``, or what is given as ``out``."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return None
    for position, parameter in enumerate(node.target._schema.arguments):
        if parameter.alias_info is not None and parameter.alias_info.is_write:
            given = node.args[position] if position < len(node.args) else node.kwargs.get(parameter.name)
            return given if isinstance(given, fx.Node) else None
    return None


def _source(node: fx.Node) -> fx.Node | None:
    """The operand whose memory an operation gives, if it does."""
    if isinstance(node.target, torch._ops.OpOverload):
        schema = node.target._schema
        if schema.name not in _PASSES_ON and not any(r.alias_info is not None for r in schema.returns):
            return None
    return next((a for a in node.args if isinstance(a, fx.Node)), None)


def kind_of(node: fx.Node) -> str:
    """The name of an operation, that of the one not in place for one in place."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return str(getattr(node.target, "__name__", node.target))
    return node.target._schema.name.replace("::", ".").rstrip("_")


def place_of(node: fx.Node) -> str:
    """The module and the line of source that an operation comes from."""
    frames = re.findall(r'File "(.+)", line (\d+), in .+\n\s*(.*)', node.meta.get("stack_trace") or "")
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path = stack[-1][0] if stack else ""
    if not frames:
        return path or node.name
    file, line, text = frames[-1]
    return f"{path + ': ' if path else ''}{file}:{line}: {text}"
