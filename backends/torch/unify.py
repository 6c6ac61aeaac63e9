"""Merges Python expressions that differ in literals only."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Solve = Callable[[Mapping[int, Any], str], ast.expr]
"""Gives the expression for literals that differ, by number of the function, and for what they are."""

_BLANK = ast.Name("_")


@dataclass(frozen=True, slots=True)
class Signatures:
    """What is known of functions that expressions call.

    Attributes:
        positional: names of their positional arguments, by the text of the function.
        defaults: values of arguments that may be left out, by the text of the function.
    """

    positional: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)

    def defaults_of(self, function: str) -> dict[str, Any]:
        """Values of what a call may leave out."""
        return self.defaults.get(function) or _DEFAULTS.get(function, {})

    def hint(self, function: str, position: int) -> str:
        """The name of a positional argument."""
        names = self.positional.get(function) or _POSITIONAL.get(function, ())
        return names[position] if position < len(names) else "value"

    def shape(self, node: ast.expr) -> str:
        """What expressions that can be merged have in common."""
        return ast.dump(_Blank(self).visit(ast.parse(ast.unparse(node), mode="eval").body))

    def merge(self, nodes: Mapping[int, ast.expr], solve: Solve, hint: str = "value") -> ast.expr:
        """One expression for several of one shape, by number of the function."""
        first = next(iter(nodes.values()))
        if is_literal(first):
            return solve({i: ast.literal_eval(n) for i, n in nodes.items()}, hint)
        if isinstance(first, ast.Call):
            calls = {i: n for i, n in nodes.items() if isinstance(n, ast.Call)}
            return self._merge_calls(calls, first, solve)
        merged = {}
        kept = "slice" if isinstance(first, ast.Subscript) else ""
        for name, value in ast.iter_fields(first):
            parts = {i: getattr(n, name) for i, n in nodes.items()}
            merged[name] = value if name == kept else self._merge_field(value, parts, solve, hint)
        return type(first)(**merged)

    def _merge_field(self, first: Any, parts: Mapping[int, Any], solve: Solve, hint: str) -> Any:
        if isinstance(first, list):
            elements = range(len(first))
            return [
                self._merge_field(first[k], {i: p[k] for i, p in parts.items()}, solve, hint)
                for k in elements
            ]
        return self.merge(parts, solve, hint) if isinstance(first, ast.expr) else first

    def _merge_calls(self, calls: Mapping[int, ast.Call], first: ast.Call, solve: Solve) -> ast.Call:
        function = ast.unparse(first.func)
        defaults = self.defaults_of(function)
        func = self.merge({i: c.func for i, c in calls.items()}, solve)
        args = [
            self.merge({i: c.args[k] for i, c in calls.items()}, solve, self.hint(function, k))
            for k in range(len(first.args))
        ]
        given = {i: {k.arg: k.value for k in c.keywords} for i, c in calls.items()}
        order = dict.fromkeys([*defaults, *(k.arg for k in first.keywords)])
        keywords = []
        for name in (n for n in order if n is not None and any(n in g for g in given.values())):
            values = {i: g.get(name) or literal(defaults[name]) for i, g in given.items()}
            merged = self.merge(values, solve, name)
            if name not in defaults or ast.dump(merged) != ast.dump(literal(defaults[name])):
                keywords.append(ast.keyword(name, merged))
        return ast.Call(func, args, keywords)


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a number, text or truth value, or a tuple of such."""
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements):
            return bool(elements) and all(is_literal(e) for e in elements)
    return False


def literal(value: Any) -> ast.expr:
    """A value as an expression."""
    return ast.parse(repr(value), mode="eval").body


class _Blank(ast.NodeTransformer):
    """Leaves out what may differ between expressions of one shape."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    def visit(self, node: ast.AST) -> Any:
        return _BLANK if isinstance(node, ast.expr) and is_literal(node) else super().visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Positions stay: they say which layer of a list is meant."""
        return ast.Subscript(self.visit(node.value), node.slice)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        defaults = self._signatures.defaults_of(ast.unparse(node.func))
        needed = [k for k in node.keywords if k.arg not in defaults]
        values = [ast.keyword(k.arg, self.visit(k.value)) for k in needed]
        return ast.Call(self.visit(node.func), [self.visit(a) for a in node.args], values)


_POSITIONAL = {
    "nn.Conv2d": ("in_channels", "out_channels", "kernel_size"),
    "nn.Linear": ("in_features", "out_features"),
    "nn.Embedding": ("vocabulary", "features"),
    "nn.BatchNorm1d": ("channels",),
    "nn.BatchNorm2d": ("channels",),
    "nn.BatchNorm3d": ("channels",),
    "WeightedSum": ("terms",),
    "ChannelAffine": ("channels", "inner"),
    "F.dropout": ("x", "dropout"),
    "F.max_pool2d": ("x", "kernel_size"),
    "F.avg_pool2d": ("x", "kernel_size"),
}

_NORM: dict[str, Any] = {"eps": 1e-5, "affine": True}
_POOL: dict[str, Any] = {"padding": 0}

_DEFAULTS: dict[str, dict[str, Any]] = {
    "nn.Conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
    "nn.Linear": {"bias": True},
    "nn.BatchNorm1d": _NORM,
    "nn.BatchNorm2d": _NORM,
    "nn.BatchNorm3d": _NORM,
    "ChannelAffine": {"scale": True, "shift": True},
    "F.max_pool2d": _POOL,
    "F.avg_pool2d": {**_POOL, "count_include_pad": True},
}
"""What PyTorch takes where an argument is left out, by function."""
