"""The fast path to a network is the pipeline assign, canonicalize, dce."""

import gc
from dataclasses import replace

import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawloom.ir import (
    Constraint,
    Decision,
    Function,
    FunctionBuilder,
    Module,
    TensorType,
    UserError,
    index_of,
    parse_module,
    print_module,
    structural_hash,
    structurally_equal,
    value_of,
    verify,
    walk,
)
from drawloom.ir.expression import apply
from drawloom.passes import (
    PassManager,
    Resolver,
    assign,
    canonicalize,
    dce,
    decide,
    decided,
    resolve,
    sample,
)
from drawloom.passes.skeleton import skeleton_key


@st.composite
def candidates(draw):
    module = draw(modules())
    return module, draw(assignments(module))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(candidates())
def test_resolving_is_assigning_canonicalizing_and_removing_dead_code(candidate):
    module, assignment = candidate
    fast = resolve(module, assignment)
    slow = dce(canonicalize(assign(module, assignment)))
    verify(fast)
    verify(slow)
    assert structurally_equal(fast, slow)
    assert print_module(fast) == print_module(slow)


@pytest.mark.parametrize("few", [4096, 2])
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_remembered_functions_do_not_leak_between_candidates(few, data):
    module = data.draw(modules())
    chosen = data.draw(st.lists(assignments(module), min_size=2, max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decided, "_LIMIT", few)
        first = [print_module(resolve(module, a)) for a in chosen]
        again = [print_module(resolve(module, a)) for a in reversed(chosen)]
        third = [print_module(resolve(module, a)) for a in chosen]
    fresh = [print_module(resolve(replace(module), a)) for a in chosen]
    assert first == again[::-1]
    assert first == third == fresh


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(modules(resolved=True))
def test_a_network_resolves_to_its_simplest_form_and_stays_there(module):
    once = resolve(module, {})
    verify(once)
    assert structurally_equal(once, dce(canonicalize(module)))
    assert print_module(resolve(once, {})) == print_module(once)


@pytest.mark.parametrize("name", ["mobile_fashion", "darts"])
def test_the_spaces_of_the_zoo(zoo_space, name):
    module = zoo_space(name)
    hashes = set()
    for assignment in sample(module, 20, seed=3).assignments():
        network = resolve(module, assignment)
        verify(network)
        assert structurally_equal(network, decide(module, assignment))
        hashes.add(structural_hash(network))
    assert len(hashes) > 15


def test_the_pass_does_what_the_function_does(small_space):
    text = "kernel=5,arm=pool"
    network = PassManager.from_text(f"resolve{{{text}}}").run(small_space)
    pipeline = PassManager.from_text(f"assign{{{text}}},canonicalize,dce").run(small_space)
    assert print_module(network) == print_module(pipeline)


def test_a_missing_decision_is_named(small_space):
    with pytest.raises(UserError, match="decision 'arm' is not assigned"):
        resolve(small_space, {"kernel": 3})


def test_an_unknown_decision_is_named_with_the_nearest(small_space):
    with pytest.raises(UserError) as caught:
        resolve(small_space, {"kernal": 3, "arm": "pool"})
    assert "kernal" in str(caught.value)
    assert "kernel" in str(caught.value)


def _checked_space(filters: bool) -> Module:
    a, b = Decision("a", (4, 8)), Decision("b", (4, 8))
    builder = FunctionBuilder("main", "network")
    x = builder.input(TensorType((4, 6, 6)), "x")
    p = builder.op("conv2d", [x], {"out": value_of(a), "kernel": 1, "param": "p"})
    q = builder.op("conv2d", [x], {"out": value_of(b), "kernel": 1, "param": "q"})
    entry = builder.finish([p, q])
    check = Constraint(apply("==", value_of(a), value_of(b)), "the widths differ", filters)
    return Module("checked", {"main": entry}, {"a": a, "b": b}, (check,))


def test_a_violated_check_is_an_error_of_the_space():
    module = _checked_space(filters=False)
    assert resolve(module, {"a": 4, "b": 4}).constraints == ()
    for run in (resolve, decide):
        with pytest.raises(UserError, match="the widths differ"):
            run(module, {"a": 4, "b": 8})


def test_a_violated_requirement_is_kept_and_can_be_seen():
    module = _checked_space(filters=True)
    assert [c.condition for c in resolve(module, {"a": 4, "b": 8}).constraints] == [False]
    assert resolve(module, {"a": 8, "b": 8}).constraints == ()


def test_a_decision_without_effect_vanishes():
    k, arm = Decision("k", (3, 5)), Decision("arm", ("conv", "skip"))
    builder = FunctionBuilder("main", "network")
    x = builder.input(TensorType((4, 6, 6)), "x")
    kernel = value_of(k)
    h = builder.op("conv2d", [x], {"out": 4, "kernel": kernel, "pad": kernel // 2, "param": "conv"})
    module = Module(
        "m", {"main": builder.finish([builder.choice([h, x], index_of(arm))])}, {"k": k, "arm": arm}
    )
    hashes = {structural_hash(resolve(module, {"k": v, "arm": "skip"})) for v in (3, 5)}
    assert len(hashes) == 1
    assert len({structural_hash(resolve(module, {"k": v, "arm": "conv"})) for v in (3, 5)}) == 2


def _caller_of(inner: Function) -> Function:
    """A function without decisions around one that has some; it reads both results."""
    builder = FunctionBuilder("outer", "block")
    x, y = (builder.input(TensorType((4, 6, 6)), name) for name in "xy")
    first, second = builder.call(inner, [x, y], "inner")
    return builder.finish([builder.op("add", [first, builder.op("relu", [second])]), second])


def _nested_space() -> Module:
    """A callee that, as decided, reads both inputs or one, passes one on, or gives zeros."""
    arm, kernel = Decision("arm", ("both", "x", "pass", "none")), Decision("kernel", (1, 3))
    builder = FunctionBuilder("inner", "block")
    x, y = (builder.input(TensorType((4, 6, 6)), name) for name in "xy")
    size = value_of(kernel)
    conv = builder.op("conv2d", [x], {"out": 4, "kernel": size, "pad": size // 2, "param": "conv"})
    arms = [builder.op("add", [conv, y]), conv, x, builder.op("zeros_like", [y])]
    inner = builder.finish([builder.choice(arms, index_of(arm)), builder.op("tanh", [x])])
    outer = _caller_of(inner)
    builder = FunctionBuilder("before", "op")
    before = builder.finish([builder.op("relu", [builder.input(TensorType((4, 6, 6)), "x")])])
    builder = FunctionBuilder("main", "network")
    x = builder.input(TensorType((4, 6, 6)), "x")
    (y,) = builder.call(before, [x])
    h, h2 = builder.call(outer, [x, y], "a")
    h, _ = builder.call(outer, [h2, h], "b")
    entry = builder.finish([h])
    return Module(
        "nested", {f.name: f for f in (inner, outer, before, entry)}, {"arm": arm, "kernel": kernel}
    )


def test_callers_follow_what_happens_in_their_callees():
    module = _nested_space()
    every = [{"arm": arm, "kernel": k} for k in (1, 3) for arm in ("both", "x", "pass", "none")]
    for assignment in [*every, *reversed(every)]:
        network = resolve(module, assignment)
        verify(network)
        assert print_module(network) == print_module(decide(module, assignment))
        assert structurally_equal(network, canonicalize(assign(module, assignment)))
        assert {visit.function.name for visit in walk(network)} == set(network.functions)


def test_callers_without_decisions_are_shared_by_candidates():
    module = _nested_space()
    one, other = (resolve(module, {"arm": "both", "kernel": k}) for k in (1, 3))
    assert one.functions["inner"] is not other.functions["inner"]
    assert one.functions["outer"] is other.functions["outer"]
    assert structural_hash(one) != structural_hash(other)
    for network in (one, other):
        assert structural_hash(network) == structural_hash(parse_module(print_module(network)))


def test_of_many_decisions_what_comes_back_is_remembered(zoo_space):
    resolver = Resolver(zoo_space("darts"))
    (assignment,) = sample(resolver.module, 1, seed=5).assignments()
    first, second, third = (resolver.resolve(assignment) for _ in range(3))
    assert first.functions["dag"] is not second.functions["dag"]
    assert second.functions.keys() == third.functions.keys()
    assert all(f is third.functions[name] for name, f in second.functions.items())
    assert print_module(first) == print_module(second) == print_module(decide(resolver.module, assignment))


def test_random_candidates_of_a_large_space_leave_no_functions_behind(zoo_space):
    resolver = Resolver(zoo_space("darts"))
    sizes = []
    for seed in range(3):
        for assignment in sample(resolver.module, 30, seed=seed).assignments():
            resolver.resolve(assignment)
        gc.collect()
        sizes.append(sum(type(o) is Function for o in gc.get_objects()))
    # a candidate has about twenty functions; of few decisions are the operations in the cells
    assert sizes[2] - sizes[1] < 30


def test_cells_of_the_zoo_share_their_skeletons(zoo_space):
    functions = zoo_space("darts").functions.values()
    cells = [f for f in functions if f.definition == "dag"]
    assert len(cells) == 8
    assert len({skeleton_key(f) for f in cells}) == 2
