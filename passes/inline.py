"""The pass ``inline``: replaces calls by the operations of their callees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from drawloom.ir import Function, Module, Operation, UserError, Value
from drawloom.ir.verifier import FUNCTION_KINDS
from drawloom.ir.weight_paths import join_path

from .base import Context, Pass
from .rebuild import rebuilt


@dataclass(frozen=True)
class Inline(Pass):
    """Replaces every call by its callee's operations; weights get their full paths.

    Before::

        op @conv_bn(%x: f32[3, 8, 8]) -> f32[4, 8, 8] {
          %0 = conv2d %x {out=4, kernel=1, param="conv"} : f32[4, 8, 8]
          return %0
        }
        network @n(%x: f32[3, 8, 8]) -> f32[4, 8, 8] {
          %0 = call @conv_bn(%x) {param="stem"} : f32[4, 8, 8]
          return %0
        }

    After::

        network @n(%x: f32[3, 8, 8]) -> f32[4, 8, 8] {
          %0 = conv2d %x {out=4, kernel=1, param="stem.conv"} : f32[4, 8, 8]
          return %0
        }

    Attributes:
        keep: kinds of functions whose calls stay, such as ``op``; ``keep=[op]`` leaves a flat graph of ops.
    """

    name: ClassVar[str] = "inline"
    keep: tuple[str, ...] = ()

    def run(self, module: Module, context: Context) -> Module:
        """See `inline`."""
        result = inline(module, self.keep)
        gone = [f for name, f in module.functions.items() if name not in result.functions]
        context.count(self.name, "functions inlined", len(gone))
        return result


def inline_all(module: Module) -> Module:
    """The module as one function without calls; weights have their full names' paths as ``param``."""
    return inline(module, ())


def inline_level(module: Module) -> Module:
    """The module with the calls of the network itself replaced by the operations of what they call."""
    entry = _inlined(module.entry, module.functions, ())
    functions = {**module.functions, entry.name: entry}
    called = _called(functions, entry.name)
    return module.with_functions(f for name, f in functions.items() if name in called)


def inline(module: Module, keep: tuple[str, ...] = ()) -> Module:
    """The module with the calls of functions replaced by these functions' operations.

    Args:
        module: any module.
        keep: kinds of functions that stay functions.

    Raises:
        UserError: when `keep` names no kind of function.
    """
    for kind in keep:
        if kind not in FUNCTION_KINDS:
            raise UserError(f"'{kind}' is no kind of function", f"kinds: {', '.join(FUNCTION_KINDS)}")
    flat: dict[str, Function] = {}
    for name, function in module.functions.items():
        flat[name] = _inlined(function, flat, keep)
    kept = {name: f for name, f in flat.items() if f.kind in keep or name == module.entry.name}
    called = _called(kept, module.entry.name)
    result = [f for name, f in kept.items() if name in called]
    return module.with_functions(result)


def _called(functions: dict[str, Function], entry: str) -> set[str]:
    called = {entry}
    for name in reversed(functions):
        if name in called:
            called.update(op.attributes["callee"] for op in functions[name].calls())
    return called


def _inlined(function: Function, flat: dict[str, Function], keep: tuple[str, ...]) -> Function:
    """A function with its calls replaced; `flat` has the callees, already without calls of their own."""
    if all(flat[op.attributes["callee"]].kind in keep for op in function.calls()):
        return function
    values: dict[Value, Value] = {}
    operations: list[Operation] = []
    for op in function.operations:
        operands = [values.get(v, v) for v in op.operands]
        callee = flat[op.attributes["callee"]] if op.name == "call" else None
        if callee is None or callee.kind in keep:
            operations.append(_placed(op, operands, "", values))
            continue
        inner = dict(zip(callee.inputs, operands, strict=True))
        for child in callee.operations:
            mapped = [inner[v] for v in child.operands]
            operations.append(_placed(child, mapped, op.param or "", inner))
        values.update(zip(op.results, [inner[v] for v in callee.outputs], strict=True))
    outputs = tuple([values.get(v, v) for v in function.outputs])
    return rebuilt(function, function.inputs, tuple(operations), outputs)


def _placed(op: Operation, operands: list[Value], prefix: str, values: dict[Value, Value]) -> Operation:
    """A copy of an operation on other operands, weights below a prefix; `values` learns its results."""
    attributes: dict[str, Any] = op.attributes
    if "param" in attributes:
        attributes = {**attributes, "param": join_path(prefix, attributes["param"])}
    types, names = [r.type for r in op.results], tuple([r.name for r in op.results])
    copy = Operation(op.definition, tuple(operands), attributes, types, op.presence, op.span, names)
    values.update(zip(op.results, copy.results, strict=True))
    return copy
