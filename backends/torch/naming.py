"""Names in written Python: of classes, of sub-modules and of variables."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from torch import nn

from drawloom.ir import Value

from .structure import Body, Step

IMPORTED = (
    *("torch", "F", "nn", "Tensor"),
    *("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "ChannelAffine", "DropPath", "Group", "WeightedSum"),
)
"""Names that every written file imports."""

Tree: TypeAlias = "dict[str, Tree | str]"
"""Sub-modules by component of their path; leaves are constructors."""

_WIDTH = 100


def class_names(functions: Iterable[str]) -> dict[str, str]:
    """A class name in camel case for every function."""
    names: dict[str, str] = {}
    taken = set(IMPORTED)
    for function in functions:
        words = "".join(c if c.isalnum() and c.isascii() else "_" for c in function).split("_")
        base = "".join(w[:1].upper() + w[1:] for w in words)
        names[function] = fresh(base if base.isidentifier() else f"Function{base}", taken)
        taken.add(names[function])
    return names


def fresh(name: str, taken: Iterable[str]) -> str:
    """The name, with the first free number behind it when it is taken."""
    used, number, candidate = set(taken), 2, name
    while candidate in used:
        candidate, number = f"{name}{number}", number + 1
    return candidate


def plain(name: str, owner: nn.Module) -> bool:
    """Whether a sub-module can be an attribute of that name without hiding another."""
    return name.isidentifier() and not keyword.iskeyword(name) and not hasattr(owner, name)


_MODULE = nn.Module()
_DICT = nn.ModuleDict()


def tree(constructors: Mapping[str, str]) -> Tree:
    """Constructors by path as a tree by component."""
    root: Tree = {}
    for path, constructor in constructors.items():
        *groups, last = path.split(".")
        node = root
        for group in groups:
            below = node.setdefault(group, {})
            assert isinstance(below, dict)
            node = below
        node[last] = constructor
    return root


def definitions(root: Tree) -> list[str]:
    """The lines that make the sub-modules of a class."""
    lines: list[str] = []
    for name, node in root.items():
        target = f"self.{name}" if plain(name, _MODULE) else f"self._modules[{name!r}]"
        lines += f"{target} = {_constructor(node, len(target) + 11)}".split("\n")
    return lines


def access(path: str, root: Tree) -> str:
    """The expression of a sub-module in a method of the class."""
    first, *rest = path.split(".")
    text = f"self.{first}" if plain(first, _MODULE) else f"self._modules[{first!r}]"
    node = root[first]
    for name in rest:
        assert isinstance(node, dict)
        if _is_list(node):
            text += f"[{name}]"
        else:
            text += f".{name}" if plain(name, _DICT) else f"[{name!r}]"
        node = node[name]
    return text


def _is_list(node: Tree) -> bool:
    return all(str(i) in node for i in range(len(node)))


def _constructor(node: Tree | str, column: int) -> str:
    """The expression that makes a node, in several lines where one would be too long."""
    if isinstance(node, str):
        return node
    if _is_list(node):
        items = [_constructor(node[str(i)], 8) for i in range(len(node))]
        opening, closing = "nn.ModuleList([", "])"
    else:
        items = [f"{name!r}: {_constructor(below, 12 + len(name))}" for name, below in node.items()]
        refused = any(hasattr(_DICT, name) for name in node)
        opening, closing = ("Group({" if refused else "nn.ModuleDict({"), "})"
    line = opening + ", ".join(items) + closing
    if "\n" not in line and len(line) + column <= _WIDTH:
        return line
    body = "".join(f"    {line}\n" for item in items for line in f"{item},".split("\n"))
    return f"{opening}\n{body}{closing}"


class Variables:
    """Names of the values in one method: their own, or else that of an operand no longer needed.

    Attributes:
        inputs: the parameters of the method; the first always names some tensor with the batch first.
    """

    def __init__(self, body: Body) -> None:
        """Reserve the parameters."""
        self._ends: dict[Value, int] = {}
        steps = body.performed
        for position, step in enumerate(steps):
            self._ends.update(dict.fromkeys(step.operands, position))
        self._ends.update(dict.fromkeys((*body.outputs, *body.heads), len(steps)))
        self._names: dict[Value, str] = {}
        self._live: dict[str, int] = {}
        self.inputs = [self._bind(v, -1, None) for v in body.function.inputs]

    def of(self, values: Iterable[Value]) -> list[str]:
        """The names of values bound before."""
        return [self._names[v] for v in values]

    def bind(self, step: Step, position: int) -> list[str]:
        """Name the results of a step; call it in order, after reading the names of the operands."""
        self._live = {name: end for name, end in self._live.items() if end > position}
        return [self._bind(v, position, self._reusable(step.operands)) for v in step.results]

    def _bind(self, value: Value, position: int, reusable: str | None) -> str:
        hint = value.name if _is_variable(value.name) else reusable or "x"
        name = fresh(hint, self._live)
        self._names[value] = name
        self._live[name] = self._ends.get(value, position + 1)
        return name

    def _reusable(self, operands: Sequence[Value]) -> str | None:
        names = (self._names[v] for v in operands)
        return next((name for name in names if name not in self._live), None)


def _is_variable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and name not in (*IMPORTED, "self")
