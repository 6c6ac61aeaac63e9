"""``wire``: a random graph of nodes (RandWire, Xie et al., 2019), its generators, its nodes and edges.

An edge is there or not by the seed, which may be a decision; so a node reads a list of all earlier nodes,
each present where the graph has the edge. A wiring is thus made of what every space is made of: presence and
choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drawloom.ir import Expr, Scalar, Span, Value
from drawloom.ir.expression import apply

from . import limits
from .applying import applied, callable_of, one_tensor
from .arguments import Given
from .frame import Blame, Fault, Frame
from .merge import merge
from .scalars import as_integer
from .values import Builtin, Chooser, Placed, RandomGraph, Template, describe, is_scalar, kind_of

_ANY = -1
"""Stands for any node in ``random_edge``."""


def random_graphs() -> list[Builtin]:
    """The generators of random graphs."""
    return [
        Builtin(name, len(names), len(names), _generator(name, names[1:-1]), names)
        for name, names in _GENERATORS.items()
    ]


_GENERATORS: dict[str, tuple[str, ...]] = {
    "erdos_renyi": ("nodes", "p", "seed"),
    "barabasi_albert": ("nodes", "m", "seed"),
    "watts_strogatz": ("nodes", "k", "p", "seed"),
}
"""The arguments of each: the number of nodes first, the seed last."""


def _generator(name: str, parameters: tuple[str, ...]) -> Callable[[Frame, list[Placed], Span], RandomGraph]:
    def make(frame: Frame, arguments: list[Placed], span: Span) -> RandomGraph:
        nodes = as_integer(frame, arguments[0].value, arguments[0].span, "the number of nodes")
        if not 2 <= nodes <= limits.GRAPH_NODES:
            label = f"from 2 to {limits.GRAPH_NODES}"
            frame.fail("E0503", f"a random graph of {nodes} nodes", arguments[0].span, label)
        for parameter, placed in zip(parameters, arguments[1:-1], strict=True):
            _PARAMETERS[parameter](frame, nodes, placed)
        seed = arguments[-1]
        if not is_scalar(seed.value) or kind_of(seed.value) != "number":
            frame.fail("E0501", f"a seed is a whole number, not {describe(seed.value)}", seed.span)
        if isinstance(seed.value, Expr) and nodes**2 * seed.value.size > limits.GRAPH_CELLS:
            frame.shared.too_much(
                f"random graphs of {nodes} nodes for more than {limits.GRAPH_CELLS // nodes**2} seeds",
                seed.span,
            )
        graph = RandomGraph(name, nodes, tuple(a.value for a in arguments[1:]))
        try:
            _edge(graph, 0, _ANY)
        except ValueError as error:
            frame.fail("E0504", f"{error}", span, help="raise the number of edges")
        return graph

    return make


def _check_probability(frame: Frame, nodes: int, placed: Placed) -> None:
    p = placed.value
    if isinstance(p, (bool, str)) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
        frame.fail("E0503", "'p' is a probability, a number from 0 to 1", placed.span)


def _check_attached(frame: Frame, nodes: int, placed: Placed) -> None:
    m = as_integer(frame, placed.value, placed.span, "'m'")
    if not 1 <= m < nodes:
        frame.fail("E0503", f"'m' is from 1 to {nodes - 1}, the edges of a new node", placed.span)


def _check_neighbours(frame: Frame, nodes: int, placed: Placed) -> None:
    k = as_integer(frame, placed.value, placed.span, "'k'")
    if not 2 <= k < nodes or k % 2:
        frame.fail("E0503", f"'k' is an even number from 2 to below {nodes}, the nearest nodes", placed.span)


_PARAMETERS: dict[str, Callable[[Frame, int, Placed], None]] = {
    "p": _check_probability,
    "m": _check_attached,
    "k": _check_neighbours,
}


def _edge(graph: RandomGraph, start: int, end: int) -> Scalar:
    """Whether a graph has an edge."""
    *parameters, seed = graph.parameters
    there: Scalar = apply("random_edge", graph.generator, graph.nodes, start, end, seed, *parameters)
    return there


def _wire(frame: Frame, given: Given, bound: dict[str, Placed]) -> Value:
    graph = bound["graph"]
    if not isinstance(graph.value, RandomGraph):
        message = f"'graph' is a random graph, not {describe(graph.value)}"
        repair = "write `graph=watts_strogatz(32, k=4, p=0.75, seed=0)`"
        frame.fail("E0501", message, graph.span, help=repair)
    (x,) = given.tensors
    image = one_tensor(frame, x.value, x, "what is wired")
    label = given.call.label.name if given.call.label is not None else "wire"
    wiring = _Wiring(frame, given, graph.value, bound["node"], bound.get("entry", bound["node"]))
    with frame.component(label, label):
        return wiring.build(image)


class _Wiring:
    """A wiring under construction: the results of its nodes so far."""

    def __init__(self, frame: Frame, given: Given, graph: RandomGraph, node: Placed, entry: Placed) -> None:
        self.frame = frame
        self.given = given
        self.graph = graph
        self.node, self.entry = node, entry
        self.functions = [callable_of(frame, p, f"'{n}'") for n, p in (("node", node), ("entry", entry))]
        self.results: list[Value] = []

    def build(self, image: Value) -> Value:
        """The mean of the nodes whose results no other node reads."""
        for number in range(self.graph.nodes):
            with self.frame.component(f"node[{number}]", f"node.{number}"):
                self.results.append(self._node(number, image))
        unread = [apply("not", _edge(self.graph, i, _ANY)) for i in range(self.graph.nodes)]
        return self._listed("mean", self.results, unread, {})

    def _node(self, number: int, image: Value) -> Value:
        """A node: of what the edges into it bring, or, where there is none, of the input of the whole."""
        fed = _edge(self.graph, _ANY, number)
        if not isinstance(fed, Expr):
            return self._fed(number) if fed else self._entry(image)
        with self.frame.guard(fed):
            inner = self._fed(number)
        with self.frame.guard(apply("not", fed)):
            outer = self._entry(image)
        spans = (self.node.span, self.entry.span)
        made = merge(self.frame, Chooser.by_condition(fed), [inner, outer], spans, self.given.span)
        return one_tensor(self.frame, made, self.node, "'node'")

    def _fed(self, number: int) -> Value:
        edges = [self._edge_into(i, number) for i in range(number)]
        attributes = {"param": self.frame.param_path("weighted_sum")}
        gathered = self._listed("weighted_sum", self.results, edges, attributes)
        return self._apply(0, self.node, gathered)

    def _edge_into(self, start: int, end: int) -> Scalar:
        self.frame.shared.step(self.given.span)
        return _edge(self.graph, start, end)

    def _entry(self, image: Value) -> Value:
        with self.frame.component("entry", "entry"):
            return self._apply(1, self.entry, image)

    def _apply(self, which: int, placed: Placed, x: Value) -> Value:
        value = applied(self.frame, self.functions[which], self.given, [x])
        return one_tensor(self.frame, value, placed, ("'node'", "'entry'")[which])

    def _listed(
        self, name: str, values: Sequence[Value], presence: Sequence[Scalar], attributes: dict[str, Any]
    ) -> Value:
        kept = [i for i, p in enumerate(presence) if p is not False]
        if not kept:
            raise Fault
        operands, flags = [values[i] for i in kept], tuple(presence[i] for i in kept)
        return self.frame.operation(name, operands, attributes, self.given.span, Blame(), flags)


WIRE = Template("wire", 1, 1, ("graph", "node", "entry"), 2, _wire)
"""``wire(x; graph=..., node=f, entry=g)``; without `entry` the nodes without edges into them use `node`."""
