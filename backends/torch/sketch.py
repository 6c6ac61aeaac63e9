"""What the class of one function holds and does, as Python expressions, before classes are merged.

Expressions name the tensors they read by position, ``__0``, ``__1`` and so on; a line says which values
they are.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from drawloom.backends.lowerings import lowering
from drawloom.ir import DType, Function, Operation, UserError, Value

from .lowering import RULES, Rule, Site
from .naming import access, fresh, tree
from .structure import Body, Step, above

Constructor = Callable[[Operation], ast.expr]
"""Gives the expression that makes the sub-module of a call."""


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of a forward method; the last one, without results, returns its operands.

    Attributes:
        name: of the operation, or of the definition called.
        path: where its weights live, from the class; empty when it has none.
        expression: over ``__0``, ``__1`` and so on.
        operands: the values they are.
        results: values it makes.
    """

    name: str
    path: str
    expression: ast.expr
    operands: tuple[Value, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The class of one function.

    Attributes:
        function: the function.
        layers: expressions that make the sub-modules, by path.
        lines: what forward does.
        outputs: how many values it returns when it does not train.
        head_weights: the factors of the losses of the values that it returns besides while training.
    """

    function: Function
    layers: dict[str, ast.expr]
    lines: tuple[Line, ...]
    outputs: int
    head_weights: tuple[float, ...] = ()


_KEPT = {"training": "PyTorch", "auxiliary_weights": "the torch backend"}
"""Names that are no components of weights' paths, and who needs them."""

LEAVE = "leave unless training"
"""Name of the line that returns what is not for training only."""


def placeholder(position: int) -> str:
    """The name of an operand in the expression of a line."""
    return f"__{position}"


def sketch(body: Body, constructor: Constructor, names: Callable[[Operation], str]) -> Sketch:
    """The class of a body.

    Args:
        body: of the function.
        constructor: what makes the sub-module of a call.
        names: the definition that a call calls.

    Raises:
        UserError: when two different layers share their weights, one's weights live inside another, or the
            torch backend cannot express an operation.
    """
    body = _with_places(body)
    layers = _layers(body.steps, constructor)
    places = tree(layers)
    lines: list[Line] = []
    of_tokens = body.function.inputs[0].type.dtype is DType.I32
    returning = len(body.steps) - len(body.for_training)
    for position, step in enumerate(body.performed):
        if body.heads and position == returning:
            lines.append(_returned(LEAVE, body.outputs))
        operands = [placeholder(i) for i in range(len(step.operands))]
        layer = access(step.path, places) if step.path else ""
        batch = placeholder(len(operands))
        if step.op.name == "call":
            name, text = names(step.op), f"{layer}({', '.join(operands)})"
        else:
            site = Site(operands, layer, batch, of_tokens)
            name, text = step.op.name, rule(step.op).expression(step.op, site)
        read = (*step.operands, body.function.inputs[0]) if batch in text else step.operands
        lines.append(Line(name, step.path, parse(text), read, step.results))
    if body.heads and not body.for_training:
        lines.append(_returned(LEAVE, body.outputs))
    lines.append(_returned("return", body.outputs + body.heads))
    return Sketch(body.function, layers, tuple(lines), len(body.outputs), body.head_weights)


def _returned(name: str, values: tuple[Value, ...]) -> Line:
    return Line(name, "", parse(", ".join(placeholder(i) for i in range(len(values)))), values, ())


def _with_places(body: Body) -> Body:
    """The body with paths for layers that hold no weights: ``drop_path``, or ``drop_path.0`` and so on."""
    free = Counter(s.op.name for s in body.steps if not s.path and _is_stateless_layer(s.op))
    taken = {s.path.split(".")[0] for s in body.steps}
    names = {name: fresh(name, taken) for name in free}
    numbers = {name: itertools.count() for name in free}

    def placed(step: Step) -> Step:
        name = step.op.name
        if step.path or name not in names:
            return step
        number = f".{next(numbers[name])}" if free[name] > 1 else ""
        return replace(step, path=names[name] + number)

    steps = {step: placed(step) for step in body.steps}
    for_training = frozenset(steps[s] for s in body.for_training)
    return replace(body, steps=tuple(steps.values()), for_training=for_training)


def _is_stateless_layer(op: Operation) -> bool:
    return op.name != "call" and not op.definition.has_weights and rule(op).layer is not None


def parse(text: str) -> ast.expr:
    """A Python expression."""
    return ast.parse(text, mode="eval").body


def rule(op: Operation) -> Rule:
    """How an operation is written.

    Raises:
        UserError: when the torch backend cannot express it.
    """
    found: Rule | None = RULES.get(op.name) or lowering("torch", op.name)
    if found is None:
        raise UserError(f"the torch backend cannot run '{op.name}'")
    return found


def _layers(steps: Iterable[Step], constructor: Constructor) -> dict[str, ast.expr]:
    """Constructors of the sub-modules by path."""
    layers: dict[str, ast.expr] = {}
    for step in steps:
        made = _layer(step.op, constructor)
        if made is None:
            continue
        if not step.path:
            raise UserError(f"the weights of a '{step.op.name}' of the network have no path")
        known = layers.setdefault(step.path, made)
        if ast.dump(known) != ast.dump(made):
            two = " and ".join(map(ast.unparse, (known, made)))
            raise UserError(
                f"'{step.path}' names the weights of two layers, {two}",
                "the torch backend shares weights between equal layers only",
            )
    for path in layers:
        kept = next((name for name in _KEPT if name in path.split(".")), None)
        if kept is not None:
            raise UserError(f"weights cannot live in '{path}': {_KEPT[kept]} keeps '{kept}' for itself")
        outer = next((p for p in above(path) if p in layers), None)
        if outer is not None:
            raise UserError(f"the weights of '{path}' live inside the layer '{outer}'")
    return layers


def _layer(op: Operation, constructor: Constructor) -> ast.expr | None:
    if op.name == "call":
        return constructor(op)
    layer = rule(op).layer
    return None if layer is None else parse(layer(op))
