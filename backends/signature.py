"""What goes into a network and what comes out, under the names that exported files use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drawloom.ir import DType, Module, Value


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output of a network.

    Attributes:
        name: its own, or ``input`` or ``output``, with a number where there are several.
        shape: without the batch.
        dtype: of its elements.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType

    @property
    def element(self) -> str:
        """The name of its element type in NumPy."""
        return "int32" if self.dtype is DType.I32 else "float32"


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a resolved network, in order; no name occurs twice."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @classmethod
    def of(cls, module: Module) -> Signature:
        """That of a network."""
        inputs = _ports(module.entry.inputs, "input")
        return cls(inputs, _ports(module.entry.outputs, "output", {port.name for port in inputs}))

    @property
    def classifies_images(self) -> bool:
        """Whether one image goes in, and one score a class comes out."""
        ranks = [[len(port.shape) for port in ports] for ports in (self.inputs, self.outputs)]
        return ranks == [[3], [1]] and self.inputs[0].dtype is DType.F32


def _ports(values: Sequence[Value], default: str, taken: set[str] | None = None) -> tuple[Port, ...]:
    """A name for each value: its own, unless it has none, a strange one or one already used."""
    used = set(taken or ())
    ports = []
    for i, value in enumerate(values):
        fallback = f"{default}{i}" if len(values) > 1 else default
        name = value.name if value.name.isidentifier() and value.name not in used else fallback
        used.add(name)
        ports.append(Port(name, tuple(int(d) for d in value.type.shape), value.type.dtype))
    return tuple(ports)
