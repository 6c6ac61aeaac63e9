"""Functions taken apart by the weights that they use, for passes that change one layer and not its twin.

A function that is called under two parameter paths is one function with two sets of weights. `separated`
makes it two functions; `merged` puts together again what is still equal after a pass has been at work.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drawloom.ir import Function, Module, Operation, Value, print_function
from drawloom.ir.weight_paths import join_path

from .rebuild import Rewriter, rebuilt, remade


@dataclass(frozen=True, slots=True)
class Instances:
    """A module in which every function that owns weights is called under one path only.

    Two calls with one path, which share their weights, call one function. A function without weights has an
    instance for each call.

    Attributes:
        module: with the instances as functions; names of first instances are those of their functions.
        prefixes: path of the calls that lead to each function.
        origins: name of the function, in the module that was taken apart, that each function is a copy of.
    """

    module: Module
    prefixes: Mapping[str, str]
    origins: Mapping[str, str]

    def weighted(self) -> Iterator[tuple[str, Function, Operation]]:
        """Every operation with weights: its full path, its function and itself."""
        for function in self.module.functions.values():
            prefix = self.prefixes[function.name]
            for op in function.operations:
                if op.definition.has_weights and op.name != "call":
                    yield join_path(prefix, op.param or ""), function, op


def separated(module: Module) -> Instances:
    """The module with an instance of each function for each path that it is called under."""
    separator = _Separator(module)
    separator.instance(module.entry, "")
    functions = separator.functions
    unchanged = len(functions) == len(module.functions) and all(
        functions.get(name) is f for name, f in module.functions.items()
    )
    return Instances(
        module if unchanged else module.with_functions(functions.values()),
        separator.prefixes,
        separator.origins,
    )


class _Separator:
    """The instances so far, callees first."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.functions: dict[str, Function] = {}
        self.prefixes: dict[str, str] = {}
        self.origins: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._taken = set(module.functions)
        self._seen: set[str] = set()
        self._weighted = _weighted_functions(module)

    def instance(self, function: Function, prefix: str) -> str:
        """The name of the instance of a function under a path."""
        key = (function.name, prefix)
        if function.name in self._weighted and key in self._known:
            return self._known[key]
        callees = [
            self.instance(self.module.functions[op.attributes["callee"]], join_path(prefix, op.param or ""))
            for op in function.calls()
        ]
        first = function.name not in self._seen
        self._seen.add(function.name)
        name = function.name if first else fresh_name(function.name, self._taken)
        self._known[key] = name
        self.functions[name] = recalled(function, name, callees, copy=not first)
        self.prefixes[name], self.origins[name] = prefix, function.name
        return name


def _weighted_functions(module: Module) -> set[str]:
    found: set[str] = set()
    for name, function in module.functions.items():
        for op in function.operations:
            if op.attributes["callee"] in found if op.name == "call" else op.definition.has_weights:
                found.add(name)
    return found


def fresh_name(name: str, taken: set[str]) -> str:
    """A name like another that is not taken, and is from now on: ``conv_bn.2``."""
    fresh = next(n for i in itertools.count(2) if (n := f"{name}.{i}") not in taken)
    taken.add(fresh)
    return fresh


def recalled(function: Function, name: str, callees: list[str], *, copy: bool) -> Function:
    """A function that calls others, in order of its calls.

    Args:
        function: the function.
        name: its new name.
        callees: names of what its calls call.
        copy: whether it gets values and operations of its own; else the old ones are kept where they can be.
    """
    rewriter = Rewriter()
    inputs = function.inputs
    if copy:
        inputs = tuple([Value(v.type, v.index, v.name) for v in inputs])
        rewriter.values.update(zip(function.inputs, inputs, strict=True))
    names = iter(callees)
    for op in function.operations:
        attributes = op.attributes if op.name != "call" else {**op.attributes, "callee": next(names)}
        operands = rewriter.operands(op)
        same = not copy and operands == op.operands and attributes == op.attributes
        rewriter.place(op, op if same else remade(op, operands, attributes, op.presence))
    outputs = tuple([rewriter.values.get(v, v) for v in function.outputs])
    if not copy and all(a is b for a, b in zip(rewriter.operations, function.operations, strict=True)):
        return function
    return rebuilt(function, inputs, tuple(rewriter.operations), outputs, name=name)


def merged(module: Module, origins: Mapping[str, str]) -> Module:
    """The module with one function for instances of one function that are equal.

    Args:
        module: what a pass has made of the module of some `Instances`.
        origins: of these instances.
    """
    kept: dict[tuple[Any, ...], Function] = {}
    names: dict[str, str] = {}
    for name, function in module.functions.items():
        callees = [names[op.attributes["callee"]] for op in function.calls()]
        recalling = recalled(function, name, callees, copy=False)
        text = print_function(
            rebuilt(recalling, recalling.inputs, recalling.operations, recalling.outputs, name="f")
        )
        first = kept.setdefault((origins[name], text), recalling)
        names[name] = first.name
    return module.with_functions(kept.values())
