"""What a name that can be called takes, as editors show it: definitions, operations, built-in functions."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from drawloom.frontend.inspection import Inspection
from drawloom.frontend.symbols import Symbol
from drawloom.frontend.syntax import Definition, StaticParameter, TensorParameter
from drawloom.frontend.values import Builtin, Primitive, Template
from drawloom.ir import OPS
from drawloom.ir.definition import REQUIRED


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to give.

    Attributes:
        name: its name.
        text: as it stands in the signature, with type or default.
        doc: what it means, or empty.
    """

    name: str
    text: str
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What can be called and how.

    Attributes:
        name: its name.
        kind: ``op``, ``block``, ``cell``, ``network``, ``operation`` or ``function``.
        tensors: what stands before the ``;``.
        statics: what stands after it.
        doc: what it is, in Markdown, or empty.
    """

    name: str
    kind: str
    tensors: tuple[Parameter, ...]
    statics: tuple[Parameter, ...]
    doc: str = ""

    @property
    def text(self) -> str:
        """The head of its definition."""
        tensors, statics = (", ".join(p.text for p in some) for some in (self.tensors, self.statics))
        return f"{self.kind} {self.name}({tensors}{'; ' if statics else ''}{statics})"


def signature_of(inspection: Inspection, name: str, member: str | None = None) -> Signature | None:
    """What a name of a text takes that can be called; None for all others.

    Args:
        inspection: of the text.
        name: the name, or that of an imported file.
        member: for an imported file, the name of one of its definitions.
    """
    names = inspection.names
    symbol = names.globals.get(name) if member is None else names.members.get(name, {}).get(member)
    if symbol is not None:
        return of_symbol(symbol)
    return None if member is not None else of_predefined(inspection.predefined.get(name))


def of_symbol(symbol: Symbol) -> Signature | None:
    """The signature of a definition; None for other symbols."""
    node = symbol.node
    if not isinstance(node, Definition):
        return None
    tensors = tuple(_parameter(p) for p in node.tensors)
    return Signature(
        symbol.name, symbol.kind, tensors, tuple(_parameter(p) for p in node.statics), comment_above(node)
    )


def _parameter(node: TensorParameter | StaticParameter) -> Parameter:
    return Parameter(node.name.name, " ".join(node.span.text.split()))


def of_predefined(value: Any) -> Signature | None:
    """The signature of an operation or a built-in function; None for anything else."""
    if isinstance(value, Primitive):
        return _of_primitive(value)
    if isinstance(value, Template):
        statics = tuple(
            Parameter(n, n if i < value.required else f"{n}=...") for i, n in enumerate(value.parameters)
        )
        return Signature(value.name, "function", (Parameter("x", "x"),) * value.least, statics)
    if isinstance(value, Builtin):
        names = value.names or tuple("abcdefgh"[: value.least])
        more = ("...",) if value.most is None else ()
        return Signature(value.name, "function", tuple(Parameter(n, n) for n in (*names, *more)), ())
    return None


def _of_primitive(primitive: Primitive) -> Signature:
    definition = OPS[primitive.operation]
    tensors = tuple(Parameter(n, f"{n}..." if primitive.variadic else n) for n in primitive.tensors)
    statics: list[Parameter] = []
    for parameter in primitive.parameters:
        attribute = definition.attribute(parameter.name)
        default = "" if attribute.default is REQUIRED else f"={_default_text(attribute.default)}"
        if parameter.default is not None:
            default = "=..."  # computed from the other arguments
        statics.append(Parameter(parameter.name, f"{parameter.name}{default}", attribute.doc))
    doc = (inspect.getdoc(type(definition)) or "").replace("``", "`")
    return Signature(primitive.name, "operation", tensors, tuple(statics), doc)


def _default_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def comment_above(definition: Definition) -> str:
    """The comment on the lines directly above a definition, without its signs."""
    source = definition.span.source
    number = source.position(definition.span.start)[0] - 1
    lines: list[str] = []
    while number >= 1 and source.line(number).startswith("#"):
        lines.insert(0, source.line(number).lstrip("#").strip())
        number -= 1
    return "\n".join(lines)
