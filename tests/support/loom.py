"""Short ways to write modules in tests of the front end."""

import re

from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Module, Operation, Source, verify


def module(body: str, before: str = "", inputs: str = "image: f32[3, 8, 8]") -> Module:
    """The verified module of a network with this body, and definitions before it."""
    text = f"{before}\nnetwork n({inputs}) {{\n{body}\n}}\n"
    made = elaborate(Source("test.loom", text))
    verify(made)
    return made


def value(expression: str, before: str = "") -> int:
    """A whole number, as the language computes it: the width of a layer."""
    made = module(f"return image |> global_avg_pool |> linear({expression})", before)
    dimension: int = made.entry.outputs[0].type.shape[0]
    return dimension


def codes(text: str) -> list[str]:
    """The codes of everything wrong with a text, in order."""
    try:
        elaborate(Source("test.loom", text))
    except DiagnosticError as error:
        return [d.code for d in error.diagnostics]
    return []


def body_codes(body: str, before: str = "") -> list[str]:
    """The codes of everything wrong with a network's body."""
    return codes(f"{before}\nnetwork n(image: f32[3, 8, 8]) {{\n{body}\n}}\n")


def operations(made: Module, name: str) -> list[Operation]:
    """All operations of a name, over all functions."""
    return [op for f in made.functions.values() for op in f.operations if op.name == name]


def domains(made: Module) -> dict[str, tuple[object, ...]]:
    """The decisions with their domains."""
    return {name: d.domain for name, d in made.decisions.items()}


def weight_paths(made: Module) -> list[str]:
    """The path of every operation with weights, inlined, in order of execution."""
    found: list[str] = []

    def visit(function: str, prefix: str) -> None:
        for op in made.functions[function].operations:
            path = ".".join(p for p in (prefix, op.param) if p)
            if op.name == "call":
                visit(op.attributes["callee"], path)
            elif op.param is not None:
                found.append(path)

    visit(made.entry.name, "")
    assert len(found) == len(set(found)), [p for p in found if found.count(p) > 1]
    return found


def squeezed(text: str) -> str:
    """Text with every run of white space as one space."""
    return re.sub(r"\s+", " ", text).strip()
