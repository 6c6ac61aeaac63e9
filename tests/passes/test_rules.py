"""Rewrite rules: each fires somewhere and keeps the meaning there; patterns, the registry, the trace."""

from collections import Counter
from pathlib import Path

import pytest
from generators import assignments, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meaning import assert_same

from drawloom.ir import OPS, Module, UserError, make_operation, parse_module, print_module, verify
from drawloom.ir.ops.activation import KEEP_ZERO
from drawloom.passes import PASSES, Context, assign, canonicalize, parse_pipeline, sample
from drawloom.passes.pattern import ZEROS, Var, again, pattern
from drawloom.passes.rebuild import rebuilt, remade
from drawloom.passes.rewrite import Rule, RuleRegistry, function_rule, rule
from drawloom.passes.rules import RULES
from drawloom.passes.trace import Rewrite

T = "f32[4, 6, 6]"
x, y = Var("x"), Var("y")


def network(body: str, result: str = T, decisions: str = "") -> Module:
    """A network of two images, from the operations that make `%1`."""
    head = f"module @m {{\n{decisions}\n  network @m(%x: {T}, %y: {T}) -> {result} {{\n"
    return parse_module(f"{head}%z = zeros {{shape=[4, 6, 6]}} : {T}\n{body}\n    return %1\n  }}\n}}\n")


def surely_present(module: Module) -> Module:
    """The network with a presence that is true for each operand of its last operation."""
    *others, last = module.entry.operations
    last = remade(last, last.operands, last.attributes, tuple(True for _ in last.operands))
    entry = rebuilt(module.entry, module.entry.inputs, (*others, last), last.results)
    return module.with_functions([entry])


DECISIONS = '  decision @d : one_of ["a", "b"]\n  decision @e : one_of [0, 2]'

CASES: dict[str, list[Module]] = {
    "known-choice": [network(f"%1 = choice %x, %y by {i} : {T}") for i in (0, 1)],
    "equal-alternatives": [network(f"%1 = choice %x, %x by index(@d) : {T}", decisions=DECISIONS)],
    "unselected-alternatives": [
        network(f"%t = tanh %x : {T}\n%1 = choice %x, %y, %t by @e : {T}", decisions=DECISIONS),
        network(f"%t = tanh %x : {T}\n%1 = choice %x, %y, %t by 2 - @e : {T}", decisions=DECISIONS),
    ],
    "absent-members": [
        network(f'%1 = sum %x if false, %y if @d == "a", %x : {T}', decisions=DECISIONS),
        network(f"%1 = sum %x if false, %y if false : {T}"),
        network("%1 = concat %x, %y if false, %y : f32[8, 6, 6]", "f32[8, 6, 6]"),
        network(f"%1 = mean %x, %y if false, %y : {T}"),
        network(f'%1 = weighted_sum %y if false, %x, %y {{param="w"}} : {T}'),
        network(f'%1 = weighted_sum %y if false, %x if false {{param="w"}} : {T}'),
    ],
    "always-present": [
        surely_present(network(f"%1 = {op}{result}", f"f32{result}"))
        for op, result in (
            ("sum %x, %y : f32", "[4, 6, 6]"),
            ("mean %x, %y : f32", "[4, 6, 6]"),
            ('weighted_sum %x, %y {param="w"} : f32', "[4, 6, 6]"),
            ("concat %x, %y : f32", "[8, 6, 6]"),
        )
    ],
    "zero-alternatives": [
        network(
            f"%w = zeros {{shape=[4, 6, 6]}} : {T}\n%1 = choice %z, %w by index(@d) : {T}",
            decisions=DECISIONS,
        )
    ],
    "list-of-zeros": [
        network("%1 = concat %z, %z : f32[8, 6, 6]", "f32[8, 6, 6]"),
        network(f"%1 = mean %z, %z : {T}"),
        network(f'%1 = weighted_sum %z, %z if @d == "a" {{param="w"}} : {T}', decisions=DECISIONS),
    ],
    "sub-zeros": [network(f"%1 = sub %x, %z : {T}")],
    "no-change": [network(f"%1 = affine %x : {T}")],
    "zero-members": [
        network(f"%1 = sum %z, %x, %z, %y : {T}"),
        network(f"%1 = sum %z, %z : {T}"),
        network(f'%1 = sum %z if @d == "a", %y if @d == "b" : {T}', decisions=DECISIONS),
    ],
    "add-zeros": [network(f"%1 = add %x, %z : {T}"), network(f"%1 = add %z, %y : {T}")],
    "mul-zeros": [
        network(f"%1 = mul %x, %z : {T}"),
        network(f"%s = global_avg_pool %x {{keep=true}} : f32[4, 1, 1]\n%1 = mul %z, %s : {T}"),
    ],
    "product-of-zeros": [
        network('%1 = conv2d %z {out=5, kernel=3, param="c"} : f32[5, 4, 4]', "f32[5, 4, 4]"),
        network(
            '%f = zeros {shape=[7]} : f32[7]\n%1 = linear %f {out=5, bias=false, param="l"} : f32[5]',
            "f32[5]",
        ),
    ],
    "zeros-like": [
        network(f"%1 = zeros_like %x : {T}"),
        network("%1 = zeros_like %x {stride=2} : f32[4, 3, 3]", "f32[4, 3, 3]"),
    ],
    "zeros-of-zeros": [
        *(network(f"%1 = {op} %z : {T}") for op in KEEP_ZERO),
        network(f"%1 = dropout %z {{rate=0.5}} : {T}"),
        network(f"%1 = drop_path %z {{rate=0.5}} : {T}"),
        network(f"%1 = max_pool %z {{kernel=3, pad=1}} : {T}"),
        network("%1 = avg_pool %z {kernel=2, stride=2} : f32[4, 3, 3]", "f32[4, 3, 3]"),
        network("%1 = global_avg_pool %z : f32[4]", "f32[4]"),
        network("%1 = slice %z {axis=0, begin=1, end=3} : f32[2, 6, 6]", "f32[2, 6, 6]"),
        network("%1 = reshape %z {shape=[4, 36]} : f32[4, 36]", "f32[4, 36]"),
        network("%1 = flatten %z : f32[144]", "f32[144]"),
        network(f"%1 = channel_shuffle %z {{groups=2}} : {T}"),
        network("%1 = resize %z {height=3, width=9} : f32[4, 3, 9]", "f32[4, 3, 9]"),
    ],
    "single-member": [
        *(network(f"%1 = {op} %x : {T}") for op in ("sum", "mean", "concat")),
        network(f'%1 = weighted_sum %y {{param="w"}} : {T}'),
    ],
    "identity": [network(f"%1 = identity %x : {T}")],
    "no-dropout": [network(f"%1 = {op} %x {{rate=0.0}} : {T}") for op in ("dropout", "drop_path")],
    "no-auxiliary": [network(f"%1 = auxiliary %x, %y {{weight=0.0}} : {T}")],
    "one-pixel-window": [network(f"%1 = {op}_pool %x {{kernel=1}} : {T}") for op in ("max", "avg")],
    "same-shape": [
        network(f"%1 = slice %x {{axis=1, begin=0, end=6}} : {T}"),
        network(f"%1 = reshape %x {{shape=[4, 6, 6]}} : {T}"),
        network("%p = global_avg_pool %x : f32[4]\n%1 = flatten %p : f32[4]", "f32[4]"),
        network(f'%1 = resize %x {{height=6, width=6, mode="bilinear"}} : {T}'),
    ],
    "one-group": [network(f"%1 = channel_shuffle %x {{groups=1}} : {T}")],
    "relu-of-positive": [
        network(f"%0 = {op} %x : {T}\n%1 = relu %0 : {T}")
        for op in ("relu", "relu6", "sigmoid", "hsigmoid", "softmax")
    ],
    "relu6-of-squashed": [
        network(f"%0 = {op} %x : {T}\n%1 = relu6 %0 : {T}")
        for op in ("relu6", "sigmoid", "hsigmoid", "softmax")
    ],
    "relu6-of-relu": [network(f"%0 = relu %x : {T}\n%1 = relu6 %0 : {T}")],
    "reshape-of-reshape": [
        network("%0 = flatten %x : f32[144]\n%1 = reshape %0 {shape=[6, 24]} : f32[6, 24]", "f32[6, 24]"),
        network("%0 = reshape %x {shape=[36, 4]} : f32[36, 4]\n%1 = flatten %0 : f32[144]", "f32[144]"),
    ],
}
"""For each rule networks in which it fires; every other rule is switched off for them."""


NEAR: dict[str, list[Module]] = {
    "known-choice": [network(f"%1 = choice %x, %y by index(@d) : {T}", decisions=DECISIONS)],
    "equal-alternatives": [network(f"%1 = choice %x, %y by index(@d) : {T}", decisions=DECISIONS)],
    "unselected-alternatives": [network(f"%1 = choice %x, %y by index(@d) : {T}", decisions=DECISIONS)],
    "zero-alternatives": [network(f"%1 = choice %z, %y by index(@d) : {T}", decisions=DECISIONS)],
    "list-of-zeros": [network("%1 = concat %z, %y : f32[8, 6, 6]", "f32[8, 6, 6]")],
    "sub-zeros": [network(f"%1 = sub %z, %x : {T}")],
    "no-change": [network(f"%1 = affine %x {{shift=1.0}} : {T}")],
    "add-zeros": [network(f"%s = global_avg_pool %x {{keep=true}} : f32[4, 1, 1]\n%1 = add %z, %s : {T}")],
    "product-of-zeros": [network(f'%1 = conv2d %z {{out=4, kernel=1, bias=true, param="c"}} : {T}')],
    "zeros-of-zeros": [network(f"%1 = {op} %z : {T}") for op in ("hsigmoid", "cos")],
    "single-member": [
        network(f'%1 = sum %x if @d == "a" : {T}', decisions=DECISIONS),
        network(f"%1 = sum %x, %x : {T}"),
    ],
    "no-dropout": [network(f"%1 = {op} %x {{rate=0.1}} : {T}") for op in ("dropout", "drop_path")],
    "no-auxiliary": [network(f"%1 = auxiliary %x, %y {{weight=0.1}} : {T}")],
    "one-pixel-window": [
        network("%1 = max_pool %x {kernel=1, stride=2} : f32[4, 3, 3]", "f32[4, 3, 3]"),
        network("%1 = avg_pool %x {kernel=[1, 2]} : f32[4, 6, 5]", "f32[4, 6, 5]"),
    ],
    "same-shape": [network("%1 = slice %x {axis=1, begin=0, end=5} : f32[4, 5, 6]", "f32[4, 5, 6]")],
    "one-group": [network(f"%1 = channel_shuffle %x {{groups=2}} : {T}")],
    "relu-of-positive": [network(f"%0 = tanh %x : {T}\n%1 = relu %0 : {T}")],
    "relu6-of-squashed": [network(f"%0 = relu %x : {T}\n%1 = relu6 %0 : {T}")],
    "relu6-of-relu": [network(f"%0 = hswish %x : {T}\n%1 = relu6 %0 : {T}")],
}
"""Networks that are almost cases of a rule, in which it must not fire."""


@pytest.mark.parametrize("name", NEAR)
def test_a_rule_does_not_fire_on_what_is_almost_a_case(name):
    for module in NEAR[name]:
        assert canonicalize(module, RuleRegistry([RULES[name]])) is module


def test_every_rule_has_a_case():
    assert set(CASES) == set(RULES.names())


def traced(module: Module, rules: RuleRegistry = RULES) -> tuple[Module, list[Rewrite]]:
    rewrites: list[Rewrite] = []
    return canonicalize(module, rules, rewrites.append), rewrites


def assert_same_candidates(before: Module, after: Module) -> None:
    """Both compute the same under assignments that have every value of every decision."""
    for position in range(max((len(d) for d in before.decisions.values()), default=1)):
        values = {n: d.domain[position % len(d)] for n, d in before.decisions.items()}
        left = {n: v for n, v in values.items() if n in after.decisions}
        assert_same(assign(before, values), assign(after, left))


@pytest.mark.parametrize(
    ("name", "position"), [(n, i) for n, cases in CASES.items() for i in range(len(cases))]
)
def test_a_rule_fires_and_keeps_the_meaning(name, position):
    module = CASES[name][position]
    after, rewrites = traced(module, RuleRegistry([RULES[name]]))
    assert {r.rule.name for r in rewrites} == {name}
    verify(after)
    assert_same_candidates(module, after)


@pytest.mark.parametrize("name", RULES.names())
def test_cases_cover_all_operations_that_a_rule_names(name):
    """The operations that a rule names exist, and its cases cover them all."""
    covered = {op.name for case in CASES[name] for op in case.entry.operations}
    needed = {*RULES[name].roots, *(RULES[name].firsts or ())}
    assert needed <= set(OPS.names())
    assert needed <= covered


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_single_rules_keep_the_meaning_of_any_network(data):
    module = data.draw(modules(resolved=True, max_operations=12))
    some = data.draw(st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=4, unique=True))
    after = canonicalize(module, RuleRegistry(some))
    verify(after)
    assert_same(module, after)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_single_rules_keep_the_candidates_of_any_space(data):
    module = data.draw(modules())
    assignment = data.draw(assignments(module))
    some = data.draw(st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=4, unique=True))
    after = canonicalize(module, RuleRegistry(some))
    verify(after)
    assert_same(assign(module, assignment), assign(after, assignment))


def test_alternatives_are_counted_anew():
    module = network(f"%t = tanh %x : {T}\n%1 = choice %x, %y, %t by @e : {T}", decisions=DECISIONS)
    assert "choice %x, %t by index(@e)" in print_module(canonicalize(module))
    turned = network(f"%t = tanh %x : {T}\n%1 = choice %x, %y, %t by 2 - @e : {T}", decisions=DECISIONS)
    assert "choice %x, %t by select(2 - @e, [0, 0, 1])" in print_module(canonicalize(turned))


# What a rule says of itself


def test_statements_derive_from_patterns():
    assert {
        name: RULES[name].statement for name in ("relu6-of-relu", "single-member", "product-of-zeros")
    } == {
        "relu6-of-relu": "relu6(relu(x)) --> relu6(x)",
        "single-member": "{sum, mean, weighted_sum, concat}(x) --> x if x has its type",
        "product-of-zeros": "{conv2d, linear}(zeros; bias=false) --> zeros",
    }
    assert RULES["equal-alternatives"].statement == "choice(x, x, ...) --> x if x has its type"
    assert RULES["relu6-of-squashed"].statement == (
        "relu6(y = {relu6, sigmoid, hsigmoid, softmax}(...)) --> y"
    )


@pytest.mark.parametrize("each", list(RULES), ids=lambda r: r.name)
def test_a_rule_knows_where_it_is_defined(each: Rule):
    assert " --> " in each.statement
    lines = Path(each.place.file).read_text(encoding="utf-8").splitlines()
    start = each.place.line - 1
    # the name stands in the line itself, or in the next where the call is broken
    assert any(f'"{each.name}"' in line for line in lines[start : start + 2])


def test_patterns_are_matched_whole():
    swap = pattern("add", x, pattern("relu", x), swapped=True)
    twice = rule("twice", swap, again(x, x))
    module = network(
        f"%r = relu %x : {T}\n%q = relu %y : {T}\n%a = add %x, %r : {T}\n%b = add %r, %x : {T}\n"
        f"%c = add %x, %q : {T}\n%1 = sum %a, %b, %c : {T}"
    )
    found = [op for op in canonicalize(module, RuleRegistry([twice])).entry.operations if op.name == "add"]
    entry = module.entry
    assert [op.operands for op in found[:2]] == [(entry.inputs[0], entry.inputs[0])] * 2
    assert found[2] is entry.operations[5]


def test_fixed_operands_are_all_and_present():
    one = rule("one", pattern("sum", x), x)
    module = network(f'%a = sum %x if @d == "a" : {T}\n%1 = sum %a, %y : {T}', decisions=DECISIONS)
    assert canonicalize(module, RuleRegistry([one])) is module


def test_wrong_patterns_are_refused():
    with pytest.raises(ValueError, match="stands alone"):
        pattern("add", x, ...)
    with pytest.raises(ValueError, match="about one operand"):
        pattern("sum", x, y, repeated=True)
    with pytest.raises(ValueError, match="is no template"):
        rule("no", pattern("relu", x), pattern("tanh", x))


# The registry


def test_a_name_is_one_rule():
    first = rule("r", pattern("relu", x), x)
    registry = RuleRegistry([first, first])
    assert registry.names() == ["r"]
    with pytest.raises(UserError, match=r"rule 'r' is registered twice .at .*test_rules\.py:\d+ and"):
        registry.register(rule("r", pattern("relu", x), x))
    with pytest.raises(UserError, match=r"unknown rule 'relu6-of-rely' .did you mean 'relu6-of-relu'"):
        RULES["relu6-of-rely"]
    assert "identity" in RULES


def test_a_foreign_rule_joins_the_others():
    @function_rule("tanh-to-relu", "tanh", "tanh(x) --> relu(x)")
    def foreign(op):
        return make_operation(OPS["relu"], op.operands)

    registry = RuleRegistry([*RULES, foreign])
    module = network(f"%0 = relu %x : {T}\n%1 = tanh %0 : {T}")
    after, rewrites = traced(module, registry)
    assert after.entry.outputs[0].producer.name == "relu"
    # what a rule makes is simplified in turn
    assert [r.rule.name for r in rewrites] == ["tanh-to-relu", "relu-of-positive"]
    assert after.entry.outputs == (after.entry.operations[1].result,)


def test_rules_are_tried_in_order_whatever_made_the_operand():
    order = []

    def noted(name, matched):
        def tried(op, found):
            order.append(name)

        return rule(name, matched, tried, then="nothing")

    registry = RuleRegistry(
        [
            noted("a", pattern("relu", x)),
            noted("b", pattern("relu", pattern("tanh", x))),
            noted("c", pattern("relu", ...)),
            noted("d", pattern("relu", ZEROS)),
            noted("e", pattern("relu", pattern(("tanh", "zeros"), ...))),
        ]
    )
    module = network(
        f"%t = tanh %x : {T}\n%a = relu %t : {T}\n%b = relu %z : {T}\n%c = relu %y : {T}\n"
        f"%1 = sum %a, %b, %c : {T}"
    )
    assert canonicalize(module, registry) is module
    assert "".join(order) == "abce" + "acde" + "ac"


def test_rules_that_undo_each_other_are_found():
    there = function_rule("there", "relu", "relu(x) --> tanh(x)")(
        lambda op: make_operation(OPS["tanh"], op.operands)
    )
    back = function_rule("back", "tanh", "tanh(x) --> relu(x)")(
        lambda op: make_operation(OPS["relu"], op.operands)
    )
    with pytest.raises(RuntimeError, match=r"rules rewrite 'relu' without end; the last one is (there|back)"):
        canonicalize(network(f"%1 = relu %x : {T}"), RuleRegistry([there, back]))


# The trace


def test_the_trace_names_values_as_the_text_before_the_pass():
    module = network(f"%r = relu %x : {T}\n%s = sum %r, %z : {T}\n%1 = relu6 %s : {T}")
    _, rewrites = traced(module)
    assert [(r.rule.name, r.function, r.before, r.after) for r in rewrites] == [
        ("zero-members", "m", f"%s = sum %r, %z : {T}", f"%s = sum %r : {T}"),
        ("single-member", "m", f"%s = sum %r : {T}", "%r"),
        ("relu6-of-relu", "m", f"%0 = relu6 %r : {T}", f"%0 = relu6 %x : {T}"),
    ]
    assert str(rewrites[2]).splitlines()[1:] == [f"  - %0 = relu6 %r : {T}", f"  + %0 = relu6 %x : {T}"]


def test_the_pass_counts_and_reports_what_rules_do(zoo_space):
    module = assign(zoo_space("darts"), sample(zoo_space("darts"), 1, seed=0)[0])
    seen: list[Rewrite] = []
    context = Context(PASSES, on_rewrite=seen.append)
    (canonical,) = parse_pipeline("canonicalize")
    after = canonical.run(module, context)
    assert print_module(after) == print_module(canonicalize(module))
    assert context.statistics["canonicalize"] == Counter(r.rule.name for r in seen)
    assert "zeros-like" in context.statistics["canonicalize"]
