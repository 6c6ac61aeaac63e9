"""The picture of a function: which nodes and edges stand for its operations.

The states of a cell are nodes and what leads from one to the next is written on the edge, as in the pictures
of Zoph et al. (2018) and Liu et al. (2019). That follows from the graph alone: an operation that reads one
state and is read once, by an operation in which several values meet, stands on an edge. An operation that
all readers of an input have in front of them is written into the input, and a joining operation that is
returned into the output.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from drawloom.ir import Decision, Expr, Function, Module, Operation, Value, users_of
from drawloom.ir.printer import value_names

from ..anatomy import Prices
from ..quantity import count_text as exact_text
from .beliefs import Beliefs, percent
from .captions import (
    alternative_labels,
    call_words,
    count_text,
    numbered,
    operation_name,
    operation_words,
    short_names,
    shortened,
    tip_text,
    type_text,
)
from .cards import Card, cards
from .picture import Alternative, Edge, Node, Picture, Shape

_SHARED = 3
"""Cards from which on the details of equal alternatives are told once, in a legend."""
_STATES = frozenset({Shape.INPUT, Shape.JOIN})


def sketch(module: Module, function: Function, beliefs: Beliefs, title: str, total: int = 0) -> Picture:
    """The picture of one function of a module.

    Args:
        module: where its calls lead.
        function: what to draw.
        beliefs: what is known of the decisions.
        title: of the picture.
        total: multiply-adds of the network, of which each node's share is shown; 0 for no shares.
    """
    return _Sketch(module, function, beliefs, total).picture(title)


class _Sketch:
    def __init__(self, module: Module, function: Function, beliefs: Beliefs, total: int) -> None:
        self.module = module
        self.function = function
        self.beliefs = beliefs
        self.total = total
        self.prices = Prices(module)
        self.users = users_of(function)
        self.cards = {card.choice: card for card in cards(function, self.users)}
        self.hidden = {op for card in self.cards.values() for op in card.hidden}
        self.names = short_names(_decisions(function))
        self.values = value_names(function)
        self.nodes: list[Node] = []
        self.edges: dict[tuple[int, int], Edge] = {}
        self.place: dict[Value, int] = {}
        self.legend: tuple[Alternative, ...] = self._legend()

    def picture(self, title: str) -> Picture:
        """Build everything and weigh it."""
        for value in self.function.inputs:
            self._add(Node(Shape.INPUT, (shortened(value.name or f"input {value.index}"),), str(value.type)))
            self.place[value] = len(self.nodes) - 1
        for op in self.function.operations:
            if op not in self.hidden:
                self._operation(op)
        outputs = [self._output(value, number) for number, value in enumerate(self.function.outputs)]
        self._number_states()
        self._weigh(outputs)
        return Picture(title, self._note(), tuple(self.nodes), tuple(self.edges.values()), self.legend)

    def _note(self) -> str:
        inputs, outputs = (
            ", ".join(type_text(v.type, self.beliefs) for v in values)
            for values in (self.function.inputs, self.function.outputs)
        )
        return f"{inputs} → {outputs}"

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _connect(self, source: int, target: int, optional: bool = False, weight: float | None = None) -> None:
        """An edge; of several between the same nodes the surest counts."""
        known = self.edges.get((source, target))
        if known is not None:
            optional, weight = optional and known.optional, _either(weight, known.weight)
        arrow = self.nodes[target].shape is not Shape.LABEL
        self.edges[source, target] = Edge(source, target, optional, weight, arrow)

    # operations

    def _operation(self, op: Operation) -> None:
        if self._absorbed(op):
            return
        node = self._add(self._node(op))
        self.place.update((result, node) for result in op.results)
        if op in self.cards:
            self._connect(self.place[self.cards[op].source], node)
        elif op.name == "choice":
            self._alternatives(op, node)
        else:
            for position, operand in enumerate(op.operands):
                self._member(op, position, self.place[operand], node)

    def _absorbed(self, op: Operation) -> bool:
        """Write what every reader of an input has in front of it into the input."""
        operand = op.operands[0] if len(op.operands) == 1 else None
        if (
            operand is None
            or operand.producer is not None
            or len(self.function.inputs) < 2
            or op.name == "choice"
            or len(op.results) != 1
            or self.users[operand] != [op]
            or len(self.users[op.result]) < 2
        ):
            return False
        place = self.place[op.result] = self.place[operand]
        node = self.nodes[place]
        lines = (*node.lines, self._name(op))
        self.nodes[place] = replace(node, lines=lines, words=self._words(op), tip=self._tip(op))
        return True

    def _node(self, op: Operation) -> Node:
        if op in self.cards:
            return self._card(self.cards[op])
        if op.name == "choice":
            name = self._selector_name(op.attributes["selector"])
            return Node(Shape.CHOICE, (name,), self._tip(op))
        shape, found = self._shape(op), ""
        lines, words = [self._name(op)], self._words(op)
        if shape is Shape.JOIN and not all(map(self.beliefs.known, op.presence)):
            lines += filter(None, [count_text(op.presence, len(op.operands))])
        elif shape is not Shape.LABEL and self.function is self.module.entry:
            found = type_text(op.results[0].type, self.beliefs)
            words = tuple(w for w in words if w.partition("=")[2] != found.partition("×")[0])
        return Node(shape, tuple(lines), self._tip(op), heat=self._heat(op), words=words, shape_text=found)

    def _shape(self, op: Operation) -> Shape:
        if self._on_edge(op):
            return Shape.LABEL
        if op.name == "call":
            return Shape.CALL
        return Shape.JOIN if len(op.operands) > 1 else Shape.OPERATION

    def _name(self, op: Operation) -> str:
        if op.name == "call":
            return shortened(self.module.function(op.attributes["callee"]).definition)
        return operation_name(op)

    def _words(self, op: Operation) -> tuple[str, ...]:
        if op.name == "call":
            return call_words(self.module.function(op.attributes["callee"]), self.beliefs)
        return operation_words(op, self.beliefs)

    def _on_edge(self, op: Operation) -> bool:
        """Whether an operation leads from one state to another."""
        if len(op.operands) != 1 or len(op.results) != 1 or op.result in self.function.outputs:
            return False
        users = self.users[op.result]
        source = self.nodes[self.place[op.operands[0]]]
        return len(users) == 1 and _meets(users[0]) and source.shape in _STATES

    def _member(self, op: Operation, position: int, source: int, node: int) -> None:
        """An operand; with strengths, its presence is written on the edge."""
        present = op.present(position)
        if present is True:
            self._connect(source, node)
            return
        weight = self.beliefs.probability(present, True)
        if weight is None or weight in (0.0, 1.0):
            self._connect(source, node, True, weight)
        else:
            self._labelled(source, node, percent(weight), weight)

    def _labelled(self, source: int, node: int, text: str, weight: float | None) -> None:
        label = self._add(Node(Shape.LABEL, (text,)))
        self._connect(source, label, True, weight)
        self._connect(label, node, True, weight)

    # choices

    def _alternatives(self, op: Operation, node: int) -> None:
        """The alternatives of a choice that is no card: an edge each, with its name."""
        selector = op.attributes["selector"]
        labels = alternative_labels(selector, len(op.operands))
        for position, (operand, label) in enumerate(zip(op.operands, labels, strict=True)):
            weight = self.beliefs.probability(selector, position)
            share = f": {percent(weight)}" if weight is not None and 0 < weight < 1 else ""
            self._labelled(self.place[operand], node, label + share, weight)

    def _card(self, card: Card) -> Node:
        selector = card.choice.attributes["selector"]
        alternatives = tuple(
            replace(alternative, weight=self.beliefs.probability(selector, position))
            for position, alternative in enumerate(self._all_alternatives(card))
        )
        if self._listed(card):
            alternatives = tuple(replace(a, detail="") for a in alternatives)
        tip = "\n".join(
            [self._tip(card.choice), *(tip_text(op, self.values) for steps in card.steps for op in steps)]
        )
        return Node(Shape.CARD, (self._selector_name(selector),), tip, alternatives)

    def _all_alternatives(self, card: Card) -> tuple[Alternative, ...]:
        labels = alternative_labels(card.choice.attributes["selector"], len(card.steps))
        return tuple(
            Alternative(label, shortened(", then ".join(self._step_text(op) for op in steps), 60))
            for label, steps in zip(labels, card.steps, strict=True)
        )

    def _step_text(self, op: Operation) -> str:
        return " ".join((self._name(op), *self._words(op)))

    def _legend(self) -> tuple[Alternative, ...]:
        """The alternatives that many cards share by name, each with all that it stands for."""
        found = [self._all_alternatives(card) for card in self.cards.values()]
        for alternatives in found:
            labels = [a.label for a in alternatives]
            like = [other for other in found if [a.label for a in other] == labels]
            if len(like) >= _SHARED:
                return tuple(map(_told_once, zip(*like, strict=True)))
        return ()

    def _listed(self, card: Card) -> bool:
        """Whether the legend tells what the alternatives of a card are."""
        labels = [a.label for a in self._all_alternatives(card)]
        return bool(self.legend) and [a.label for a in self.legend] == labels

    def _selector_name(self, selector: object) -> str:
        if not isinstance(selector, Expr):
            return "choice"
        return shortened(", ".join(self.names.get(d, d.name) for d in selector.decisions))

    # outputs and states

    def _output(self, value: Value, number: int) -> int:
        """The node of a returned value: its own, where it is a state that nothing else reads."""
        name = "output" if len(self.function.outputs) == 1 else f"output {number}"
        place = self.place[value]
        node = self.nodes[place]
        alone = not self.users[value] and self.function.outputs.count(value) == 1
        if node.shape is Shape.JOIN and alone:
            self.nodes[place] = replace(node, shape=Shape.OUTPUT, lines=(name, *node.lines))
            return place
        output = self._add(Node(Shape.OUTPUT, (name,), str(value.type)))
        self._connect(place, output)
        return output

    def _number_states(self) -> None:
        """Call states by the numbered loop that they are made in, where that tells them apart."""
        names: dict[int, str] = {}
        for op in self.function.operations:
            place = self.place.get(op.results[0])
            if op in self.hidden or place is None or self.nodes[place].shape is not Shape.JOIN:
                continue
            groups = set(numbered(self._paths(op)))
            if len(groups) == 1:
                (word, number) = groups.pop()
                names[place] = f"{word} {number}"
        if len(set(names.values())) == len(names):
            for place, name in names.items():
                node = self.nodes[place]
                self.nodes[place] = replace(node, lines=(name, *node.lines))

    def _paths(self, op: Operation) -> Iterable[str]:
        """Paths of decisions and weights that belong to the edges into a state."""
        for expr in op.expressions():
            yield from (self.names[d] for d in expr.decisions)
        for operand in op.operands:
            producer = operand.producer
            if producer is None:
                continue
            if producer.name == "choice":
                yield from (self.names[d] for e in producer.expressions() for d in e.decisions)
            elif self.nodes[self.place[operand]].shape is Shape.LABEL:
                yield producer.param or ""

    # prices and weights

    def _tip(self, op: Operation) -> str:
        price = self.prices.known_of(op)
        if price is None:
            return tip_text(op, self.values)
        parameters, multiply_adds = price
        share = f" ({multiply_adds / self.total:.1%})" if self.total else ""
        return (
            f"{tip_text(op, self.values)}\n{exact_text(parameters)} parameters, "
            f"{exact_text(multiply_adds)} multiply-adds{share}"
        )

    def _heat(self, op: Operation) -> float:
        price = self.prices.known_of(op) if self.total else None
        return 0.0 if price is None else price[1] / self.total

    def _weigh(self, outputs: Sequence[int]) -> None:
        """Backwards from the outputs: which nodes and edges the network has; open where that is not sure."""
        if not self.beliefs:
            return
        alive: list[float | None] = [0.0] * len(self.nodes)
        for output in outputs:
            alive[output] = 1.0
        into: list[list[Edge]] = [[] for _ in self.nodes]
        for edge in self.edges.values():
            into[edge.target].append(edge)
        for node in self._backwards(into):
            for edge in into[node]:
                weight = edge.weight if edge.optional and alive[node] != 0 else alive[node]
                self.edges[edge.source, edge.target] = replace(edge, weight=weight)
                sure = weight if weight in (0, 1) and alive[node] is not None else None
                alive[edge.source] = _either(alive[edge.source], sure)
        self.nodes = [replace(node, weight=weight) for node, weight in zip(self.nodes, alive, strict=True)]

    def _backwards(self, into: list[list[Edge]]) -> list[int]:
        waiting = [0] * len(self.nodes)
        for edge in self.edges.values():
            waiting[edge.source] += 1
        order = [node for node, readers in enumerate(waiting) if readers == 0]
        for node in order:
            for edge in into[node]:
                waiting[edge.source] -= 1
                if waiting[edge.source] == 0:
                    order.append(edge.source)
        return order


def _told_once(alternatives: tuple[Alternative, ...]) -> Alternative:
    """Alternatives of one name on several cards as a line of a legend."""
    details = dict.fromkeys(a.detail or "the value itself" for a in alternatives)
    return Alternative(alternatives[0].label, " or ".join(details))


def _decisions(function: Function) -> list[Decision]:
    """The decisions that structure a function: those of choices and presences, in order."""
    structural = (op for op in function.operations if op.name == "choice" or op.presence)
    return list(dict.fromkeys(d for op in structural for e in op.expressions() for d in e.decisions))


def _meets(op: Operation) -> bool:
    """Whether several values meet in an operation."""
    return op.name != "call" and len(op.operands) > 1


def _either(one: float | None, other: float | None) -> float | None:
    """The larger of two probabilities; open when only an open one may be larger."""
    if one == 1 or other == 1:
        return 1.0
    if one is None or other is None:
        return None
    return max(one, other)
