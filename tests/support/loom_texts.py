"""Texts in the language for tests of what reads and formats it: every construct, spread out and annotated."""

import random
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from drawloom.frontend.syntax import File, Node

TOKEN = re.compile(
    r'#[^\n]*|\s+|"[^"\n]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\w*|\|>|\.\.=?|[=!<>]=|\+=|//|.'
)
"""A token, a comment or white space."""

EVERYTHING = """\
import "other.loom" as other
import "more.loom"
require params(network) <= 5.3M, "too large"
op conv_bn(x; out, k=3, s=1, groups=1, act=relu6) =
    x |> conv(out, kernel=k, stride=s, groups=groups, bias=false) |> batch_norm |> act
op pair(x, y; ) = (x, y,)
block one(x) { return (x,) }
block nothing(x) {}
block scaled(x: f32[3, 2 * n, n]*, y: f32[8]; n) = x[0][1..][..2][n..n + 1] * -(1 - -1e-3) / 1.5 % 7
cell normal(s0, s1; c) {
    states = [s0 |> relu_conv_bn(c), s1 |> other.relu_conv_bn(c), other.stem(s1)]
    for node in 0..4 {
        edges = [choose op { none: zeros_like(h)  skip: h when s == 1, sep3: sep_conv(h; c, k=3) }
          for edge, (h, s) in states if s > 1]
        states += [sum(choose 2 edges from edges)]
    }
    a, b = choose 1..=2 inputs from states
    c = choose any skips from layers[..2] |> relu as left |> relu(x;) |> f()
    d = choose (n + 1) things { op: g(x) as y  any: -x, network: f(; c) as z }
    e = if a and not b or c { x.op } else if a != b { [] } else { [1, -2, "text", true, name, 0.5K] }
    require len(states) >= 2
    return concat(states[2..]) |> wire(h; graph=watts_strogatz(32, k=4, p=0.75), node=sep(; w), seed=80ms)
}
network n(x: f32[3, size, size], tokens: i32[T]; width=1.0, size=224) {
    for stage, (t, c, n, s) in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
        (6, 160, 3, 2)] {
        for layer in 0..=max(1, n - 1) { x = layers(x; round8(c), s=if layer == 0 { s } else { 1 }) }
    }
    return x |> conv_bn(max(1280, round8(1280 * width)), k=1, act=identity) |> global_avg_pool |> dropout(0.2)
      |> linear(7)
}
"""
"""A text with every rule of the grammar, in no particular layout."""


def tokens(text: str) -> list[str]:
    """The tokens of a text, without comments and white space."""
    return [t for t in TOKEN.findall(text) if not t.isspace() and not t.startswith("#")]


def spread(text: str, rng: random.Random, comments: float) -> str:
    """The same tokens with other white space between them, and now and then a comment.

    Args:
        text: the text.
        rng: what to draw from.
        comments: how probable a comment is between two tokens.
    """
    parts: list[str] = []
    for number, token in enumerate(tokens(text)):
        parts.append(rng.choice((" ", " ", " ", " ", "\n", "\n\n", "\n \n\n", "\t")))
        while rng.random() < comments:
            parts.append(
                rng.choice((" ", "\n", "\n\n")) + f"# {number}" + rng.choice((" \n", "\n", "\n\n\n"))
            )
        parts.append(token)
    return "".join(parts)


class Program:
    """Random texts that follow the grammar; they mean nothing.

    Args:
        rng: what to draw from.
        depth: how deeply expressions are nested.
    """

    def __init__(self, rng: random.Random, depth: int) -> None:
        self.rng = rng
        self.depth = depth

    def text(self) -> str:
        """Some definitions."""
        return "\n".join(self._definition() for _ in range(self.rng.randint(1, 4)))

    def _definition(self) -> str:
        kind = self.rng.choice(("op", "block", "cell", "network"))
        statics = self._commas(lambda: self._keyword(0))
        head = f"{kind} {self._name()}({self._commas(self._name)}; {statics})"
        body = self._body(self.depth) if self._happens(0.7) else f"= {self._value(self.depth)}"
        return f"{head} {body}"

    def _happens(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _body(self, depth: int) -> str:
        return "{" + "".join(f" {self._statement(depth)}\n" for _ in range(self.rng.randint(0, 3))) + "}"

    def _statement(self, depth: int) -> str:
        if depth > 0 and self._happens(0.3):
            return f"for {self._name()} in {self._simple(depth)} {self._body(depth - 1)}"
        start = self.rng.choice((f"{self._name()} =", f"{self._name()} +=", "return"))
        return f"{start} {self._value(depth)}"

    def _name(self) -> str:
        return self.rng.choice(("x", "h", "op", "states", "a_name_that_is_rather_long", "conv_bn"))

    def _commas(self, make: Callable[[], str]) -> str:
        made = [make() for _ in range(self.rng.choice((0, 1, 1, 2, 3, 6)))]
        return ", ".join(made) + "," * (bool(made) and self._happens(0.2))

    def _keyword(self, depth: int) -> str:
        return f"{self._name()}={self._value(depth)}"

    def _value(self, depth: int) -> str:
        if depth > 0 and self._happens(0.3):
            return f"{self._value(depth - 1)} |> {self._call(depth - 1)}"
        if depth > 0 and self._happens(0.2):
            return f"choose {self._name()} from {self._simple(depth - 1)}"
        return self._simple(depth)

    def _simple(self, depth: int) -> str:
        """What may stand beside ``or``."""
        if depth > 0 and self._happens(0.3):
            operator = self.rng.choice(("+", "-", "*", "//", "%", "or", "and"))
            return f"{self._atom(depth - 1)} {operator} {self._atom(depth - 1)} {operator} {self._atom(0)}"
        return self._atom(depth)

    def _atom(self, depth: int) -> str:
        if depth <= 0:
            return self.rng.choice(
                ("x", "0.5M", "-3", '"text # in quotes"', "states[1..]", "true", self._name())
            )
        form = self.rng.choice(_FORMS)
        return form(self, depth - 1)

    def _call(self, depth: int) -> str:
        tensors = self._commas(lambda: self._value(depth - 1))
        statics = self._commas(lambda: self._keyword(depth - 1)) if self._happens(0.5) else ""
        separator = "; " if statics or self._happens(0.3) else ""
        label = " as label" if self._happens(0.2) else ""
        return f"{self._name()}({tensors}{separator}{statics}){label}"


_FORMS: tuple[Callable[[Any, int], str], ...] = (
    lambda p, d: f"({p._value(d)})",
    lambda p, d: f"({p._value(d)},)",
    lambda p, d: f"[{p._commas(lambda: p._value(d))}]",
    lambda p, d: f"[{p._commas(lambda: p._atom(0))}]",
    lambda p, d: f"[{p._value(d)} for i, (a, b) in {p._simple(d)} if {p._simple(0)}]",
    lambda p, d: f"if {p._simple(0)} {{ {p._value(d)} }} else if x {{ x }} else {{ {p._value(d)} }}",
    lambda p, d: f"choose {p._name()} {{ a: {p._value(d)}, op: {p._value(d)} when x any: x }}",
    lambda p, d: p._call(d),
    lambda p, d: f"{p._call(d)}[{p._value(d)}]",
)
"""Operands with operands in them, from the program and how deeply these are nested."""


def remarks(text: str) -> list[tuple[str, int, bool]]:
    """Every comment with the number of tokens before it and whether it stands on a line of its own.

    Commas and semicolons do not count: formatting adds some, leaves out others and moves comments past them.
    Of several comments in a row only the first can stand behind a token.
    """
    found: list[tuple[str, int, bool]] = []
    count, own_line = 0, True
    for token in TOKEN.findall(text):
        if token.isspace():
            own_line |= "\n" in token
        elif token.startswith("#"):
            again = bool(found) and found[-1][1] == count
            found.append((token.rstrip(), count, own_line or again))
        else:
            count, own_line = count + (token not in (",", ";")), False
    return found


def shape(node: Any) -> Any:
    """A syntax tree as nested tuples without spans, to be compared."""
    if isinstance(node, File):
        return tuple(shape(part) for part in (node.imports, node.requires, node.definitions))
    if isinstance(node, tuple):
        return tuple(shape(part) for part in node)
    if isinstance(node, Node):
        values = (getattr(node, f.name) for f in fields(node) if f.name != "span")
        return (type(node).__name__, *(shape(value) for value in values))
    return (type(node).__name__, node)
