"""Lays out Python expressions as black does: brackets that do not fit are opened, with one element a line."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Sequence

WIDTH = 110
"""Columns that a written line may have."""

INDENT = "    "


def one_line(node: ast.AST) -> str:
    """An expression as text, strings in double quotes."""
    return ast.unparse(_Literals().visit(_copy(node)))


def statement(prefix: str, node: ast.expr, depth: int, suffix: str = "") -> list[str]:
    """The lines of ``prefix`` + expression + ``suffix``, indented by as many levels as `depth`."""
    indent = INDENT * depth
    line = f"{indent}{prefix}{one_line(node)}{suffix}"
    if len(line) <= WIDTH:
        return [line]
    opening, elements, closing, comma = _opened(node)
    if not elements:
        return [line]
    inner = [line for before, element in elements for line in statement(before, element, depth + 1, comma)]
    return [f"{indent}{prefix}{opening}", *inner, f"{indent}{closing}{suffix}"]


def string(text: str) -> str:
    """A string literal."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


Elements = Sequence[tuple[str, ast.expr]]


def _opened(node: ast.expr) -> tuple[str, Elements, str, str]:
    """What opens an expression, its elements with the text before each, what closes it, their separator."""
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            named = [(f"{k.arg}=", k.value) for k in keywords]
            alone = (
                len(args) == 1 and not named and isinstance(args[0], (ast.List, ast.Dict, ast.GeneratorExp))
            )
            if alone and isinstance(args[0], ast.GeneratorExp):
                return f"{one_line(func)}(", _clauses(args[0]), ")", ""
            return f"{one_line(func)}(", [*_bare(args), *named], ")", "" if alone else ","
        case ast.List(elts=elements):
            return "[", _bare(elements), "]", ","
        case ast.Tuple(elts=elements):
            return "(", _bare(elements), ")", ","
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return "{", [(f"{one_line(k)}: ", v) for k, v in pairs if k is not None], "}", ","
        case ast.BinOp(op=ast.Add()):
            first, *rest = _terms(node)
            return "(", [("", first), *(("+ ", term) for term in rest)], ")", ""
        case _:
            return "", [], "", ""


def _clauses(node: ast.GeneratorExp) -> list[tuple[str, ast.expr]]:
    loops = [(f"for {one_line(g.target)} in ", g.iter) for g in node.generators]
    return [("", node.elt), *loops]


def _bare(elements: Iterable[ast.expr]) -> list[tuple[str, ast.expr]]:
    return [("", e) for e in elements]


def _terms(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_terms(node.left), node.right]
    return [node]


def _copy(node: ast.AST) -> ast.AST:
    return ast.parse(ast.unparse(node), mode="eval").body


class _Literals(ast.NodeTransformer):
    """Writes strings with double quotes and small floats as people do."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A loop that is the only argument stands without parentheses of its own."""
        self.generic_visit(node)
        if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp):
            node.args = [ast.Name(ast.unparse(node.args[0])[1:-1])]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """The literal as a name, whose text is written as it is."""
        if isinstance(node.value, str):
            return ast.Name(string(node.value))
        if isinstance(node.value, float):
            return ast.Name(repr(node.value).replace("e-0", "e-"))
        return node
