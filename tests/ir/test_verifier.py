"""Every rule of the verifier catches a module that breaks it, and says where."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from generators import modules
from hypothesis import given
from ir_texts import TINY

from drawloom.ir import (
    OPS,
    Constraint,
    Decision,
    Function,
    FunctionBuilder,
    Module,
    Operation,
    TensorType,
    Value,
    VerificationError,
    index_of,
    parse_module,
    value_of,
    verify,
)
from drawloom.ir.expression import apply

IMAGE = TensorType((4, 8, 8))
K = Decision("k", (3, 5))


def messages(module: Module) -> list[str]:
    with pytest.raises(VerificationError) as caught:
        verify(module)
    return [p.message for p in caught.value.problems]


def network(
    build: Callable[[FunctionBuilder, Value], Value],
    *before: Function,
    decisions: tuple[Decision, ...] = (K,),
) -> Module:
    b = FunctionBuilder("m", "network")
    output = build(b, b.input(IMAGE, "x"))
    functions = {f.name: f for f in (*before, b.finish([output]))}
    return Module("m", functions, {d.name: d for d in decisions})


def raw(
    b: FunctionBuilder,
    name: str,
    operands: tuple[Value, ...],
    attributes: dict[str, object] | None = None,
    **rest: object,
) -> Value:
    """An operation entered without any check, with the type of the image."""
    op = Operation(OPS[name], operands, dict(attributes or {}), [IMAGE], **rest)  # type: ignore[arg-type]
    b.operations.append(op)
    return op.result


def block(name: str = "f") -> Function:
    b = FunctionBuilder(name, "block")
    x = b.input(IMAGE, "x")
    return b.finish([b.op("conv2d", [x], {"out": 4, "kernel": 1, "param": "conv"})])


@given(modules())
def test_generated_modules_are_valid(module: Module) -> None:
    verify(module)


def test_the_error_names_function_and_operation_and_counts() -> None:
    module = network(lambda b, x: raw(b, "relu", (raw(b, "relu", (x, x)),), {"a": 1}))
    with pytest.raises(VerificationError) as caught:
        verify(module)
    text = str(caught.value)
    assert "module @m is not valid: 2 problems" in text
    assert "in @m: %0 = relu %x, %x : f32[4, 8, 8]" in text
    first, second = caught.value.problems
    assert (first.function, first.line) == ("m", "%0 = relu %x, %x : f32[4, 8, 8]")
    assert second.message == "'relu' has no attribute 'a'"


def test_ssa() -> None:
    stray = Value(IMAGE)
    assert messages(network(lambda b, x: raw(b, "relu", (stray,)))) == ["operand 0 is not defined above"]
    assert messages(network(lambda b, x: stray)) == ["output 0 is not defined in the function"]

    def late(b: FunctionBuilder, x: Value) -> Value:
        first = raw(b, "relu", (x,))
        second = raw(b, "relu", (first,))
        b.operations.reverse()
        return second

    assert messages(network(late)) == ["operand 0 is not defined above"]

    def twice(b: FunctionBuilder, x: Value) -> Value:
        y = raw(b, "relu", (x,))
        b.operations.append(b.operations[0])
        return y

    assert messages(network(twice)) == ["result 0 is defined twice"]

    def stolen(b: FunctionBuilder, x: Value) -> Value:
        y = raw(b, "relu", (x,))
        b.operations[0].results = (Value(IMAGE),)
        return y

    assert "result 0 belongs to another operation or position" in messages(network(stolen))


def test_inputs() -> None:
    y = Value(IMAGE, 1)
    f = Function("m", "network", (y, y), (), (y,))
    assert messages(Module("m", {"m": f})) == [
        "input 0 is the result of an operation or has another position",
        "input 1 occurs twice",
    ]
    empty = Function("m", "network", (Value(TensorType((0,))),), (), ())
    assert messages(Module("m", {"m": empty})) == [
        "a dimension of f32[0] is not a positive integer",
        "the function returns nothing",
    ]


def test_functions_and_entry() -> None:
    assert messages(Module("m", {})) == ["the module has no function"]
    assert messages(Module("m", {"f": block()})) == [
        "the last function is the entry and must be a network, not 'block'"
    ]
    valid = network(lambda b, x: x)
    assert messages(replace(valid, functions={"n": valid.entry})) == ["function 'm' is entered as 'n'"]
    odd = Function("g", "layer", valid.entry.inputs, (), valid.entry.outputs)
    assert messages(replace(valid, functions={"g": odd, **valid.functions})) == [
        "'layer' is no kind of function: op, block, cell, network"
    ]


def test_calls() -> None:
    assert messages(network(lambda b, x: b.call(block(), [x], "f")[0])) == ["unknown function '@f'"]

    module = network(lambda b, x: b.call(block(), [x], "f")[0], block())
    verify(module)
    late = replace(module, functions=dict(reversed(module.functions.items())))
    assert "'@f' stands after its caller" in messages(late)
    recursive = network(lambda b, x: raw(b, "call", (x,), {"callee": "m", "param": ""}))
    assert messages(recursive) == ["'@m' stands after its caller"]
    calls = {"callee": "f", "param": ""}
    assert messages(network(lambda b, x: raw(b, "call", (x, x), dict(calls)), block())) == [
        "'@f' takes 1 tensors, got 2"
    ]
    assert messages(network(lambda b, x: raw(b, "call", (x,), {"callee": "f"}), block())) == [
        "a call has the attributes 'callee' and 'param', both texts"
    ]

    def other_input(b: FunctionBuilder, x: Value) -> Value:
        small = b.op("max_pool", [x], {"kernel": 2, "stride": 2})
        return raw(b, "call", (small,), dict(calls))

    assert messages(network(other_input, block())) == ["operand 0 is f32[4, 4, 4], '@f' takes f32[4, 8, 8]"]

    def other_result(b: FunctionBuilder, x: Value) -> Value:
        y = raw(b, "call", (x,), dict(calls))
        y.type = TensorType((5, 8, 8))
        return y

    assert messages(network(other_result, block())) == ["'@f' returns f32[4, 8, 8]"]


def test_attributes() -> None:
    assert messages(network(lambda b, x: raw(b, "softmax", (x,)))) == [
        "'softmax' lacks the default of 'axis'"
    ]
    assert messages(network(lambda b, x: raw(b, "dropout", (x,)))) == ["'dropout' needs 'rate'"]
    assert messages(network(lambda b, x: raw(b, "softmax", (x,), {"axis": "a"}))) == [
        "'axis' is an integer, got a text"
    ]
    assert messages(network(lambda b, x: raw(b, "zeros_like", (x,), {"stride": 1}))) == [
        "'stride' is not in its full form (a pair for each spatial axis)"
    ]
    assert "axis" in messages(network(lambda b, x: raw(b, "softmax", (x,), {"axis": 7})))[0]


def test_arity() -> None:
    assert messages(network(lambda b, x: raw(b, "relu", (x, x)))) == ["'relu' takes 1 operands, got 2"]
    assert messages(network(lambda b, x: raw(b, "sum", ()))) == ["'sum' needs an operand"]


def test_presence() -> None:
    present = value_of(Decision("p", (True, False)))
    decisions = (Decision("p", (True, False)), K)

    def with_presence(name: str, *presence: object) -> list[str]:
        attributes = {"selector": 0} if name == "choice" else {}
        return messages(
            network(lambda b, x: raw(b, name, (x,), attributes, presence=presence), decisions=decisions)
        )

    verify(network(lambda b, x: raw(b, "sum", (x,), presence=(present,)), decisions=decisions))
    assert with_presence("relu", present) == ["'relu' has presence, which only list operations have"]
    assert with_presence("choice", present) == ["'choice' has presence, which only list operations have"]
    assert with_presence("sum", present, present) == ["2 presences for 1 operands"]
    assert with_presence("sum", value_of(K)) == ["a presence is not true or false"]


def test_types_are_those_that_operations_compute() -> None:
    def wrong(b: FunctionBuilder, x: Value) -> Value:
        y = b.op("relu", [x])
        y.type = TensorType((4, 8, 9))
        return y

    assert messages(network(wrong)) == ["the type is f32[4, 8, 8], not f32[4, 8, 9]"]

    def other_form(b: FunctionBuilder, x: Value) -> Value:
        y = b.op("conv2d", [x], {"out": value_of(K) * 2, "kernel": 1, "param": "c"})
        y.type = TensorType((value_of(K) + value_of(K), 8, 8))
        return y

    verify(network(other_form))

    def half(b: FunctionBuilder, x: Value) -> Value:
        return b.op("conv2d", [x], {"out": value_of(K), "kernel": 1, "param": "c"})

    ratio = Decision("k", (3.5, 5.0))
    bad = network(
        lambda b, x: b.op("conv2d", [x], {"out": value_of(ratio), "kernel": 1, "param": "c"}),
        decisions=(ratio,),
    )
    assert messages(bad) == [
        "'out' is an integer, got a number",
        "a dimension of f32[@k, 8, 8] is not a positive integer",
    ]
    verify(network(half))


def test_decisions() -> None:
    used = network(lambda b, x: b.choice([x, b.op("relu", [x])], index_of(K)))
    verify(used)
    assert messages(replace(used, decisions={})) == ["decision 'k' is not declared"]
    other = Decision("k", (3, 7))
    assert messages(replace(used, decisions={"k": other})) == [
        "decision 'k' is used with another domain than declared"
    ]
    assert messages(replace(used, decisions={"k": K, "l": replace(K, name="j")})) == [
        "decision 'j' is entered as 'l'"
    ]
    assert "decision 'l' has fewer than two values" in messages(
        replace(used, decisions={"k": K, "l": Decision("l", (1,))})
    )
    assert "decision 'l' has a value twice" in messages(
        replace(used, decisions={"k": K, "l": Decision("l", (1, 1))})
    )
    f = used.entry
    told = Function(f.name, f.kind, f.inputs, f.operations, f.outputs, {"n": value_of(Decision("z", (1, 2)))})
    assert messages(replace(used, functions={"m": told})) == [
        "in the static arguments: decision 'z' is not declared"
    ]


def test_decisions_in_presence_and_types() -> None:
    z = Decision("z", (True, False))
    module = network(lambda b, x: raw(b, "sum", (x,), presence=(value_of(z),)))
    assert messages(module) == ["decision 'z' is not declared"]
    typed = Value(TensorType((value_of(Decision("w", (1, 2))),)))
    assert messages(Module("m", {"m": Function("m", "network", (typed,), (), (typed,))})) == [
        "decision 'w' is not declared"
    ]


def test_constraints() -> None:
    valid = network(lambda b, x: x)
    number = Constraint(value_of(K), "k")
    assert messages(replace(valid, constraints=(number,))) == ["the condition of 'k' is not true or false"]
    stray = Constraint(apply("<", value_of(Decision("z", (1, 2))), 2), "z")
    assert messages(replace(valid, constraints=(stray,))) == ["decision 'z' is not declared"]


def test_selectors_stay_in_range() -> None:
    def choose(selector: object) -> Module:
        return network(lambda b, x: raw(b, "choice", (x, x), {"selector": selector}))

    verify(choose(index_of(K)))
    assert messages(choose(value_of(K))) == ["the selector can be outside of the 2 alternatives"]
    assert messages(choose(2)) == ["the selector can be outside of the 2 alternatives"]
    assert messages(choose(index_of(K) - 1)) == ["the selector can be outside of the 2 alternatives"]


def conv(b: FunctionBuilder, x: Value, param: str, kernel: int = 3) -> Value:
    return b.op("conv2d", [x], {"out": 4, "kernel": kernel, "pad": kernel // 2, "param": param})


def test_weight_paths() -> None:
    verify(network(lambda b, x: conv(b, conv(b, x, "c"), "c")))
    clash = ["the weights 'c' belong to two different operations"]
    assert messages(network(lambda b, x: conv(b, conv(b, x, "c"), "c", kernel=5))) == clash
    assert messages(network(lambda b, x: b.op("batch_norm", [conv(b, x, "c")], {"param": "c"}))) == clash
    # a path below another operation's is another path
    verify(network(lambda b, x: conv(b, conv(b, x, "c"), "c.d", kernel=5)))


def test_weight_paths_through_calls() -> None:
    def called(first: str, second: str) -> Module:
        def build(b: FunctionBuilder, x: Value) -> Value:
            (y,) = b.call(block(), [x], first)
            return b.call(other, [y], second)[0]

        b = FunctionBuilder("g", "block")
        other = b.finish([conv(b, b.input(IMAGE), "conv")])
        return network(build, block(), other)

    verify(called("a", "b"))
    assert messages(called("a", "a")) == ["the weights 'a.conv' belong to two different operations"]
    assert messages(called("", "")) == ["the weights 'conv' belong to two different operations"]
    # the paths meet although the components are cut differently
    nested = network(lambda b, x: conv(b, b.call(block(), [x], "a.b")[0], "a.b.conv", kernel=5), block())
    assert messages(nested) == ["the weights 'a.b.conv' belong to two different operations"]
    # two calls of one function under one path share all weights
    verify(network(lambda b, x: b.call(block(), [b.call(block(), [x], "a")[0]], "a")[0], block()))


def test_a_parsed_module_points_into_its_text() -> None:
    module = parse_module(TINY.replace("index(@main.kernel)", "index(@main.kernel) + 1"), check=False)
    with pytest.raises(VerificationError) as caught:
        verify(module)
    (problem,) = caught.value.problems
    assert problem.span is not None
    assert problem.span.text.startswith("%0 = choice")
