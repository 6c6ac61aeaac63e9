"""Each rule of canonicalize, and where it must not fit."""

import re

import pytest

from drawloom.ir import parse_module, print_module
from drawloom.passes import canonicalize, dce

X = "%x: f32[4, 6, 6], %y: f32[4, 6, 6]"
T = "f32[4, 6, 6]"


def network(*lines: str, result: str = T, decisions: str = ""):
    body = "\n".join(lines)
    return parse_module(f"module @m {{\n{decisions}\n  network @m({X}) -> {result} {{\n{body}\n  }}\n}}\n")


def simplest(*lines: str, result: str = T) -> list[str]:
    text = print_module(dce(canonicalize(network(*lines, result=result))))
    return [line.strip() for line in text.splitlines()[2:-2]]


def only(*lines: str, result: str = T) -> str:
    """The one operation that is left and returned, without the name of its result."""
    found = simplest(*lines, result=result)
    assert len(found) == 2
    assert re.match(r"%\w+ = ", found[0])[0].split()[0] == found[1].split()[1]
    return found[0].split(" = ", 1)[1]


ZEROS = "%z = zeros_like %x : f32[4, 6, 6]"
TO_OPERAND = {
    "choice": ["%1 = choice %y, %x by 1 : f32[4, 6, 6]"],
    "sum of one": [f"%1 = sum %x : {T}"],
    "sum without absent": [f"%1 = sum %y if false, %x if true : {T}"],
    "sum without zeros": [ZEROS, f"%1 = sum %z, %x, %z : {T}"],
    "concat of one": [f"%1 = concat %x : {T}"],
    "add zeros": [ZEROS, f"%1 = add %x, %z : {T}"],
    "zeros add": [ZEROS, f"%1 = add %z, %x : {T}"],
    "identity": [f"%1 = identity %x : {T}"],
    "no dropout": [f"%1 = dropout %x {{rate=0.0}} : {T}"],
    "max_pool of one pixel": [f"%1 = max_pool %x {{kernel=1}} : {T}"],
    "avg_pool of one pixel": [f"%1 = avg_pool %x {{kernel=1}} : {T}"],
    "slice of everything": [f"%1 = slice %x {{axis=1, begin=0, end=6}} : {T}"],
    "reshape to the same": [f"%1 = reshape %x {{shape=[4, 6, 6]}} : {T}"],
    "shuffle of one group": [f"%1 = channel_shuffle %x {{groups=1}} : {T}"],
    "resize to the same": [f'%1 = resize %x {{height=6, width=6, mode="bilinear"}} : {T}'],
    "there and back": [
        "%0 = reshape %x {shape=[4, 36]} : f32[4, 36]",
        f"%1 = reshape %0 {{shape=[4, 6, 6]}} : {T}",
    ],
}


@pytest.mark.parametrize("name", TO_OPERAND)
def test_operations_that_change_nothing(name):
    assert simplest(*TO_OPERAND[name], "return %1") == ["return %x"]


TO_ZEROS = [
    "%1 = sum %x if false, %y if false : f32[4, 6, 6]",
    "%1 = sum %z, %z : f32[4, 6, 6]",
    "%1 = add %z, %z : f32[4, 6, 6]",
    "%1 = mul %x, %z : f32[4, 6, 6]",
    "%1 = choice %z, %z by 0 : f32[4, 6, 6]",
    "%1 = dropout %z {rate=0.5} : f32[4, 6, 6]",
    '%1 = conv2d %z {out=4, kernel=3, pad=1, param="c"} : f32[4, 6, 6]',
    "%1 = relu %z : f32[4, 6, 6]",
    "%1 = relu6 %z : f32[4, 6, 6]",
    "%1 = hswish %z : f32[4, 6, 6]",
    "%1 = swish %z : f32[4, 6, 6]",
    "%1 = tanh %z : f32[4, 6, 6]",
    "%1 = max_pool %z {kernel=3, pad=1} : f32[4, 6, 6]",
    "%1 = avg_pool %z {kernel=3, pad=1} : f32[4, 6, 6]",
    "%1 = channel_shuffle %z {groups=2} : f32[4, 6, 6]",
    "%1 = zeros_like %x : f32[4, 6, 6]",
]


@pytest.mark.parametrize("line", TO_ZEROS)
def test_zeros_of_zeros(line):
    assert only(ZEROS, line, "return %1") == "zeros {shape=[4, 6, 6]} : f32[4, 6, 6]"


OTHER_ZEROS = {
    "f32[5]": '%p = global_avg_pool %z : f32[4]\n%1 = linear %p {out=5, bias=false, param="l"} : f32[5]',
    "f32[4]": "%1 = global_avg_pool %z : f32[4]",
    "f32[144]": "%1 = flatten %z : f32[144]",
    "f32[2, 6, 6]": "%1 = slice %z {axis=0, begin=1, end=3} : f32[2, 6, 6]",
    "f32[4, 36]": "%1 = reshape %z {shape=[4, 36]} : f32[4, 36]",
    "f32[4, 3, 3]": "%1 = resize %z {height=3, width=3} : f32[4, 3, 3]",
    "f32[8, 6, 6]": "%1 = concat %z, %z : f32[8, 6, 6]",
}


@pytest.mark.parametrize("result", OTHER_ZEROS)
def test_zeros_of_another_shape(result):
    found = only(ZEROS, OTHER_ZEROS[result], "return %1", result=result)
    assert found == f"zeros {{shape={result[3:]}}} : {result}"


KEPT = [
    '%1 = conv2d %z {out=4, kernel=3, pad=1, bias=true, param="c"} : f32[4, 6, 6]',
    '%1 = batch_norm %z {param="n"} : f32[4, 6, 6]',
    "%1 = sigmoid %z : f32[4, 6, 6]",
    "%1 = hsigmoid %z : f32[4, 6, 6]",
    "%1 = softmax %z : f32[4, 6, 6]",
    "%1 = dropout %x {rate=0.1} : f32[4, 6, 6]",
    "%1 = max_pool %x {kernel=3, pad=1} : f32[4, 6, 6]",
    "%1 = resize %x {height=3, width=3} : f32[4, 3, 3]",
    "%1 = sum %x, %x : f32[4, 6, 6]",
    "%1 = relu6 %x : f32[4, 6, 6]",
]


@pytest.mark.parametrize("line", KEPT)
def test_what_is_not_zero_or_not_idle_stays(line):
    used = [ZEROS] if "%z" in line else []
    found = simplest(*used, line, "return %1", result=line.split(" : ")[1])
    assert found[-2].split(" = ")[1].split()[0] == line.split(" = ")[1].split()[0]


PAIRS = {
    ("relu", "relu"): ["relu"],
    ("relu6", "relu"): ["relu6"],
    ("relu6", "relu6"): ["relu6"],
    ("relu", "relu6"): ["relu6"],
    ("sigmoid", "relu"): ["sigmoid"],
    ("hsigmoid", "relu6"): ["hsigmoid"],
    ("tanh", "relu"): ["tanh", "relu"],
    ("relu", "tanh"): ["relu", "tanh"],
    ("hswish", "relu6"): ["hswish", "relu6"],
}


@pytest.mark.parametrize("pair", PAIRS)
def test_activations_in_a_row(pair):
    first, second = pair
    found = simplest(f"%0 = {first} %x : {T}", f"%1 = {second} %0 : {T}", "return %1")
    assert [line.split()[2] for line in found[:-1]] == PAIRS[pair]


def test_broadcast_zeros_that_widen_are_kept():
    found = simplest(
        "%0 = global_avg_pool %y {keep=true} : f32[4, 1, 1]",
        "%1 = zeros_like %x : f32[4, 6, 6]",
        "%2 = add %0, %1 : f32[4, 6, 6]",
        "return %2",
    )
    assert found[-2] == "%2 = add %0, %1 : f32[4, 6, 6]"


def test_choice_of_equal_alternatives_is_folded_in_a_space():
    module = network(
        "%i = identity %x : f32[4, 6, 6]",
        "%1 = choice %i, %x by index(@d) : f32[4, 6, 6]",
        "return %1",
        decisions='  decision @d : one_of ["a", "b"]',
    )
    after = dce(canonicalize(module))
    assert len(after) == 0
    assert after.resolved


def test_presence_that_is_decided_stays():
    module = network(
        "%1 = sum %x if has(@d, 0), %y if has(@d, 1) : f32[4, 6, 6]",
        "return %1",
        decisions='  decision @d : subset 1..=2 of ["a", "b"]',
    )
    assert canonicalize(module) is module


CALLS = """
module @m {{
  block @b(%x: f32[4, 6, 6], %y: f32[4, 6, 6]) -> f32[4, 6, 6], f32[4, 6, 6] {{
    %0 = {op}
    return %y, %0
  }}
  network @m(%x: f32[4, 6, 6]) -> f32[4, 6, 6], f32[4, 6, 6] {{
    %h = relu %x : f32[4, 6, 6]
    %1, %2 = call @b(%h, %x) {{param="b"}} : f32[4, 6, 6], f32[4, 6, 6]
    return %1, %2
  }}
}}
"""


def test_calls_that_pass_on_an_input_are_seen_through():
    module = dce(canonicalize(parse_module(CALLS.format(op="tanh %x : f32[4, 6, 6]"))))
    entry = print_module(module).split("network")[1]
    assert [line.strip() for line in entry.splitlines()[1:-2]] == [
        "%h = relu %x : f32[4, 6, 6]",
        '%0 = call @b.1(%h) {param="b"} : f32[4, 6, 6]',
        "return %x, %0",
    ]


def test_calls_that_return_zeros_are_seen_through():
    module = dce(canonicalize(parse_module(CALLS.format(op="zeros_like %x : f32[4, 6, 6]"))))
    assert list(module.functions) == ["m"]
    assert [op.name for op in module.entry.operations] == ["zeros"]


def test_an_idle_run_returns_the_same_module(small_space):
    assert canonicalize(small_space) is small_space
    assert dce(small_space) is small_space
