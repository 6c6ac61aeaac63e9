"""Writes a resolved module as Python: one class a function, as a user would have written it.

A call becomes a sub-module named by its path. Calls that own no weights, or whose weights live among those of
the caller or of another call, are written out in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from drawloom.backends.lowerings import lowering
from drawloom.backends.weights import weight_specs
from drawloom.ir import Function, Module, Operation, UserError

from .lowering import RULES, Rule, Site
from .naming import Tree, Variables, access, class_names, definitions, tree
from .structure import Body, Step, above, bodies

HEADER = """\
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawloom.backends.torch.layers import BatchNorm1d, BatchNorm2d, BatchNorm3d, Group, WeightedSum
"""
"""Imports of a written file."""


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
    function, layers = body.function, tree(_layers(body.steps, names))
    types = ", ".join(str(v.type) for v in function.inputs)
    results = ", ".join(str(v.type) for v in body.outputs)
    methods = [
        f'"""{function.kind.capitalize()} {function.definition}: {types} to {results}."""',
        "",
        "def __init__(self) -> None:",
        *(f"    {line}" for line in ["super().__init__()", *definitions(layers)]),
        "",
        *_forward(body, layers),
        *_extra_repr(function),
    ]
    indented = (f"    {line}" if line else "" for line in methods)
    return "\n".join([f"class {names[function.name]}(nn.Module):", *indented]) + "\n"


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
        if "training" in path.split("."):
            raise UserError(f"weights cannot live in '{path}': PyTorch keeps 'training' for itself")
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
    result = "Tensor" if len(body.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(body.outputs))}]"
    yield f"def forward(self, {', '.join(f'{n}: Tensor' for n in names.inputs)}) -> {result}:"
    for position, step in enumerate(body.steps):
        operands = names.of(step.operands)
        layer = access(step.path, layers) if step.path else ""
        if step.op.name == "call":
            expression = f"{layer}({', '.join(operands)})"
        else:
            expression = _rule(step.op).expression(step.op, Site(operands, layer, names.inputs[0]))
        yield f"    {', '.join(names.bind(step, position))} = {expression}"
    yield f"    return {', '.join(names.of(body.outputs))}"


def _extra_repr(function: Function) -> Iterator[str]:
    """A method that adds the static arguments of the function to the printed network."""
    scalars = {n: v for n, v in function.arguments.items() if isinstance(v, (bool, int, float, str))}
    if scalars:
        yield ""
        yield "def extra_repr(self) -> str:"
        yield f"    return {', '.join(f'{name}={value}' for name, value in scalars.items())!r}"
