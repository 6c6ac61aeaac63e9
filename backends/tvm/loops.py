"""Plain loops with explicit vectors in TVM's tensor IR, written down from Python.

Tensors are flat; an index is a linear combination of loop variables, folded here, so that few TVM nodes are
made. Each
accumulator is a local buffer of one vector: LLVM keeps it in a register (one large buffer it would split into
    scalars).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from tvm import tirx
from tvm.ir import PointerType, PrimType
from tvm.tirx import Broadcast, BufferLoad, BufferStore, For, ForKind, Ramp

Node = Any
"""An expression, statement, variable or buffer of TVM."""


@cache
def int_node(value: int) -> Node:
    """A 32-bit integer."""
    return tirx.IntImm("int32", value)


@cache
def float_node(value: float, lanes: int = 1) -> Node:
    """A 32-bit float, repeated in every lane."""
    scalar = tirx.FloatImm("float32", value)
    return scalar if lanes == 1 else Broadcast(scalar, lanes)


@cache
def vector_type(lanes: int, element: str = "float32") -> Node:
    """The type of a vector of 32-bit elements."""
    return PrimType(element if lanes == 1 else f"{element}x{lanes}")


@cache
def _pointer(element: str) -> Node:
    return PointerType(PrimType(element))


class Index:
    """A linear combination of integer variables, with a constant."""

    __slots__ = ("constant", "terms")

    def __init__(self, constant: int = 0, terms: dict[int, tuple[Node, int]] | None = None) -> None:
        self.constant = constant
        self.terms = terms or {}

    @staticmethod
    def of(variable: Node) -> Index:
        """The index that is one variable."""
        return Index(0, {id(variable): (variable, 1)})

    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return Index(self.constant + other, self.terms)
        terms = dict(self.terms)
        for key, (variable, factor) in other.terms.items():
            terms[key] = (variable, factor + terms[key][1]) if key in terms else (variable, factor)
        return Index(self.constant + other.constant, terms)

    __radd__ = __add__

    def __mul__(self, factor: int) -> Index:
        if factor == 0:
            return Index()
        return Index(self.constant * factor, {k: (v, f * factor) for k, (v, f) in self.terms.items()})

    __rmul__ = __mul__

    @property
    def node(self) -> Node:
        """The TVM expression."""
        result = None
        for variable, factor in self.terms.values():
            term = variable if factor == 1 else tirx.Mul(variable, int_node(factor))
            result = term if result is None else tirx.Add(result, term)
        if result is None:
            return int_node(self.constant)
        return result if self.constant == 0 else tirx.Add(result, int_node(self.constant))


ZERO = Index()


class Loops:
    """A function under construction: parameters, loops, loads, stores.

    Example:
        >>> b = Loops()                                              # doctest: +SKIP
        >>> x, y = b.parameter("x", 64), b.parameter("y", 64)        # doctest: +SKIP
        >>> with b.loop(4) as i:                                     # doctest: +SKIP
        ...     b.store(y, i * 16, b.load(x, i * 16, 16))
    """

    def __init__(self) -> None:
        """Start an empty function."""
        self._parameters: list[Node] = []
        self._declarations: list[Node] = []
        self._body: list[Node] = []

    def parameter(self, name: str, elements: int, element: str = "float32") -> Node:
        """Declare a tensor argument of so many elements."""
        pointer = tirx.Var(name, _pointer(element))
        buffer = tirx.decl_buffer((max(1, elements),), element, name=name.upper(), data=pointer, layout=None)
        self._parameters.append(pointer)
        self._declarations.append(tirx.DeclBuffer(buffer, data=pointer))
        return buffer

    def accumulator(self, lanes: int, name: str = "acc") -> Node:
        """Declare a mutable vector."""
        dtype = "float32" if lanes == 1 else f"float32x{lanes}"
        buffer = tirx.decl_buffer((1,), dtype, name=name, scope="local", layout=None)
        self._body.append(tirx.AllocBuffer(buffer))
        return buffer

    def get(self, accumulator: Node) -> Node:
        """The present value of an accumulator."""
        return BufferLoad(accumulator, [int_node(0)])

    def set(self, accumulator: Node, value: Node) -> None:
        """Give an accumulator a value."""
        self._body.append(BufferStore(accumulator, value, [int_node(0)]))

    def load(self, buffer: Node, index: Index, lanes: int) -> Node:
        """Neighbouring floats of a tensor."""
        if lanes == 1:
            return BufferLoad(buffer, [index.node])
        return BufferLoad(buffer, [Ramp(index.node, int_node(1), lanes)])

    def splat(self, buffer: Node, index: Index, lanes: int) -> Node:
        """One float of a tensor, repeated in every lane."""
        return broadcast(BufferLoad(buffer, [index.node]), lanes)

    def store(self, buffer: Node, index: Index, value: Node, lanes: int) -> None:
        """Write neighbouring floats of a tensor."""
        where = index.node if lanes == 1 else Ramp(index.node, int_node(1), lanes)
        self._body.append(BufferStore(buffer, value, [where]))

    def let(self, value: Node, lanes: int = 1, name: str = "v", element: str = "float32") -> Node:
        """Name a value, so that it is computed once."""
        variable = tirx.Var(name, vector_type(lanes, element))
        self._body.append(tirx.Bind(variable, value))
        return variable

    def integer(self, value: Node, name: str = "i") -> Index:
        """Name an integer value and use it in indices."""
        return Index.of(self.let(value, 1, name, "int32"))

    def prefetch(self, buffer: Node, index: Index) -> None:
        """Ask for a cache line of a tensor (into the second level); any address is allowed."""
        arguments = [self.address(buffer, index), int_node(0), int_node(2), int_node(1)]
        self._body.append(tirx.Evaluate(tirx.call_intrin("void", "tirx.prefetch", *arguments)))

    def address(self, buffer: Node, index: Index) -> Node:
        """The address of an element of a tensor."""
        return tirx.address_of(BufferLoad(buffer, [index.node]))

    def call(self, symbol: str, arguments: Sequence[Node]) -> None:
        """Call a C function with addresses."""
        self._body.append(tirx.Evaluate(tirx.call_extern("int32", symbol, *arguments)))

    @contextmanager
    def loop(self, extent: int, name: str = "i") -> Iterator[Index]:
        """A loop from 0 to a known extent; a single iteration makes no loop."""
        if extent == 1:
            yield ZERO
            return
        variable = tirx.Var(name, "int32")
        with self._nested(lambda body: For(variable, int_node(0), int_node(extent), ForKind.SERIAL, body)):
            yield Index.of(variable)

    @contextmanager
    def loop_between(self, start: Index, stop: Index, name: str = "i") -> Iterator[Index]:
        """A loop between two computed bounds, which may be empty."""
        variable = tirx.Var(name, "int32")
        extent = (stop + start * -1).node
        with self._nested(lambda body: For(variable, int_node(0), extent, ForKind.SERIAL, body)):
            yield Index.of(variable) + start

    @contextmanager
    def _nested(self, close: Callable[[Node], Node]) -> Iterator[None]:
        outer, self._body = self._body, []
        yield
        body = self._body[0] if len(self._body) == 1 else tirx.SeqStmt(self._body)
        self._body = outer
        self._body.append(close(body))

    def function(self, symbol: str) -> Node:
        """The finished function, callable from C with one pointer for each parameter."""
        body = tirx.SeqStmt([*self._declarations, *self._body])
        function = tirx.PrimFunc(self._parameters, body)
        return function.with_attr("global_symbol", symbol).with_attr("tirx.noalias", True)


def broadcast(scalar: Node, lanes: int) -> Node:
    """A scalar expression in every lane."""
    return scalar if lanes == 1 else Broadcast(scalar, lanes)
