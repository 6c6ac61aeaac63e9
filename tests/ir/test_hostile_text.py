"""Short texts that ask for much: each is refused with a reason or read, printed and hashed in few steps."""

from collections.abc import Callable

import pytest
from steps import steps

from drawloom.ir import DiagnosticError, UserError, parse_module, print_module, structural_hash

MOST = 2_000_000
"""Lines of Python and calls for any of the texts; comparing calls that double takes most of it."""

DECISIONS = "".join(f"decision @d{i} : one_of [1, 2]\n" for i in range(60))
WIDE = "".join(f"decision @w{i} : one_of [{', '.join(map(str, range(1, 513)))}]\n" for i in range(3))


def network(body: str, head: str = "", output: str = "%x", type: str = "f32[4]") -> str:
    return f"module @m {{\n{head}network @m(%x: f32[4]) -> {type} {{\n{body}\nreturn {output}\n}}\n}}\n"


def required(condition: str, head: str = DECISIONS) -> str:
    return network("", f'{head}require {condition}, "x"\n')


def linear(out: str) -> str:
    return network(f'%a = linear %x {{out={out}, param="w"}} : f32[4]', DECISIONS, "%a")


def doubling(first: str, second: str) -> str:
    """Functions of which each calls the one before twice: 2 ** 60 operations."""
    lines = ["op @f0(%x: f32[4]) -> f32[4] {", '%y = linear %x {out=4, param="w"} : f32[4]', "return %y }"]
    for i in range(60):
        lines += [
            f"{'network' if i == 59 else 'block'} @f{i + 1}(%x: f32[4]) -> f32[4] {{",
            f'%y = call @f{i}(%x) {{param="{first}"}} : f32[4]',
            f'%z = call @f{i}(%y) {{param="{second}"}} : f32[4]',
            "return %z }",
        ]
    return "module @m {\n" + "\n".join(lines) + "\n}\n"


READ: dict[str, str] = {
    "deep sum": required("(" * 100 + "@d0" + "".join(f" + @d{i % 60})" for i in range(100)) + " < 9"),
    "long conjunction": required(" and ".join(f"@d{i} < 2" for i in range(60))),
    "huge product": required("(" * 100 + "9" * 18 + f" * {'9' * 18})" * 100 + " > 0", ""),
    "long path": network('%a = linear %x {out=4, param="' + "a." * 5_000 + 'a"} : f32[4]', "", "%a"),
    "wide list": network(
        "%a = sum " + ", ".join(f"%x if @d{i % 60} < 2" for i in range(100)) + " : f32[4]", DECISIONS, "%a"
    ),
    "wide choice": network("%a = choice " + ", ".join(["%x"] * 600) + " by index(@w0) : f32[4]", WIDE, "%a"),
    "one weight": network("\n".join(f'%a{i} = linear %x {{out=4, param="w"}} : f32[4]' for i in range(100))),
}

REFUSED: dict[str, tuple[str, str]] = {
    "doubling": (doubling("a", "b"), "more than 5,000,000 operations"),
    "doubling at one path": (doubling("", ""), "more than 5,000,000 operations"),
    "doubling under a path": (doubling("", "a"), "more than 5,000,000 operations"),
    "doubling with equal paths": (doubling("a", "a.a"), "more than 5,000,000 operations"),
    "integer of many digits": (linear("9" * 5_000), "an integer of 5000 digits; at most 18"),
    "integer by multiplying": (linear(" * ".join(["9" * 18] * 100)), "the type of '%a' is"),
    "sum over many decisions": (linear(" + ".join(f"@d{i}" for i in range(60))), "the type of '%a' is"),
    "product over many decisions": (linear(" * ".join(f"@d{i}" for i in range(60))), "the type of '%a' is"),
    "infinite rate": (network("%a = dropout %x {rate=1e999} : f32[4]"), "rate=inf is not from 0 to below 1"),
    "selection of millions": (
        network("", "decision @s : subset 1..=2000 of 4000000\n"),
        "at most 4096 values",
    ),
    "random graph": (
        required('random_edge("erdos_renyi", 100000, 0, 1, @d0, 0.5)'),
        "'random_edge' cannot be computed here",
    ),
    "names that nothing has": (
        network("\n".join(f"%a{i} = relu %{'q' * 30}{i} : f32[4]" for i in range(100))),
        "is not defined above",
    ),
    "one path for all": (
        network(
            "\n".join(
                f'%a{i} = linear %x {{out=4, bias={"true" if i % 2 else "false"}, param="w"}} : f32[4]'
                for i in range(40)
            )
        ),
        "the weights 'w' belong to two different operations",
    ),
}


def everything(text: str) -> None:
    module = parse_module(text)
    written = print_module(module)
    assert print_module(parse_module(written, check=False)) == written
    structural_hash(module)


def bounded(work: Callable[[], None]) -> None:
    assert steps(work) < MOST


@pytest.mark.parametrize("name", READ)
def test_it_is_read_in_few_steps(name: str) -> None:
    bounded(lambda: everything(READ[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_few_steps(name: str) -> None:
    text, reason = REFUSED[name]

    def refused() -> None:
        with pytest.raises((DiagnosticError, UserError), match=reason):
            everything(text)

    bounded(refused)
