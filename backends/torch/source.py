"""Writes a resolved module as Python: one class a function, as a user would have written it.

A call becomes a sub-module named by its path. Calls that own no weights, or whose weights live among those of
the caller or of another call, are written out in place. A network with auxiliary heads gives while training a
tuple, its outputs and then the heads; its attribute ``auxiliary_weights`` has the factors of their losses.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from drawloom.backends.lowerings import lowering
from drawloom.backends.weights import weight_specs
from drawloom.ir import DType, Function, Module, Operation, UserError, Value

from .lowering import RULES, Rule, Site
from .naming import Tree, Variables, access, class_names, definitions, fresh, tree
from .structure import Body, Step, above, bodies

HEADER = """\
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawloom.backends.torch.layers import BatchNorm1d, BatchNorm2d, BatchNorm3d
from drawloom.backends.torch.layers import ChannelAffine, DropPath, Group, WeightedSum
"""
"""Imports of a written file."""

_KEPT = {"training": "PyTorch", "auxiliary_weights": "the torch backend"}
"""Names that are no components of weights' paths, and who needs them."""


def python_source(module: Module) -> str:
    """A Python file with one class a function, the network's last.

    Raises:
        UserError: when decisions are open, or the torch backend cannot express the module.
    """
    weight_specs(module)
    parts = bodies(module)
    names = class_names(body.function.name for body in parts)
    return "\n\n".join([HEADER, *(_class(body, names) for body in parts)])


def _class(body: Body, names: Mapping[str, str]) -> str:
    """The class of a function."""
    body = _with_places(body)
    function, layers = body.function, tree(_layers(body.steps, names))
    types = ", ".join(str(v.type) for v in function.inputs)
    results = ", ".join(str(v.type) for v in body.outputs)
    methods = [
        f'"""{function.kind.capitalize()} {function.definition}: {types} to {results}."""',
        *(["", f"auxiliary_weights = {body.head_weights}"] if body.heads else []),
        "",
        "def __init__(self) -> None:",
        *(f"    {line}" for line in ["super().__init__()", *definitions(layers)]),
        "",
        *_forward(body, layers),
        *_extra_repr(function),
    ]
    indented = (f"    {line}" if line else "" for line in methods)
    return "\n".join([f"class {names[function.name]}(nn.Module):", *indented]) + "\n"


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
    return not op.definition.has_weights and _rule(op).layer is not None


def _layers(steps: Iterable[Step], names: Mapping[str, str]) -> dict[str, str]:
    """Constructors of the sub-modules by path.

    Raises:
        UserError: when two different layers share their weights, or one's weights live inside another.
    """
    layers: dict[str, str] = {}
    for step in steps:
        constructor = _constructor(step, names)
        if constructor and not step.path:
            raise UserError(f"the weights of a '{step.op.name}' of the network have no path")
        if constructor and layers.setdefault(step.path, constructor) != constructor:
            raise UserError(
                f"'{step.path}' names the weights of two layers, {layers[step.path]} and {constructor}",
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


def _constructor(step: Step, names: Mapping[str, str]) -> str | None:
    if step.op.name == "call":
        return f"{names[step.op.attributes['callee']]}()"
    layer = _rule(step.op).layer
    return None if layer is None else layer(step.op)


def _rule(op: Operation) -> Rule:
    rule: Rule | None = RULES.get(op.name) or lowering("torch", op.name)
    if rule is None:
        raise UserError(f"the torch backend cannot run '{op.name}'")
    return rule


def _forward(body: Body, layers: Tree) -> Iterator[str]:
    """The lines of the forward method."""
    names = Variables(body)
    of_tokens = body.function.inputs[0].type.dtype is DType.I32
    result = _result_type(body.outputs)
    if body.heads:
        result += f" | {_result_type(body.outputs + body.heads)}"
    yield f"def forward(self, {', '.join(f'{n}: Tensor' for n in names.inputs)}) -> {result}:"
    returning = len(body.steps) - len(body.for_training)
    for position, step in enumerate(body.performed):
        if body.heads and position == returning:
            yield from _return_unless_training(body, names)
        operands = names.of(step.operands)
        layer = access(step.path, layers) if step.path else ""
        if step.op.name == "call":
            expression = f"{layer}({', '.join(operands)})"
        else:
            site = Site(operands, layer, names.inputs[0], of_tokens)
            expression = _rule(step.op).expression(step.op, site)
        yield f"    {', '.join(names.bind(step, position))} = {expression}"
    if body.heads and not body.for_training:
        yield from _return_unless_training(body, names)
    yield f"    return {', '.join(names.of(body.outputs + body.heads))}"


def _result_type(values: Sequence[Value]) -> str:
    return "Tensor" if len(values) == 1 else f"tuple[{', '.join(['Tensor'] * len(values))}]"


def _return_unless_training(body: Body, names: Variables) -> Iterator[str]:
    yield "    if not self.training:"
    yield f"        return {', '.join(names.of(body.outputs))}"


def _extra_repr(function: Function) -> Iterator[str]:
    """A method that adds the static arguments of the function to the printed network."""
    scalars = {n: v for n, v in function.arguments.items() if isinstance(v, (bool, int, float, str))}
    if scalars:
        yield ""
        yield "def extra_repr(self) -> str:"
        yield f"    return {', '.join(f'{name}={value}' for name, value in scalars.items())!r}"
