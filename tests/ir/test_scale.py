"""Long and deep modules: nothing takes more steps than there are operations, nothing recurses.

Where steps are counted, a module four times as long may take four times as many calls of Python functions,
and a little more; timings would say the same and not be repeatable.
"""

import sys
from collections.abc import Callable

import pytest
from steps import steps

from drawloom.frontend.load import elaborate
from drawloom.ir import (
    DiagnosticError,
    FunctionBuilder,
    Module,
    Source,
    TensorType,
    parse_module,
    print_module,
    structural_hash,
    verify,
)
from drawloom.ir.text import FreeNames
from drawloom.passes import canonicalize, dce, resolve

VECTOR = TensorType((8,))


def chain(length: int) -> Module:
    """Operations in a row, all of whose results ask for one name."""
    b = FunctionBuilder("m", "network")
    x = b.input(VECTOR, "h")
    for i in range(length // 2):
        x = b.op("linear", [x], {"out": 8, "param": f"p{i}"}, names=("h",))
        x = b.op("relu", [x], names=("h",))
    return Module("m", {"m": b.finish([x])})


def nested(depth: int) -> Module:
    """Functions of which each calls the one before."""
    b = FunctionBuilder("f0", "op")
    functions = {"f0": b.finish([b.op("relu", [b.input(VECTOR)])])}
    for i in range(1, depth):
        b = FunctionBuilder(f"f{i}", "network" if i == depth - 1 else "block")
        functions[b.name] = b.finish(b.call(functions[f"f{i - 1}"], [b.input(VECTOR)], f"c{i}"))
    return Module("m", functions)


def lines(count: int) -> str:
    """A network in the language, one operation with weights a line."""
    body = "\n".join(["x = x |> linear(8)"] * count)
    return f"network n(x: f32[8]) {{\n{body}\nreturn x }}"


STEPS: dict[str, Callable[[Module], object]] = {
    "print": print_module,
    "verify": verify,
    "hash": structural_hash,
    "canonicalize": canonicalize,
    "dce": dce,
    "resolve": lambda m: resolve(m, {}),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_grow_with_the_operations(name: str) -> None:
    step = STEPS[name]
    step(chain(20))
    short, long = chain(150), chain(600)
    assert steps(lambda: step(long)) < 4.5 * steps(lambda: step(short))


def test_reading_grows_with_the_text() -> None:
    short, long = print_module(chain(150)), print_module(chain(600))
    assert steps(lambda: parse_module(long)) < 4.5 * steps(lambda: parse_module(short))


def test_elaborating_grows_with_the_lines() -> None:
    elaborate(Source("first.loom", lines(1)))
    short, long = Source("s.loom", lines(250)), Source("l.loom", lines(1000))
    assert steps(lambda: elaborate(long)) < 4.5 * steps(lambda: elaborate(short))


def test_many_of_one_name_are_numbered_in_as_many_steps() -> None:
    asked = 0
    taken: set[str] = set()

    def is_taken(name: str) -> bool:
        nonlocal asked
        asked += 1
        return name in taken

    names = FreeNames(is_taken)
    for _ in range(1000):
        taken.add(names.of("h"))
    assert len(taken) == 1000
    assert {"h", "h_1", "h_999"} <= taken
    assert asked < 3000


@pytest.mark.parametrize("name", STEPS)
def test_functions_may_nest_deeper_than_python(name: str) -> None:
    STEPS[name](nested(2 * sys.getrecursionlimit()))


def test_deep_modules_round_trip() -> None:
    text = print_module(nested(2 * sys.getrecursionlimit()))
    assert print_module(parse_module(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "module @m {" + "(" * 50_000,
        "module @m { network @m(%x: f32[" + "(" * 50_000,
        "module @m { network @m(%x: f32[8]) {a=" + "[" * 50_000,
        "module @m { network @m(%x: f32[" + "-" * 50_000 + "8]) -> f32[8] {",
        "module @m { require " + "not " * 50_000 + 'true, "x"',
        "module @m { " + "network " * 50_000,
        "#" * 100_000,
        '"' * 50_001,
        "@" * 50_000,
    ],
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(DiagnosticError):
        parse_module(text)
