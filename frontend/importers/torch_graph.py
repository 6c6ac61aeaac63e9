"""The graph of an exported program without operations in place, and without what nothing reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx

from .problems import Problem, Problems

_PASSES_ON = frozenset({"aten::dropout", "aten::feature_dropout", "aten::alpha_dropout"})
"""Operations that give their operand itself in evaluation mode, which their schema does not say."""


class Functional:
    """A graph whose operations read the tensors as they are at that moment.

    An operation in place (``relu_``) makes later readers of its operand read its result. That is all there is
    to it unless a view of the operand is read later, which is a problem.

    Attributes:
        arguments: arguments and keyword arguments of each operation.
        outputs: what the program gives.
        living: the operations that outputs depend on, in order.
        users: the living operations that read an operation; itself for an output.
        readers: how many times an operation is read.
    """

    def __init__(self, graph: fx.Graph, problems: Problems) -> None:
        """Read the graph; in-place operations that cannot be told apart from their views go to `problems`."""
        self.arguments: dict[fx.Node, tuple[Any, Any]] = {}
        self.outputs: list[fx.Node] = []
        self.users: dict[fx.Node, set[fx.Node | None]] = {}
        self.readers: Counter[fx.Node] = Counter()
        self._current: dict[fx.Node, fx.Node] = {}
        self._aliases = _Aliases(graph)
        for node in graph.nodes:
            self._enter(node, problems)
        self.living = self._living(graph)

    def operands(self, node: fx.Node) -> list[fx.Node]:
        """The operations that an operation reads, once for each time."""
        found: list[fx.Node] = []
        fx.map_arg(self.arguments[node], found.append)
        return found

    def _enter(self, node: fx.Node, problems: Problems) -> None:
        now = self._now
        self.arguments[node] = fx.map_arg(node.args, now), fx.map_arg(node.kwargs, now)
        if node.op == "output":
            fx.map_arg(self.arguments[node], self.outputs.append)
            return
        self.users[node] = set()
        if node.op != "call_function":
            return
        changed = _changed(node)
        if changed is not None:
            for same in self._aliases.same(changed):
                self._current[same] = node
            for view in self._aliases.views_read_after(changed, node):
                reason = f"it changes in place what '{view.name}' is a view of, which is read later"
                problems.found.append(Problem(kind_of(node), place_of(node), reason))
        self._aliases.enter(node, changed)

    def _now(self, node: fx.Node) -> fx.Node:
        return self._current.get(node, node)

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
            for operand in self.operands(node):
                needed.add(operand)
                self.users[operand].add(node)
                self.readers[operand] += 1
        return living[::-1]


def _changed(node: fx.Node) -> fx.Node | None:
    """The operand that an operation changes in place."""
    if not isinstance(node.target, torch._ops.OpOverload) or not node.target._schema.is_mutable:
        return None
    return next((a for a in node.args if isinstance(a, fx.Node)), None)


class _Aliases:
    """Which operations give the same memory: families, and in them groups that are the same tensor."""

    def __init__(self, graph: fx.Graph) -> None:
        order = {node: position for position, node in enumerate(graph.nodes)}
        self._order = order
        self._last_read = {
            node: max((order[user] for user in node.users), default=-1) for node in graph.nodes
        }
        self._groups: dict[fx.Node, list[fx.Node]] = {}
        self._families: dict[fx.Node, list[list[fx.Node]]] = {}

    def enter(self, node: fx.Node, changed: fx.Node | None) -> None:
        """Enter an operation, and which operand it changes in place, if any."""
        source = _source(node) if changed is None else changed
        self._families[node] = [] if source is None else self._family(source)
        self._groups[node] = [] if changed is None else self._groups[changed]
        self._groups[node].append(node)
        if changed is None:
            self._families[node].append(self._groups[node])

    def same(self, node: fx.Node) -> list[fx.Node]:
        """All that is the same tensor."""
        self._family(node)
        return self._groups[node]

    def views_read_after(self, changed: fx.Node, node: fx.Node) -> Iterator[fx.Node]:
        """Other views of a tensor, or what it is a view of, that are read after `node`."""
        for group in self._family(changed):
            if group is not self._groups[changed]:
                yield from (view for view in group if self._last_read[view] > self._order[node])

    def _family(self, node: fx.Node) -> list[list[fx.Node]]:
        if node not in self._families:  # an input or a weight
            self._groups[node] = [node]
            self._families[node] = [self._groups[node]]
        return self._families[node]


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
