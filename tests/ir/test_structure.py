"""Laws of the structural hash, each checked with the exact equality beside it."""

import random
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from generators import modules
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ir_texts import TINY

from drawloom.ir import (
    Constraint,
    Decision,
    Function,
    FunctionBuilder,
    Module,
    Operation,
    TensorType,
    UserError,
    Value,
    index_of,
    parse_module,
    structural_hash,
    structurally_equal,
    value_of,
)
from drawloom.ir.expression import equal

IMAGE = TensorType((4, 8, 8))
Build = Callable[[FunctionBuilder, Value], Value]


def network(build: Build, decisions: tuple[Decision, ...] = (), name: str = "m") -> Module:
    b = FunctionBuilder(name, "network")
    f = b.finish([build(b, b.input(IMAGE, "x"))])
    return Module(name, {name: f}, {d.name: d for d in decisions})


def conv(b: FunctionBuilder, x: Value, param: str, **attributes: object) -> Value:
    return b.op("conv2d", [x], {"out": 4, "kernel": 3, "pad": 1, "param": param, **attributes})


def alike(a: Module, b: Module) -> bool:
    """Whether the hashes are equal, after checking that the exact comparison agrees."""
    same = structural_hash(a) == structural_hash(b)
    assert structurally_equal(a, b) is same
    return same


def renamed(module: Module, prefix: str, seed: int) -> Module:
    """The same module under other names, its operations in another order."""
    rng = random.Random(seed)
    functions: dict[str, Function] = {}
    for function in module.functions.values():
        inputs = tuple(Value(v.type, i, f"i{rng.random()}") for i, v in enumerate(function.inputs))
        values = dict(zip(map(id, function.inputs), inputs, strict=True))
        left, operations = list(function.operations), []
        while left:
            ready = [op for op in left if all(id(v) in values for v in op.operands)]
            op = rng.choice(ready)
            left.remove(op)
            attributes = dict(op.attributes)
            if "param" in attributes:
                attributes["param"] = f"{prefix}{attributes['param']}"
            if "callee" in attributes:
                attributes["callee"] = prefix + attributes["callee"]
            order = list(range(len(op.operands)))
            if op.name in ("sum", "add", "mul"):
                rng.shuffle(order)
            presence = tuple(op.presence[i] for i in order) if op.presence else ()
            operands = tuple(values[id(op.operands[i])] for i in order)
            made = Operation(op.definition, operands, attributes, [v.type for v in op.results], presence)
            values.update(zip(map(id, op.results), made.results, strict=True))
            operations.append(made)
        outputs = tuple(values[id(v)] for v in function.outputs)
        name = prefix + function.name
        functions[name] = Function(name, function.kind, inputs, tuple(operations), outputs)
    return Module(prefix, functions, dict(module.decisions), module.constraints)


def inlined(module: Module) -> Module:
    """The module as one function."""
    operations: list[Operation] = []

    def walk(function: Function, arguments: list[Value], prefix: str) -> list[Value]:
        values = dict(zip(map(id, function.inputs), arguments, strict=True))
        for op in function.operations:
            given = [values[id(v)] for v in op.operands]
            path = ".".join(p for p in (prefix, op.param or "") if p)
            if op.name == "call":
                results = walk(module.functions[op.attributes["callee"]], given, path)
            else:
                attributes = dict(op.attributes)
                if op.definition.has_weights:
                    attributes["param"] = path
                made = Operation(
                    op.definition, tuple(given), attributes, [v.type for v in op.results], op.presence
                )
                operations.append(made)
                results = list(made.results)
            values.update(zip(map(id, op.results), results, strict=True))
        return [values[id(v)] for v in function.outputs]

    inputs = tuple(Value(v.type, i) for i, v in enumerate(module.entry.inputs))
    outputs = walk(module.entry, list(inputs), "")
    flat = Function("flat", "network", inputs, tuple(operations), tuple(outputs))
    return Module("flat", {"flat": flat}, dict(module.decisions), module.constraints)


@given(st.booleans().flatmap(lambda resolved: modules(resolved=resolved)), st.integers(0, 1000))
@settings(max_examples=100)
def test_names_order_and_borders_of_functions_do_not_matter(module: Module, seed: int) -> None:
    assert alike(module, renamed(module, "other_", seed))
    assert alike(module, inlined(module))


@given(modules(resolved=True), modules(resolved=True))
@settings(max_examples=100)
def test_hashes_agree_with_equality(a: Module, b: Module) -> None:
    alike(a, b)


@given(modules(resolved=True), st.data())
@settings(max_examples=100)
def test_a_changed_live_attribute_changes_the_hash(module: Module, data: st.DataObject) -> None:
    flat = inlined(module)
    needed = {id(v) for v in flat.entry.outputs}
    live = []
    for op in reversed(flat.entry.operations):
        if id(op.result) in needed:
            needed |= {id(v) for v in op.operands}
            live.append(op)
    changeable = [op for op in live if op.name == "conv2d"]
    assume(changeable)
    op = data.draw(st.sampled_from(changeable))
    before = structural_hash(flat)
    op.attributes["bias"] = not op.attributes["bias"]
    changed = Module(
        "m", {"f": Function("f", "network", flat.entry.inputs, flat.entry.operations, flat.entry.outputs)}
    )
    assert structural_hash(changed) != before


def test_dead_code_and_unused_functions_do_not_matter() -> None:
    def with_dead(b: FunctionBuilder, x: Value) -> Value:
        conv(b, x, "dead")
        return conv(b, x, "a")

    plain = network(lambda b, x: conv(b, x, "a"))
    assert alike(plain, network(with_dead))
    unused = FunctionBuilder("unused", "block")
    f = unused.finish([unused.input(IMAGE)])
    assert alike(plain, Module("m", {"unused": f, **plain.functions}))


def test_an_unused_result_of_a_call_keeps_nothing_alive() -> None:
    callee = FunctionBuilder("f", "block")
    x = callee.input(IMAGE)
    f = callee.finish([conv(callee, x, "a"), conv(callee, x, "b", bias=True)])
    caller = FunctionBuilder("m", "network")
    first = caller.finish([caller.call(f, [caller.input(IMAGE)], "p")[0]])
    assert alike(Module("m", {"f": f, "m": first}), network(lambda b, x: conv(b, x, "q")))


def test_a_shared_convolution_is_not_two_equal_ones() -> None:
    one = network(lambda b, x: b.op("add", [y := conv(b, x, "a"), y]))
    two = network(lambda b, x: b.op("add", [conv(b, x, "a"), conv(b, x, "b")]))
    tied = network(lambda b, x: b.op("add", [conv(b, x, "a"), conv(b, x, "a")]))
    assert not alike(one, two)
    assert alike(one, tied)
    assert alike(two, network(lambda b, x: b.op("add", [conv(b, x, "z"), conv(b, x, "a")])))


def test_weights_shared_along_a_chain() -> None:
    tied = network(lambda b, x: conv(b, conv(b, x, "a"), "a"))
    free = network(lambda b, x: conv(b, conv(b, x, "a"), "b"))
    assert not alike(tied, free)
    assert alike(free, network(lambda b, x: conv(b, conv(b, x, "b"), "a")))


def test_which_of_two_equal_convolutions_is_read_where() -> None:
    def build(pairs: list[tuple[int, int]]) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            c = [conv(b, x, f"c{i}") for i in range(4)]
            heads = [b.op("relu", [b.op("concat", [c[i], c[j]])]) for i, j in pairs]
            return b.op("sum", heads)

        return network(wired)

    assert alike(build([(0, 1), (2, 3)]), build([(3, 1), (0, 2)]))
    assert not alike(build([(0, 1), (2, 3)]), build([(0, 1), (1, 2)]))
    assert not alike(build([(0, 1), (1, 0)]), build([(0, 1), (0, 1)]))
    assert not alike(build([(0, 1), (1, 2), (2, 0)]), build([(0, 1), (1, 2), (0, 2)]))


def test_equal_branches_and_crossed_ones() -> None:
    def build(first: str, second: str) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            a, c = conv(b, x, "a"), conv(b, x, "c")
            left = b.op("mul", [conv(b, a, "f"), conv(b, a if first == "a" else c, "g")])
            right = b.op("mul", [conv(b, c, "h"), conv(b, c if second == "c" else a, "i")])
            return b.op("add", [left, right])

        return network(wired)

    assert alike(build("c", "a"), build("c", "a"))
    assert not alike(build("a", "c"), build("c", "a"))
    assert not alike(build("a", "c"), build("c", "c"))


def products(edges: list[tuple[int, int]]) -> Module:
    """Six equal convolutions of one input, multiplied along the edges of a graph, and the sum of that."""

    def wired(b: FunctionBuilder, x: Value) -> Value:
        c = [conv(b, x, f"c{i}") for i in range(6)]
        return b.op("sum", [b.op("mul", [c[i], c[j]]) for i, j in edges])

    return network(wired)


def ring(*nodes: int) -> list[tuple[int, int]]:
    return [(node, nodes[i - 1]) for i, node in enumerate(nodes)]


def test_rings() -> None:
    assert not alike(products(ring(0, 1, 2, 3, 4, 5)), products(ring(0, 1, 2) + ring(3, 4, 5)))
    assert alike(products(ring(0, 1, 2, 3, 4, 5)), products(ring(5, 0, 2, 1, 3, 4)))
    assert alike(products(ring(0, 1, 2) + ring(3, 4, 5)), products(ring(5, 1, 3) + ring(0, 4, 2)))


def test_connected_regular_graphs_are_the_known_limit_of_the_hash_and_not_of_equality() -> None:
    bipartite = products([(i, j) for i in range(3) for j in range(3, 6)])
    prism = products([*ring(0, 1, 2), *ring(3, 4, 5), (0, 3), (1, 4), (2, 5)])
    assert structural_hash(bipartite) == structural_hash(prism)
    assert not structurally_equal(bipartite, prism)


def test_many_equal_branches_are_compared_quickly() -> None:
    def build(names: str) -> Module:
        return network(lambda b, x: b.op("sum", [conv(b, conv(b, x, f"{n}1"), f"{n}2") for n in names]))

    assert alike(build("abcdefghijklmnop"), build("ponmlkjihgfedcba"))
    assert not alike(build("abcdefghijklmnop"), build("abcdefghijklmno"))


def test_sum_is_a_multiset_and_concat_is_a_list() -> None:
    def of(name: str, order: list[int], times: int = 1) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            values = [x, b.op("relu", [x]), conv(b, x, "c")]
            return b.op(name, [values[i] for i in order] * times)

        return network(wired)

    assert alike(of("sum", [0, 1, 2]), of("sum", [2, 0, 1]))
    assert not alike(of("sum", [0, 1]), of("sum", [0, 1], times=2))
    assert not alike(of("concat", [0, 1, 2]), of("concat", [2, 0, 1]))


def test_presence_goes_with_its_operand() -> None:
    p = Decision("p", ((0,), (1,), (0, 1)))
    has = [equal(value_of(p), domain) for domain in p.domain]

    def of(order: list[int], conditions: list[int]) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            values = [x, b.op("relu", [x])]
            return b.op("sum", [values[i] for i in order], presence=[has[i] for i in conditions])

        return network(wired, (p,))

    assert alike(of([0, 1], [0, 1]), of([1, 0], [1, 0]))
    assert not alike(of([0, 1], [0, 1]), of([1, 0], [0, 1]))


def test_decisions_count_by_name_and_domain() -> None:
    def space(decision: Decision, *more: Decision) -> Module:
        build: Build = lambda b, x: b.choice([x, b.op("relu", [x])], index_of(decision))  # noqa: E731
        return network(build, (decision, *more))

    base = space(Decision("a", (1, 2)))
    assert alike(base, space(Decision("a", (1, 2), ("x", "y"))))
    assert not alike(base, space(Decision("b", (1, 2))))
    assert not alike(base, space(Decision("a", (1, 3))))
    assert not alike(base, space(Decision("a", (1, 2)), Decision("z", (1, 2))))
    first = space(Decision("a", (1, 2)), Decision("z", (1, 2)))
    assert alike(first, Module("m", first.functions, dict(reversed(first.decisions.items()))))


def test_constraints_count_in_spaces_and_not_in_networks() -> None:
    space = parse_module(TINY)
    assert not alike(space, Module("m", space.functions, space.decisions))
    resolved = network(lambda b, x: conv(b, x, "a"))
    kept = Module("m", resolved.functions, {}, (Constraint(True, "always"),))
    assert alike(resolved, kept)


def test_input_types_count() -> None:
    def of(*types: TensorType) -> Module:
        b = FunctionBuilder("m", "network")
        inputs = [b.input(t) for t in types]
        return Module("m", {"m": b.finish([b.op("relu", [inputs[0]])])})

    assert not alike(of(IMAGE), of(TensorType((4, 8, 9))))
    assert not alike(of(IMAGE), of(IMAGE, IMAGE))


def test_outputs_are_a_list() -> None:
    def of(order: list[int]) -> Module:
        b = FunctionBuilder("m", "network")
        x = b.input(IMAGE)
        values = [conv(b, x, "a"), b.op("relu", [x])]
        return Module("m", {"m": b.finish([values[i] for i in order])})

    assert not alike(of([0, 1]), of([1, 0]))
    assert not alike(of([0, 1]), of([0]))


def test_the_hash_is_the_same_in_every_process() -> None:
    code = "from drawloom.ir import *; import sys; print(structural_hash(parse_module(sys.stdin.read())))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=TINY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == structural_hash(parse_module(TINY)) == "86a178f69cd47e6f637ee25db4232cfc"


@pytest.mark.parametrize("name", ["add", "mul"])
def test_operands_of_commutative_operations_have_no_order(name: str) -> None:
    first = network(lambda b, x: b.op(name, [x, conv(b, x, "a")]))
    assert alike(first, network(lambda b, x: b.op(name, [conv(b, x, "a"), x])))


def test_twins_that_refinement_tells_apart_count() -> None:
    def doubled(which: int) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            c = [conv(b, x, "a"), conv(b, x, "b")]
            return b.op("add", [b.op("concat", c), b.op("relu", [b.op("concat", [c[which], c[which]])])])

        return network(wired)

    assert not alike(doubled(0), doubled(1))


def test_twins_are_told_apart_by_what_they_read() -> None:
    def paired(pairs: list[tuple[int, int]]) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            c = [conv(b, x, "a"), conv(b, x, "b")]
            f = [conv(b, c[i // 2], f"f{i}") for i in range(4)]
            ordered = b.op("slice", [b.op("concat", c)], {"axis": 0, "begin": 2, "end": 6})
            return b.op("sum", [ordered, *(b.op("mul", [f[i], f[j]]) for i, j in pairs)])

        return network(wired)

    assert not alike(paired([(0, 1), (2, 3)]), paired([(0, 2), (1, 3)]))
    assert alike(paired([(0, 2), (1, 3)]), paired([(1, 2), (3, 0)]))


def of_functions(*cuts: int, prefix: str = "part") -> Module:
    """Convolution, batch norm, relu, convolution, relu, cut into functions at these places."""
    steps: list[tuple[str, dict[str, object]]] = [
        ("conv2d", {"out": 4, "kernel": 3, "pad": 1, "param": "first"}),
        ("batch_norm", {"param": "norm"}),
        ("relu", {}),
        ("conv2d", {"out": 4, "kernel": 1, "param": "second"}),
        ("relu", {}),
    ]
    functions: dict[str, Function] = {}
    caller = FunctionBuilder("m", "network")
    value = caller.input(IMAGE, "x")
    for number, (begin, end) in enumerate(pairwise([0, *cuts, len(steps)])):
        b = FunctionBuilder(f"part{number}", "block")
        inner = b.input(IMAGE, "x")
        for name, attributes in steps[begin:end]:
            inner = b.op(name, [inner], attributes)
        functions[b.name] = b.finish([inner])
        (value,) = caller.call(functions[b.name], [value], prefix and f"{prefix}{number}")
    functions["m"] = caller.finish([value])
    return Module("m", functions)


@pytest.mark.parametrize("cuts", [(1,), (2,), (3,), (4,), (1, 3), (1, 2, 3, 4)])
@pytest.mark.parametrize("prefix", ["part", ""])
def test_borders_of_functions_cut_a_chain_anywhere(cuts: tuple[int, ...], prefix: str) -> None:
    assert alike(of_functions(), of_functions(*cuts, prefix=prefix))
    assert alike(of_functions(*cuts, prefix=prefix), inlined(of_functions(2)))


def test_a_trunk_that_is_read_twice_is_not_two_equal_trunks() -> None:
    def build(trunks: int) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            below = [b.op("batch_norm", [conv(b, x, f"c{i}")], {"param": f"n{i}"}) for i in range(trunks)]
            heads = [conv(b, below[-1], "h0", kernel=1, pad=0), conv(b, below[0], "h1", kernel=5, pad=2)]
            return b.op("add", heads)

        return network(wired)

    assert not alike(build(1), build(2))


@pytest.mark.parametrize("prefix", ["p", ""])
def test_weights_shared_by_two_functions_count(prefix: str) -> None:
    def build(path: str) -> Module:
        b = FunctionBuilder("f", "block")
        f = b.finish([b.op("batch_norm", [conv(b, b.input(IMAGE), "c")], {"param": "n"})])
        caller = FunctionBuilder("m", "network")
        x = caller.input(IMAGE)
        (called,) = caller.call(f, [x], prefix)
        own = caller.op("batch_norm", [conv(caller, x, "q.c")], {"param": path})
        return Module("m", {"f": f, "m": caller.finish([caller.op("add", [called, own])])})

    free, tied = build("q.n"), build("p.n" if prefix else "n")
    assert not alike(free, tied)
    assert alike(tied, inlined(tied))
    assert alike(free, inlined(free))


def test_equal_numbers_are_equal_attributes() -> None:
    def dropped(rate: float) -> Module:
        return network(lambda b, x: b.op("dropout", [x], {"rate": rate}))

    assert alike(dropped(0.0), dropped(-0.0))
    assert alike(dropped(0), dropped(0.0))
    assert not alike(dropped(0), dropped(0.5))


def nested(depth: int, calls: int) -> Module:
    """Functions of which each calls the one before several times in a row, the first a relu."""
    b = FunctionBuilder("f0", "block")
    functions = {"f0": b.finish([b.op("relu", [b.input(IMAGE)])])}
    for i in range(1, depth):
        b = FunctionBuilder(f"f{i}", "network" if i == depth - 1 else "block")
        value = b.input(IMAGE)
        for _ in range(calls):
            (value,) = b.call(functions[f"f{i - 1}"], [value])
        functions[b.name] = b.finish([value])
    return Module("m", functions)


def test_calls_may_nest_deep() -> None:
    assert alike(nested(3000, calls=1), network(lambda b, x: b.op("relu", [x])))


def test_few_functions_that_make_a_network_without_end_are_refused() -> None:
    with pytest.raises(UserError, match="more than 5,000,000 operations"):
        structural_hash(nested(60, calls=2))


def test_a_long_chain() -> None:
    def build(length: int) -> Module:
        def wired(b: FunctionBuilder, x: Value) -> Value:
            for i in range(length):
                x = conv(b, x, f"c{i}")
            return x

        return network(wired)

    assert not alike(build(5000), build(4999))
