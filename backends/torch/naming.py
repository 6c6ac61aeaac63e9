"""Names in written Python: of classes and of sub-modules."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from torch import nn

from .layout import statement, string

IMPORTED = ("torch", "F", "nn", "Tensor", "ChannelAffine", "DropPath", "Group", "WeightedSum")
"""Names that written files import or define."""

Tree: TypeAlias = "dict[str, Tree | ast.expr]"
"""Sub-modules by component of their path; leaves are constructors."""


def camel_case(name: str) -> str:
    """The name of a class for a definition."""
    words = "".join(c if c.isalnum() and c.isascii() else "_" for c in name).split("_")
    base = "".join(w[:1].upper() + w[1:] for w in words)
    return base if base.isidentifier() and not keyword.iskeyword(base) else f"Function{base}"


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


def tree(constructors: Mapping[str, ast.expr]) -> Tree:
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


def constructor_tree(root: Tree, depth: int) -> list[str]:
    """The lines that make the sub-modules of a class, indented by levels."""
    lines: list[str] = []
    for name, node in root.items():
        target = f"self.{name}" if plain(name, _MODULE) else f"self._modules[{string(name)}]"
        lines += statement(f"{target} = ", _constructor(node, name), depth)
    return lines


def access(path: str, root: Tree) -> str:
    """The expression of a sub-module in a method of the class."""
    first, *rest = path.split(".")
    text = f"self.{first}" if plain(first, _MODULE) else f"self._modules[{string(first)}]"
    node = root[first]
    for name in rest:
        assert isinstance(node, dict)
        if is_list(node):
            text += f"[{name}]"
        else:
            text += f".{name}" if plain(name, _DICT) else f"[{string(name)}]"
        node = node[name]
    return text


def is_list(node: Tree) -> bool:
    """Whether the children of a node are numbered from 0."""
    return all(str(i) in node for i in range(len(node)))


def _constructor(node: Tree | ast.expr, name: str) -> ast.expr:
    """The expression that makes a node, which is called so."""
    if isinstance(node, ast.expr):
        return node
    if is_list(node):
        table = _table(node, name) if len(node) > 1 else None
        elements = [_constructor(node[str(i)], name) for i in range(len(node))]
        return table or _call("nn.ModuleList", ast.List(elements))
    return _dict({key: _constructor(below, key) for key, below in node.items()})


def _dict(values: Mapping[str, ast.expr]) -> ast.expr:
    refused = any(hasattr(_DICT, name) for name in values)
    names: list[ast.expr | None] = [ast.Constant(name) for name in values]
    return _call("Group" if refused else "nn.ModuleDict", ast.Dict(names, [*values.values()]))


def _table(node: Tree, name: str) -> ast.expr | None:
    """A list whose elements differ in their layers only, as a loop over these."""
    chains = [_chain(node[str(i)]) for i in range(len(node))]
    keys, ends = chains[0][0], [end for _, end in chains]
    if not keys or any(k != keys for k, _ in chains) or not plain_variable(name):
        return None
    element: ast.expr = ast.Name(name)
    if all(isinstance(end, ast.expr) for end in ends):
        rows = [end for end in ends if isinstance(end, ast.expr)]
    elif plain_variable(keys[-1]) and keys[-1] != name and (inner := _inner_table(ends, name, keys[-1])):
        element, rows = inner
    else:
        return None
    for key in reversed(keys):
        element = _dict({key: element})
    return _call("nn.ModuleList", _loop(element, name, ast.List(rows)))


def _inner_table(
    ends: Sequence[Tree | ast.expr], outer: str, name: str
) -> tuple[ast.expr, list[ast.expr]] | None:
    """The same for lists of lists: the inner loop, and the rows of the outer one."""
    elements: list[list[tuple[tuple[str, ...], Tree | ast.expr]]] = []
    for end in ends:
        if isinstance(end, ast.expr) or not is_list(end):
            return None
        elements.append([_chain(end[str(i)]) for i in range(len(end))])
    keys = {k for row in elements for k, _ in row}
    if len(keys) != 1 or not all(isinstance(end, ast.expr) for row in elements for _, end in row):
        return None
    element: ast.expr = ast.Name(name)
    for key in reversed(*keys):
        element = _dict({key: element})
    source = ast.Name(outer)
    loop: ast.expr = source if isinstance(element, ast.Name) else _loop(element, name, source)
    rows: list[ast.expr] = [
        ast.List([end for _, end in row if isinstance(end, ast.expr)]) for row in elements
    ]
    return _call("nn.ModuleList", loop), rows


def _chain(node: Tree | ast.expr) -> tuple[tuple[str, ...], Tree | ast.expr]:
    """The names on the way down as long as there is one way only, and where they lead."""
    keys: tuple[str, ...] = ()
    while not isinstance(node, ast.expr) and len(node) == 1 and not is_list(node):
        ((key, node),) = node.items()
        keys = (*keys, key)
    return keys, node


def _loop(element: ast.expr, name: str, over: ast.expr) -> ast.expr:
    return ast.GeneratorExp(element, [ast.comprehension(ast.Name(name), over, [], 0)])


def _call(function: str, argument: ast.expr) -> ast.expr:
    return ast.Call(ast.parse(function, mode="eval").body, [argument], [])


def plain_variable(name: str) -> bool:
    """Whether a variable of a written file can have that name."""
    return name.isidentifier() and not keyword.iskeyword(name) and name not in (*IMPORTED, "self")
