"""Whatever the text, the front end says what is wrong with it; it never fails otherwise and never hangs."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from loom_fuzz import TEXTS, TOKENS, accepts_or_explains, mutated


@settings(max_examples=150)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    accepts_or_explains(data.decode("utf-8", errors="replace"))


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    accepts_or_explains(text)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(TOKENS), max_size=60))
def test_any_tokens(tokens: list[str]) -> None:
    accepts_or_explains(" ".join(tokens))


@settings(max_examples=80)
@given(st.sampled_from(sorted(TEXTS)), st.integers(1, 4), st.integers(0, 2**32))
def test_mutated_files(name: str, changes: int, seed: int) -> None:
    accepts_or_explains(mutated(TEXTS[name], changes, seed))


HOSTILE = {
    "minuses": "network n(x: f32[1]) = conv(x; " + "-" * 5000 + "1)",
    "brackets": "network n(x: f32[1]) = " + "[" * 5000,
    "parentheses": "network n(x: f32[1]) = " + "(" * 5000 + "x" + ")" * 5000,
    "digits": "network n(x: f32[1]) = linear(x; " + "9" * 5000 + ")",
    "sum": "network n(x: f32[1]) = x" + " + x" * 3000,
    "pipe": "network n(x: f32[1]) = x" + " |> relu" * 3000,
    "else_if": "network n(x: f32[1]) = " + "if true { x } else " * 3000 + "{ x }",
    "squares": "network n(x: f32[1]) { a = 3 for i in 0..9999 { a = a * a } return x }",
    "doubling": "network n(x: f32[1]) { a = [1] for i in 0..64 { a = a + a } return x }",
    "nested_loops": "network n(x: f32[1]) { for a in 0..9999 { for b in 0..9999 { c = a } } return x }",
    "tower": "".join(f"block f{i}(x) = f{i + 1}(x)\n" for i in range(500))
    + "block f500(x) = x\nnetwork n(x: f32[1]) = f0(x)",
    "tree": "".join(f"block f{i}(x; a=1) = f{i + 1}(f{i + 1}(x; 2 * a); 2 * a + 1)\n" for i in range(30))
    + "block f30(x; a) = x\nnetwork n(x: f32[1]) = f0(x)",
    "expression": "network n(x: f32[1]) { a = choose a from [1, 2] "
    "for i in 0..5000 { a = a + i } return x |> linear(a) }",
    "many_decisions": "network n(x: f32[1]) { for i in 0..9999 { for j in 0..9 "
    "{ a = choose a from [1, 2] } } return x }",
    "lists": "network n(x: f32[1]) { a = [[i for i in 0..9999] for j in 0..9999] return x }",
    "wires": "network n(x: f32[1]) { for i in 0..2000 "
    "{ x = wire(x; graph=erdos_renyi(128, p=1, seed=i), node=relu) } return x }",
    "seeds": "network n(x: f32[1]) = wire(x; graph=watts_strogatz(128, k=64, p=0.5, "
    "seed=choose seed from 0..4096), node=relu)",
    "loose_ends": "network n(x: f32[1]) { xs = [x] for i in 0..400 { a = choose a from xs "
    "xs += [relu(a)] } return sum(loose_ends(xs)) }",
    "cells": "cell c(x; n) = x |> linear(n)\n"
    "network n(x: f32[1]) { for i in 1..9999 { x = c(x; i) } return x }",
}


def test_hostile_texts_are_refused_quickly() -> None:
    for name, text in HOSTILE.items():
        start = time.perf_counter()
        accepts_or_explains(text)
        assert time.perf_counter() - start < 120, name  # a guard against hanging, not a timing
