"""Writes a resolved module as Python: the file that a user would have written, which needs PyTorch only.

One class stands for all functions of a definition that are alike; what differs between them are its
parameters. A call becomes a sub-module named by its path. Calls that own no weights, or whose weights live
among those of the caller or of another call, are written out in place. A network with auxiliary heads
gives while training a tuple, its outputs and then the heads; its attribute ``auxiliary_weights`` has the
factors of their losses.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from drawloom.backends.weights import weight_specs
from drawloom.ir import Module, Operation

from .alignment import overlays
from .classes import ClassText
from .layers import ChannelAffine, DropPath, Group, WeightedSum
from .naming import IMPORTED, camel_case, fresh
from .sketch import sketch
from .structure import Body, bodies
from .unify import Signatures

IMPORTS = """\
import torch
import torch.nn.functional as F
from torch import Tensor, nn
"""

HELPERS = (ChannelAffine, DropPath, Group, WeightedSum)
"""Layers that PyTorch has not; a file that needs one has its text."""


def python_source(module: Module, comment: str = "", standalone: bool = True) -> str:
    """A Python file with one class a definition, the network's last.

    Its ``state_dict`` has the names of `weight_specs`, and the counters of batches that PyTorch adds to batch
    normalisations; files without those load.

    Args:
        module: without open decisions.
        comment: the docstring of the file.
        standalone: whether the file needs PyTorch only, or takes layers that PyTorch has not from Drawloom.

    Raises:
        UserError: when decisions are open, or the torch backend cannot express the module.
    """
    weight_specs(module)
    classes = _Classes(module).written()
    text = "\n\n\n".join(classes)
    used = [h for h in HELPERS if re.search(rf"\b{h.__name__}\(", text)]
    helpers = [inspect.getsource(h).rstrip() for h in used if standalone]
    imports = [line for line in IMPORTS.splitlines() if re.search(_USE[line], "".join([text, *helpers]))]
    head = f'"""{comment}"""\n\n' if comment else ""
    if used and not standalone:
        imports += ["", f"from {DropPath.__module__} import {', '.join(h.__name__ for h in used)}"]
    parts = [head + "\n".join(imports), *helpers, text]
    return "\n\n\n".join(parts) + "\n"


def network_class(module: Module) -> str:
    """The name of the network's class in `python_source`."""
    return fresh(camel_case(module.entry.definition), IMPORTED)


_USE = {
    "import torch": r"\btorch\.",
    "import torch.nn.functional as F": r"\bF\.",
    "from torch import Tensor, nn": "",
}
"""What a file that needs an import has in it."""


class _Classes:
    """The classes of a module, those that others use first."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._signatures = Signatures()
        self._made: dict[str, ast.expr] = {}
        self._taken = {*IMPORTED, network_class(module)}

    def written(self) -> list[str]:
        return [text for group in self._groups() for text in self._write(group)]

    def _groups(self) -> list[list[Body]]:
        """Bodies by definition, callees first."""
        parts = bodies(self._module)
        groups: dict[str, list[Body]] = {}
        for body in parts:
            entry = body.function is self._module.entry
            groups.setdefault("" if entry else body.function.definition, []).append(body)
        home = {b.function.name: name for name, members in groups.items() for b in members}
        callees = {
            name: {home[s.op.attributes["callee"]] for b in members for s in b.steps if s.op.name == "call"}
            for name, members in groups.items()
        }
        try:
            return [groups[name] for name in TopologicalSorter(callees).static_order()]
        except CycleError:
            return [[body] for body in parts]

    def _write(self, members: Iterable[Body]) -> Iterable[str]:
        sketches = [sketch(body, self._constructor, self._definition) for body in members]
        for overlay in overlays(sketches, self._signatures):
            function = overlay.sketches[0].function
            entry = function is self._module.entry
            name = (
                network_class(self._module) if entry else fresh(camel_case(function.definition), self._taken)
            )
            self._taken.add(name)
            text = ClassText(name, overlay, self._signatures)
            yield text.written()
            for number, member in enumerate(overlay.sketches):
                self._made[member.function.name] = text.call(number)

    def _constructor(self, op: Operation) -> ast.expr:
        return self._made[op.attributes["callee"]]

    def _definition(self, op: Operation) -> str:
        return self._module.function(op.attributes["callee"]).definition
