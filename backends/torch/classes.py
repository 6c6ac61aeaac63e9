"""The text of one class: its constructor, with parameters, and its forward method."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias

from torch import nn

from drawloom.ir import TensorType

from .alignment import Overlay
from .flow import Flow, Statement
from .layout import INDENT, WIDTH, one_line, statement, string
from .naming import Tree, constructor_tree, fresh, is_list, plain, plain_variable, tree
from .parameters import SMALL, Parameters, Unnatural
from .sketch import LEAVE, placeholder
from .unify import Signatures, is_literal, literal

_MODULE = nn.Module()
_DICT = nn.ModuleDict()
_NESTING = 3
"""How many calls may stand in one another."""

_FLAGS = {"add": "residual", "sum": "residual"}
"""Names of conditions by what is done under them."""


Entry: TypeAlias = "tuple[frozenset[int], dict[str, ast.expr]]"
"""Constructors by path, with the functions that have them."""


@dataclass(slots=True)
class Assignment:
    """A statement ready to be written.

    Attributes:
        targets: variables; none for what is returned.
        expression: their value.
        functions: the functions that have it.
        path: of the layer it calls, empty when there is none.
        once: whether what it sets is read in one place only.
        returns: whether it ends the method.
        loops: lines that open loops around it.
        leaves: whether it ends the method unless the network trains.
    """

    targets: list[str]
    expression: ast.expr
    functions: frozenset[int]
    path: str
    once: bool
    returns: bool
    loops: tuple[str, ...] = ()
    leaves: bool = False


class ClassText:
    """Writes a class that stands for some functions."""

    def __init__(self, name: str, overlay: Overlay, signatures: Signatures) -> None:
        """Find parameters and write all but the signature."""
        self.name = name
        self._overlay = overlay
        self._signatures = signatures
        self._functions = [s.function for s in overlay.sketches]
        self._parameters = Parameters(self._functions)
        self._flow = Flow(overlay)
        self._kept: dict[str, ast.expr] = {}
        self._everyone = self._flow.everyone
        layers = self._layers()
        forward = self._forward()
        keeps = [line for n, e in self._kept.items() for line in statement(f"self.{n} = ", e, 2)]
        self._body = ["super().__init__()", *layers], keeps, forward
        self._set_signature()

    def written(self) -> str:
        """The class without a newline at its end."""
        (first, *layers), keeps, forward = self._body
        heads = self._overlay.sketches[0].head_weights
        lines = [
            f"class {self.name}(nn.Module):",
            *_docstring(self._description()),
            "",
            *([f"{INDENT}auxiliary_weights = {heads}", ""] if heads else []),
            *self._constructor_head(),
            f"{INDENT * 2}{first}",
            *keeps,
            *layers,
            "",
            *forward,
        ]
        return "\n".join(lines)

    def call(self, number: int) -> ast.Call:
        """The expression that makes the class for one of the functions."""
        positional = self._signatures.positional[self.name]
        defaults = self._signatures.defaults[self.name]
        values = {n: v[number] for n, v in self._parameters.used.items()}
        given = [n for n, default in defaults.items() if repr(default) != repr(values[n])]
        keywords = [ast.keyword(n, literal(values[n])) for n in given]
        return ast.Call(ast.Name(self.name), [literal(values[n]) for n in positional], keywords)

    def _set_signature(self) -> None:
        self._parameters.sort()
        used = self._parameters.used
        defaults = {}
        for name, values in used.items():
            common, times = Counter(map(repr, values)).most_common(1)[0]
            value = next(v for v in values if repr(v) == common)
            if 2 * times > len(values) and not (isinstance(value, int) and value > SMALL):
                defaults[name] = value
        self._signatures.positional[self.name] = tuple(n for n in used if n not in defaults)
        self._signatures.defaults[self.name] = defaults

    def _constructor_head(self) -> list[str]:
        defaults = self._signatures.defaults[self.name]
        types = {name: _type(values) for name, values in self._parameters.used.items()}
        needed = [f"{n}: {types[n]}" for n in self._signatures.positional[self.name]]
        optional = [f"{n}: {types[n]} = {one_line(literal(v))}" for n, v in defaults.items()]
        parameters = ["self", *needed, *optional]
        line = f"{INDENT}def __init__({', '.join(parameters)}) -> None:"
        if len(line) <= WIDTH:
            return [line]
        return [f"{INDENT}def __init__(", *(f"{INDENT * 2}{p}," for p in parameters), f"{INDENT}) -> None:"]

    # ---- constructor

    def _layers(self) -> list[str]:
        """The lines that make the sub-modules."""
        lines: list[str] = []
        entries = self._entries()
        for name, value in self._local_names(entries):
            lines += statement(f"{name} = ", value, 2)
        blocks = [(f, [m for _, m in g]) for f, g in groupby(entries, key=lambda entry: entry[0])]
        after = self._everyone
        for functions, members in blocks:
            depth = 2
            if functions != self._everyone:
                hint = next(iter(members[0]))
                lines.append(INDENT * 2 + self._branch(functions, after, stored=False, hint=hint))
                depth = 3
            after = frozenset() if lines and lines[-1].endswith(" else:") else functions
            for member in members:
                lines += constructor_tree(tree(member), depth)
        return lines

    def _entries(self) -> list[Entry]:
        """Constructors of the sub-modules by path, an attribute each, in order."""
        sketches = self._overlay.sketches
        rows = [*sketches[0].layers] if len(sketches) == 1 else [r.path for r in self._overlay.rows]
        paths = [p for p in dict.fromkeys(rows) if self._overlay.having(p)]
        groups: dict[str, list[str]] = {}
        for path in paths:
            groups.setdefault(path.partition(".")[0], []).append(path)
        parts = [(self._overlay.having(group[0]), group) for group in groups.values()]
        for split in (self._everyone, *dict.fromkeys(f for f, _ in parts if f != self._everyone)):
            try:
                return self._split_entries(parts, split)
            except Unnatural:
                continue
        return [(f, {p: self._made(p, f, strict=False) for p in g}) for f, g in parts]

    def _local_names(self, entries: list[Entry]) -> Iterator[tuple[str, ast.expr]]:
        """Products that are written more than once get a name; the entries are changed."""
        made = [node for _, layers in entries for e in layers.values() for node in ast.walk(e)]
        products = [n for n in made if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)]
        for text, times in Counter(map(ast.unparse, products)).items():
            if times < 2:
                continue
            name = fresh("hidden", {*self._parameters.used})
            self._parameters.used[name] = []
            for _, layers in entries:
                layers |= {
                    p: _Named(text, name).visit(ast.parse(ast.unparse(e), mode="eval").body)
                    for p, e in layers.items()
                }
            del self._parameters.used[name]
            yield name, ast.parse(text, mode="eval").body

    def _split_entries(
        self, parts: list[tuple[frozenset[int], list[str]]], split: frozenset[int]
    ) -> list[Entry]:
        """Entries in which no parameter is needed beside what functions are called with.

        Args:
            parts: the paths of an attribute, with the functions that have it.
            split: functions whose constructors may differ from those of the others.

        Raises:
            Unnatural: when there are none.
        """
        used = dict(self._parameters.used)
        sides: tuple[list[Entry], list[Entry]] = ([], [])
        before: list[Entry] = []
        behind: list[Entry] = []
        try:
            for functions, group in parts:
                entry = self._common_entry(functions, group)
                if entry is not None and functions == self._everyone:
                    (behind if any(sides) else before).append(entry)
                    continue
                for side, some in zip(sides, (functions - split, functions & split), strict=True):
                    if some:
                        side.append((some, {p: self._made(p, some, strict=True) for p in group}))
        except Unnatural:
            self._parameters.used = used
            raise
        return [*before, *sides[0], *sides[1], *behind]

    def _common_entry(self, functions: frozenset[int], group: list[str]) -> Entry | None:
        before = dict(self._parameters.used)
        try:
            return functions, {p: self._made(p, functions, strict=True) for p in group}
        except Unnatural:
            self._parameters.used = before
            return None

    def _made(self, path: str, functions: frozenset[int], strict: bool) -> ast.expr:
        nodes = {i: self._overlay.sketches[i].layers[path] for i in sorted(functions)}
        return self._signatures.merge(nodes, partial(self._parameters.expression, strict=strict))

    def _branch(self, functions: frozenset[int], after: frozenset[int], stored: bool, hint: str) -> str:
        """The line that opens a block for some functions."""
        if after and after == self._everyone - functions:
            return "else:"
        return f"if {one_line(self._condition(functions, hint, stored))}:"

    def _condition(self, functions: frozenset[int], hint: str, stored: bool) -> ast.expr:
        part = hint.partition(".")[0]
        name = _FLAGS.get(part, f"has_{part}" if part.isidentifier() else "whole")
        found = self._parameters.condition(functions, name)
        return self._keep(found, name) if stored else found

    # ---- forward

    def _keep(self, expression: ast.expr, hint: str) -> ast.expr:
        """An expression over parameters as one over attributes, which are kept for it."""
        if is_literal(expression):
            return expression
        names = [n for n in ast.walk(expression) if isinstance(n, ast.Name)]
        if len(names) == 1:
            attribute = self._attribute(names[0].id, ast.Name(names[0].id))
            return _substituted(expression, {names[0].id: attribute})
        return self._attribute(hint, expression)

    def _attribute(self, hint: str, expression: ast.expr) -> ast.expr:
        for name, known in self._kept.items():
            if ast.dump(known) == ast.dump(expression):
                return ast.Attribute(ast.Name("self"), name)
        taken = {p.partition(".")[0] for s in self._overlay.sketches for p in s.layers} | {*self._kept}
        name = fresh(hint if plain(hint, _MODULE) else f"{hint}_", taken)
        self._kept[name] = expression
        return ast.Attribute(ast.Name("self"), name)

    def _solve(self, vector: Mapping[int, Any], hint: str) -> ast.expr:
        return self._keep(self._parameters.expression(vector, hint), hint)

    def _forward(self) -> list[str]:
        names = self._flow.names
        inputs = [names[self._flow.variable(v)] for v in self._flow.inputs]
        first = self._overlay.sketches[0]
        result = _result(first.outputs)
        if first.head_weights:
            result += f" | {_result(first.outputs + len(first.head_weights))}"
        made = map(self._assignment, self._flow.written())
        head = f"{INDENT}def forward(self, {', '.join(f'{n}: Tensor' for n in inputs)}) -> {result}:"
        return [head, *self._statements(_without_idle(made))]

    def _assignment(self, made: Statement) -> Assignment:
        names = self._flow.names
        operands = [names[self._flow.variable(v)] for v in made.operands]
        targets = [names[self._flow.variable(v)] for v in made.results]
        expression: ast.expr = ast.Name(placeholder(0))
        if made.row is not None:
            lines = {i: line.expression for i, line in made.row.lines.items()}
            expression = self._signatures.merge(lines, self._solve)
        values = {placeholder(i): ast.Name(n) for i, n in enumerate(operands)}
        path = made.row.path if made.row is not None else ""
        once = len(targets) == 1 and self._flow.read_once(made.results[0])
        value = _substituted(expression, values)
        leaves = made.row is not None and made.row.key[0] == LEAVE
        return Assignment(targets, value, made.functions, path, once, not targets, leaves=leaves)

    def _statements(self, assignments: list[Assignment]) -> list[str]:
        """The lines of a method body."""
        together = groupby(self._looped(assignments), key=lambda a: a.functions)
        groups = [(f, _nested([*g])) for f, g in together]
        lines: list[str] = []
        position, after = 0, self._everyone
        while position < len(groups):
            functions, members = groups[position]
            following = groups[position + 1] if position + 1 < len(groups) else None
            one_or_other = following is not None and following[0] == self._everyone - functions
            if following is not None and one_or_other and (line := self._either(members, following[1])):
                lines.append(line)
                position, after = position + 2, self._everyone
                continue
            depth = 2
            if functions != self._everyone:
                lines.append(INDENT * 2 + self._branch(functions, after, stored=True, hint=_hint(members)))
                depth = 3
            after = frozenset() if lines and lines[-1].endswith(" else:") else functions
            for member in members:
                lines += _lines(member, depth)
            position += 1
        return lines

    def _looped(self, assignments: list[Assignment]) -> list[Assignment]:
        """The statements with loops in the place of those that run through a list of layers."""
        found: list[Assignment] = []
        layers = [*dict.fromkeys(r.path for r in self._overlay.rows if self._overlay.having(r.path))]
        taken = {*self._flow.names.values()}
        for _, group in groupby(assignments, key=_manner):
            run = [*group]
            head = re.split(r"\.\d+(?:\.|$)", run[0].path)[0]
            paths = [p for p in layers if p.startswith(f"{head}.")]
            loops = _loops(run[0], paths, taken) if [a.path for a in run] == paths and len(run) > 1 else None
            found += run if loops is None else [replace(run[0], once=False, loops=loops)]
        return found

    def _either(self, left: list[Assignment], right: list[Assignment]) -> str | None:
        """One variable that is set in two ways, in one line where it fits."""
        if len(left) != 1 or len(right) != 1 or left[0].targets != right[0].targets or left[0].returns:
            return None
        condition = self._condition(left[0].functions, _hint(left), stored=True)
        value = ast.IfExp(condition, left[0].expression, right[0].expression)
        line = f"{INDENT * 2}{', '.join(left[0].targets)} = {one_line(value)}"
        return line if len(line) <= WIDTH else None

    # ---- description

    def _description(self) -> str:
        words = self._functions[0].definition.replace("_", " ")
        title = words[:1].upper() + words[1:]
        symbols: dict[str, tuple[int, ...]] = {}
        ends = [(f.inputs, f.outputs) for f in self._functions]
        inputs, outputs = (
            [self._shape([v.type for v in values], symbols) for values in zip(*side, strict=True)]
            for side in zip(*ends, strict=True)
        )
        return f"{title}: {', '.join(inputs)} to {', '.join(outputs)}."

    def _shape(self, types: list[TensorType], symbols: dict[str, tuple[int, ...]]) -> str:
        """A shape with the batch, in words of the parameters and of the sides of the first image."""
        if len({len(t.shape) for t in types}) > 1:
            return "(N, ...)"
        sizes = [tuple(t.shape[k] for t in types) for k in range(len(types[0].shape))]
        return f"({', '.join(['N', *(self._size(s, k, symbols) for k, s in enumerate(sizes))])})"

    def _size(self, sizes: tuple[int, ...], axis: int, symbols: dict[str, tuple[int, ...]]) -> str:
        if len(set(sizes)) == 1:
            return str(sizes[0])
        if axis == 0 and (name := self._parameters.named(sizes)):
            return name
        letter = "CHW"[axis] if axis < 3 else f"S{axis}"
        return _ratio(letter, symbols.setdefault(letter, sizes), sizes, self._parameters)


def _ratio(letter: str, whole: tuple[int, ...], parts: tuple[int, ...], parameters: Parameters) -> str:
    """A side as a fraction of another."""
    if whole == parts:
        return letter
    by = tuple(-(-a // b) for a, b in zip(whole, parts, strict=True))
    divisor = str(by[0]) if len(set(by)) == 1 else parameters.named(by)
    return f"{letter} / {divisor}" if divisor else f"{letter}'"


def _result(count: int) -> str:
    return "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"


def _docstring(text: str) -> list[str]:
    line = f'{INDENT}"""{text}"""'
    if len(line) <= WIDTH:
        return [line]
    title, _, rest = text.partition(": ")
    inputs, _, outputs = rest.partition(" to ")
    return [f'{INDENT}"""{title}.', "", f"{INDENT}{inputs} to", f"{INDENT}{outputs}", f'{INDENT}"""']


def _type(values: list[Any]) -> str:
    names = sorted({"tuple[int, int]" if isinstance(v, tuple) else type(v).__name__ for v in values})
    return " | ".join(names)


def _lines(made: Assignment, depth: int) -> list[str]:
    expression = made.expression
    heads = [INDENT * (depth + k) + head for k, head in enumerate(made.loops[:-1])]
    if made.loops:
        return [*heads, f"{INDENT * (depth + len(heads))}{made.targets[0]} = {made.loops[-1]}"]
    if made.leaves:
        inner = _lines(replace(made, leaves=False), depth + 1)
        return [f"{INDENT * depth}if not self.training:", *inner]
    if not made.returns:
        return statement(f"{', '.join(made.targets)} = ", expression, depth)
    if isinstance(expression, ast.Tuple):
        return [f"{INDENT * depth}return {', '.join(map(one_line, expression.elts))}"]
    return statement("return ", expression, depth)


def _idle(made: Assignment) -> bool:
    """Whether a variable is set to itself."""
    return isinstance(made.expression, ast.Name) and made.targets == [made.expression.id]


def _without_idle(assignments: Iterable[Assignment]) -> list[Assignment]:
    """Statements without those that set a variable to itself; what such a one sets is read in its stead."""
    found: list[Assignment] = []
    setters: dict[str, list[int]] = defaultdict(list)
    for made in assignments:
        if _idle(made):
            for position in setters[made.targets[0]]:
                found[position] = replace(found[position], once=found[position].once and made.once)
            continue
        for target in made.targets:
            setters[target].append(len(found))
        found.append(made)
    return found


def _manner(made: Assignment) -> tuple[object, ...]:
    """What the statements of a loop have in common."""
    pattern = re.sub(r"(?<=\.)\d+(?=\.|$)", "#", made.path)
    match made.expression:
        case ast.Call(args=[ast.Name(id=name)], keywords=[]) if made.targets == [name] and "#" in pattern:
            return (pattern, made.functions, name)
    return (id(made),)


def _loops(made: Assignment, paths: Sequence[str], taken: set[str]) -> tuple[str, ...] | None:
    """The lines that open loops over all layers of some paths, and the call inside."""
    below = tree(dict.fromkeys(paths, made.expression))
    if not all(_in_lists(path, below) for path in paths):
        return None
    lines: list[str] = []
    place, name, node = "self", "layer", below
    for component in made.path.split("."):
        if not component.isdecimal():
            plain_name = plain(component, _MODULE if place == "self" else _DICT)
            place += f".{component}" if plain_name else f"[{string(component)}]"
            name = component if plain_variable(component) else "layer"
        else:
            variable = fresh(name, taken)
            lines.append(f"for {variable} in {place}:")
            place = variable
        following = node[component]
        node = following if isinstance(following, dict) else {}
    return (*lines, f"{place}({made.targets[0]})")


def _in_lists(path: str, node: Tree | ast.expr) -> bool:
    """Whether every number in a path is a position in a list."""
    for component in path.split("."):
        assert isinstance(node, dict)
        if component.isdecimal() and not is_list(node):
            return False
        node = node[component]
    return True


def _hint(members: list[Assignment]) -> str:
    """What a group of statements does, in a word."""
    expression = members[-1].expression
    if isinstance(expression, ast.BinOp):
        return "add"
    if isinstance(expression, ast.Call):
        return one_line(expression.func).rpartition(".")[2].split("[")[0]
    return "value"


def _nested(assignments: list[Assignment]) -> list[Assignment]:
    """Statements in which values that are used once, at once, are written where they are used."""
    found: list[Assignment] = []
    for new in assignments:
        made = new
        while found and _fits(found[-1], made):
            before = found.pop()
            expression = _substituted(made.expression, {before.targets[0]: before.expression})
            made = replace(made, expression=expression)
        found.append(made)
    return found


def _fits(before: Assignment, after: Assignment) -> bool:
    """Whether a value is easier to read in the place where it is used."""
    if not before.once or before.loops or after.loops:
        return False
    name = before.targets[0]
    places = [n for n in ast.walk(after.expression) if isinstance(n, ast.Name) and n.id == name]
    if len(places) != 1:
        return False
    whole = _substituted(after.expression, {name: before.expression})
    if isinstance(after.expression, ast.Name):
        return True
    if not isinstance(before.expression, ast.Call) or isinstance(before.expression.args[:1], ast.List):
        return False
    if "[" in one_line(before.expression.func) and isinstance(after.expression, ast.Call):
        return False
    takes = isinstance(after.expression, ast.Call) and after.expression.args[:1] == places
    adds = isinstance(after.expression, ast.BinOp)
    width = len(one_line(whole)) + sum(map(len, after.targets or ["return"])) + 3 * len(INDENT)
    return (takes or adds) and _depth(whole) <= _NESTING and width <= WIDTH


def _depth(node: ast.AST) -> int:
    below = max((_depth(n) for n in ast.iter_child_nodes(node)), default=0)
    return below + isinstance(node, ast.Call)


def _substituted(node: ast.expr, values: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with others in the place of names."""
    found: ast.expr = _Substitution(values).visit(ast.parse(ast.unparse(node), mode="eval").body)
    return found


class _Named(ast.NodeTransformer):
    """Puts a name where an expression of a text stands."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """The name, or the expression with the name inside."""
        if ast.unparse(node) == self._text:
            return ast.Name(self._name)
        self.generic_visit(node)
        return node


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node)
