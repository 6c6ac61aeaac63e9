"""Dead code, common subexpressions, inlining and the cost of what is left."""

import networks
import pytest

from drawloom.ir import UserError, parse_module, print_module, structurally_equal, verify
from drawloom.passes import (
    PassManager,
    cost_table,
    cse,
    dce,
    depth,
    inline,
    inline_all,
    network_cost,
    resolve,
)

T = "f32[4, 6, 6]"


def test_different_results_in_use_make_different_functions():
    module = parse_module(
        """
        module @m {
          block @b(%x: f32[4], %y: f32[4]) -> f32[4], f32[4], f32[4] {
            %0 = relu %x : f32[4]
            %1 = tanh %y : f32[4]
            %2 = add %0, %1 : f32[4]
            return %0, %1, %2
          }
          network @m(%x: f32[4], %idle: f32[4]) -> f32[4] {
            %a, %b, %c = call @b(%x, %x) : f32[4], f32[4], f32[4]
            %d, %e, %f = call @b(%a, %x) : f32[4], f32[4], f32[4]
            %g, %h, %i = call @b(%a, %e) : f32[4], f32[4], f32[4]
            return %h
          }
        }
        """
    )
    after = dce(module)
    verify(after)
    assert list(after.functions) == ["b.0", "b.1", "m"] or list(after.functions) == ["b.1", "m"]
    assert [len(f.inputs) for f in after.functions.values()][-1] == 2
    assert structurally_equal(after, inline_all(module))


def test_what_is_left_of_a_function_takes_no_name_of_another():
    module = parse_module(
        """
        module @m {
          block @b(%x: f32[4], %y: f32[4]) -> f32[4], f32[4] {
            %0 = tanh %y : f32[4]
            return %0, %x
          }
          block @b.0(%x: f32[4], %y: f32[4]) -> f32[4] {
            %0 = mul %x, %y : f32[4]
            return %0
          }
          network @m(%x: f32[4], %y: f32[4]) -> f32[4] {
            %a, %b = call @b(%x, %y) : f32[4], f32[4]
            %c = call @b.0(%a, %y) : f32[4]
            return %c
          }
        }
        """
    )
    expected = inline_all(module)
    for after in (dce(module), resolve(module, {})):
        verify(after)
        assert set(after.functions) == {"b.0_", "b.0", "m"}
        assert structurally_equal(after, expected)
        assert structurally_equal(parse_module(print_module(after)), after)


def test_a_result_that_only_a_dead_result_needs_is_dead():
    module = parse_module(
        """
        module @m {
          block @pair(%x: f32[4], %y: f32[4]) -> f32[4], f32[4] {
            return %y, %x
          }
          network @m(%x: f32[4]) -> f32[4] {
            %dead = tanh %x : f32[4]
            %a, %b = call @pair(%x, %dead) : f32[4], f32[4]
            return %b
          }
        }
        """
    )
    assert [op.name for op in dce(module).entry.operations] == ["call"]


def test_decisions_that_nothing_mentions_go_and_take_their_notes_along():
    module = parse_module(
        """
        module @m {
          decision @a : one_of [1, 2]
          decision @b : one_of [1, 2]
          decision @c : one_of [1, 2]
          require @c == 1, "c is constrained"
          block @f(%x: f32[4]) {a=@a, b=@b} -> f32[4] {
            %0 = linear %x {out=4 * @b, param="l"} : f32[4 * @b]
            %1 = relu %x : f32[4]
            return %1
          }
          network @m(%x: f32[4]) -> f32[4] {
            %0 = call @f(%x) {param="f"} : f32[4]
            return %0
          }
        }
        """
    )
    after = dce(module)
    verify(after)
    assert list(after.decisions) == ["c"]
    assert after.functions["f"].arguments == {}


def test_the_manager_counts_what_went():
    module = networks.branches()
    manager = PassManager.from_text("fixpoint(cse,dce)")
    after = manager.run(module)
    assert len(after) <= len(module)


def test_equal_work_is_merged_and_weights_and_noise_are_not():
    module = parse_module(
        f"""
        module @m {{
          op @noise(%x: {T}) -> {T} {{
            %0 = dropout %x {{rate=0.5}} : {T}
            return %0
          }}
          network @m(%x: {T}, %y: {T}) -> {T} {{
            %a = add %x, %y : {T}
            %b = add %y, %x : {T}
            %c = call @noise(%a) : {T}
            %d = call @noise(%b) : {T}
            %e = batch_norm %c {{param="n"}} : {T}
            %f = batch_norm %c {{param="n"}} : {T}
            %g = avg_pool %d {{kernel=3, pad=1}} : {T}
            %h = avg_pool %d {{kernel=3, pad=1, count_include_pad=true}} : {T}
            %s = sum %e, %f, %g, %h : {T}
            return %s
          }}
        }}
        """
    )
    after = cse(module)
    verify(after)
    names = [op.name for op in after.entry.operations]
    assert names == ["add", "call", "call", "batch_norm", "batch_norm", "avg_pool", "avg_pool", "sum"]


def test_lists_with_other_members_are_not_merged():
    module = parse_module(
        """
        module @m {
          decision @e : subset 1..=2 of 2
          network @m(%x: f32[4]) -> f32[4] {
            %r = relu %x : f32[4]
            %a = sum %x if has(@e, 0), %r if has(@e, 1) : f32[4]
            %b = sum %x if has(@e, 0), %r : f32[4]
            %c = sum %x if has(@e, 0), %r if has(@e, 1) : f32[4]
            %d = sum %a, %b, %c : f32[4]
            return %d
          }
        }
        """
    )
    operations = cse(module).entry.operations
    a, b = operations[1:3]
    assert [op.name for op in operations] == ["relu", "sum", "sum", "sum"]
    assert operations[3].operands == (a.result, b.result, a.result)


def test_calls_that_stay_stand_between_those_that_go():
    module = parse_module(
        """
        module @m {
          op @o(%x: f32[4]) -> f32[4] {
            %0 = linear %x {out=4, param="fc"} : f32[4]
            return %0
          }
          block @b(%x: f32[4]) -> f32[4] {
            %0 = call @o(%x) {param="inner"} : f32[4]
            return %0
          }
          network @m(%x: f32[4]) -> f32[4] {
            %0 = call @o(%x) {param="first"} : f32[4]
            %1 = call @b(%0) {param="second"} : f32[4]
            return %1
          }
        }
        """
    )
    after = inline(module, keep=("op",))
    verify(after)
    assert list(after.functions) == ["o", "m"]
    assert [op.param for op in after.entry.calls()] == ["first", "second.inner"]
    assert structurally_equal(after, module)


def test_losses_of_equal_heads_add_up():
    module = parse_module(
        f"""
        module @m {{
          network @m(%x: {T}) -> {T}, {T} {{
            %a = auxiliary %x, %x {{weight=0.5}} : {T}
            %b = auxiliary %x, %x {{weight=0.5}} : {T}
            return %a, %b
          }}
        }}
        """
    )
    assert cse(module) is module


def test_inlining_keeps_the_kinds_it_is_told_to():
    module = networks.mobile()
    flat = inline_all(module)
    assert list(flat.functions) == ["mobile"]
    ops = PassManager.from_text("inline{keep=[op]}").run(module)
    verify(ops)
    assert {f.kind for f in ops.functions.values()} == {"op", "network"}
    assert all(structurally_equal(m, module) for m in (flat, ops))
    assert network_cost(flat) == network_cost(ops) == network_cost(module)
    with pytest.raises(UserError, match="'ops' is no kind of function"):
        inline(module, keep=("ops",))


def test_an_idle_run_returns_the_same_module():
    flat = inline_all(networks.mobile())
    for run in (inline_all, cse, dce):
        assert run(flat) is flat


def test_costs_are_those_of_the_papers_formulas():
    module = parse_module(
        """
        module @m { network @m(%x: f32[3, 8, 8]) -> f32[10] {
          %c = conv2d %x {out=6, kernel=3, stride=2, pad=1, groups=3, bias=true, param="c"} : f32[6, 4, 4]
          %n = batch_norm %c {param="n"} : f32[6, 4, 4]
          %p = global_avg_pool %n : f32[6]
          %l = linear %p {out=10, param="l"} : f32[10]
          return %l } }
        """
    )
    rows = {row.operation.name: row for row in cost_table(module)}
    assert (rows["conv2d"].cost.parameters, rows["conv2d"].cost.multiply_adds) == (6 * 9 + 6, 9 * 6 * 16)
    assert rows["batch_norm"].cost.parameters == 12
    assert (rows["linear"].cost.parameters, rows["linear"].cost.multiply_adds) == (70, 60)
    assert rows["global_avg_pool"].cost.activation_bytes == 24
    assert rows["linear"].path == "l"
    total = network_cost(module)
    assert (total.parameters, total.multiply_adds) == (60 + 12 + 70, 864 + 60)
    assert total.activation_bytes == 4 * (96 + 96 + 6 + 10)
    assert depth(module) == 2


def test_shared_weights_cost_parameters_once():
    module = networks.cells()
    # two of three calls share their convolution of 4 * 4 * 9 weights; the head has 4 * 3 + 3
    assert network_cost(module).parameters == 2 * 144 + 15
    assert network_cost(module).multiply_adds == 3 * 144 * 36 + 12


def test_a_space_has_no_cost(small_space):
    with pytest.raises(UserError, match="decision 'kernel' is open"):
        network_cost(small_space)


def test_published_counts_of_mobilenet_v2(mobilenet):
    cost = network_cost(mobilenet(1.0, size=224, classes=1000))
    assert cost.parameters == 3_504_872
    assert round(cost.multiply_adds / 1e6, 2) == 300.77


def test_no_pass_touches_its_input():
    module = networks.branches()
    before = print_module(module)
    PassManager.from_text("inline,canonicalize,fixpoint(cse,dce),fold-batch-norm").run(module)
    assert print_module(module) == before
