"""The parser: what it accepts, and what it says to everything else."""

# ruff: noqa: E501 (a table with a case a line)

import re
import string

import pytest
from generators import modules
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_texts import TINY

from drawloom.ir import DiagnosticError, Module, Source, parse_module, print_module

HEAD = "module @m {\n  decision @k : one_of [3, 5]\n  decision @s : subset 1 of 2\n"
BODY = "  network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {{\n    {0}\n    return %y\n  }}\n}}\n"


def problem(text: str) -> str:
    """The first diagnostic for a text: code, message, and what the caret stands under."""
    with pytest.raises(DiagnosticError) as caught:
        parse_module(Source("t.ir", text))
    d = caught.value.diagnostics[0]
    return f"{d.code} {d.message} <{d.label.span.text}>"


def operation(line: str) -> str:
    """The first diagnostic for a network of one operation, which defines %y."""
    return problem(HEAD + BODY.format(line))


def accepts(line: str) -> Module:
    return parse_module(HEAD + BODY.format(line))


def test_comments_and_spaces_do_not_matter() -> None:
    spaced = "# head\n" + TINY.replace(" = ", "=").replace("{out", "{\n # inside\n out")
    assert print_module(parse_module(spaced)) == TINY


def test_values_know_their_place() -> None:
    (op,) = accepts("%y = relu %x : f32[4, 8, 8]").entry.operations
    assert op.span is not None
    assert op.span.text == "%y = relu %x : f32[4, 8, 8]"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%y = relo %x : f32[4, 8, 8]", "E0203 unknown operation 'relo' <relo>"),
        ("%y = relu %z : f32[4, 8, 8]", "E0203 '%z' is not defined above <%z>"),
        ("%x = relu %x : f32[4, 8, 8]", "E0204 '%x' is defined twice <%x>"),
        ("%y = relu %x {a=1} : f32[4, 8, 8]", "E0203 'relu' has no attribute 'a' <a>"),
        ("%y = relu %x, %x : f32[4, 8, 8]", "E0205 relu takes 1 tensors, got 2 <relu>"),
        ("%y = relu %x if true : f32[4, 8, 8]", "E0205 operands of 'relu' are always present <if>"),
        ("%y = relu %x : f32[4, 8, 9]", "E0206 the type of '%y' is f32[4, 8, 8] <f32[4, 8, 9]>"),
        ("%y = relu %x : f32[4, 8]", "E0206 the type of '%y' is f32[4, 8, 8] <f32[4, 8]>"),
        ("%y = relu %x : i32[4, 8, 8]", "E0206 the type of '%y' is f32[4, 8, 8] <i32[4, 8, 8]>"),
        ("%y = relu %x : f16[4, 8, 8]", "E0203 unknown element type 'f16' <f16>"),
        ("%y = relu %x", "E0202 expected ':' here <>"),
        ("%y, %z = relu %x : f32[4, 8, 8]", "E0205 'relu' has 1 results, 2 are named <%y, %z>"),
        ("%y = sum %x if @k : f32[4, 8, 8]", "E0208 expected true or false, got an integer <@k>"),
        (
            "%y = sum %x if has(@k, 0) : f32[4, 8, 8]",
            "E0208 'has' needs a selection of k of n, got an integer <has(@k, 0>",
        ),
        (
            "%y = choice %x, %x by @s : f32[4, 8, 8]",
            "E0208 expected an integer, got a selection of k of n <@s>",
        ),
        ("%y = choice %x, %x by @kk : f32[4, 8, 8]", "E0203 unknown decision '@kk' <@kk>"),
        (
            "%y = choice %x by index(@k) : f32[4, 8, 8]",
            "E0210 the selector can be outside of the 1 alternatives <%y = choice %x by index(@k) : f32[4, 8, 8]>",
        ),
        ("%y = call @f(%x) : f32[4, 8, 8]", "E0203 unknown function '@f' <@f>"),
        ("%y = call @m(%x) : f32[4, 8, 8]", "E0203 unknown function '@m' <@m>"),
        (
            '%y = conv2d %x {out="a", kernel=1, param="c"} : f32[4, 8, 8]',
            "E0205 'out' is an integer, got a text <\"a\">",
        ),
        ('%y = conv2d %x {out=4, kernel=1, groups=3, param="c"} : f32[4, 8, 8]', "E0205 "),
        (
            '%y = conv2d %x {out=4, out=4, kernel=1, param="c"} : f32[4, 8, 8]',
            "E0204 'out' is given twice <out>",
        ),
        ("%y = conv2d %x {out=4, kernel=1} : f32[4, 8, 8]", "E0205 conv2d needs 'param' <conv2d>"),
        ("%y = dropout %x {rate=1 // 0} : f32[4, 8, 8]", "E0208 '//' cannot be computed here"),
        ('%y = dropout %x {rate="a" * 9} : f32[4, 8, 8]', "E0208 '*' needs a number, got a text"),
        ("%y = dropout %x {rate=1 < 2 < 3} : f32[4, 8, 8]", "E0202 comparisons do not chain <<>"),
        (
            "%y = dropout %x {rate=1234567890123456789} : f32[4, 8, 8]",
            "E0209 an integer of 19 digits; at most 18",
        ),
        ("%y = dropout %x {rate=" + "(" * 200 + ": f32[4, 8, 8]", "E0209 an expression more than 120 deep"),
        (
            "%y = dropout %x {rate=1" + " + 1" * 200 + "} : f32[4, 8, 8]",
            "E0209 an expression more than 120 deep",
        ),
        ("%y = relu %x ; : f32[4, 8, 8]", "E0201 unexpected character ';' <;>"),
        ('%y = dropout %x {rate="a} : f32[4, 8, 8]', "E0201 a text without its closing '\"'"),
    ],
)
def test_a_bad_operation_is_diagnosed_under_the_guilty_text(line: str, expected: str) -> None:
    assert operation(line).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "E0202 expected 'module', found '' <>"),
        ("module @m {}", "E0202 a module has at least one function <{}>"),
        (TINY + "x", "E0202 expected the end of the text"),
        (TINY.replace("[3, 5]", "[3]"), "E0207 a decision has at least two values <one_of [3]>"),
        (TINY.replace("[3, 5]", "[3, 3]"), "E0207 a value occurs twice in the domain <[3, 3]>"),
        (TINY.replace("1..=2 of", "3 of"), "E0207 cannot choose 3 to 3 of 2"),
        (TINY.replace('1..=2 of ["image", "conv"]', "9 of 40"), "E0207 a decision has at most 4096 values"),
        (
            TINY.replace("module @tiny", "module tiny"),
            "E0202 expected a name such as '@conv_bn', found 'tiny'",
        ),
        (
            TINY.replace("network @tiny(", "block @tiny("),
            "E0210 the last function is the entry and must be a network",
        ),
        (
            TINY.replace("-> f32[4, 8, 8] {\n    %h =", "-> f32[4, 8, 9] {\n    %h ="),
            "E0206 '@tiny' returns f32[4, 8, 8] <->>",
        ),
    ],
)
def test_a_bad_module_is_diagnosed(text: str, expected: str) -> None:
    assert problem(text).startswith(expected)


def test_all_errors_are_reported_and_their_consequences_are_not() -> None:
    text = TINY.replace("= conv2d %x", "= conv2 %x").replace("sum %image", "sum %imag")
    with pytest.raises(DiagnosticError) as caught:
        parse_module(text)
    assert [d.label.span.text for d in caught.value.diagnostics] == ["conv2", "%imag"]


def test_nearest_names_are_suggested() -> None:
    with pytest.raises(DiagnosticError, match="did you mean 'conv2d'"):
        parse_module(TINY.replace("= conv2d", "= conv2"))
    with pytest.raises(DiagnosticError, match=re.escape("did you mean '@main.kernel'")):
        parse_module(TINY.replace("@main.kernel // 2", "@main.kernl // 2"))


def test_two_decisions_of_one_name_in_two_modules_do_not_mix() -> None:
    first = parse_module(TINY)
    second = parse_module(TINY.replace("[3, 5]", "[3, 7]"))
    assert print_module(parse_module(print_module(second))) == print_module(second)
    assert first.decisions["main.kernel"].domain == (3, 5)


def only_diagnostics(text: str) -> None:
    try:
        parse_module(text)
    except DiagnosticError as error:
        str(error)


@given(st.text(alphabet=string.printable, max_size=200))
@settings(max_examples=300)
def test_any_text_gives_a_module_or_diagnostics(text: str) -> None:
    only_diagnostics(text)
    only_diagnostics("module @m {" + text)


@given(modules(), st.data())
@settings(max_examples=150)
def test_damaged_modules_give_a_module_or_diagnostics(module: Module, data: st.DataObject) -> None:
    pieces = re.split(r"(\W)", print_module(module))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(pieces) - 1))
        kind = data.draw(st.sampled_from(["drop", "swap", "repeat", "replace"]))
        other = data.draw(st.integers(0, len(pieces) - 1))
        if kind == "drop":
            pieces[at] = ""
        elif kind == "swap":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == "repeat":
            pieces[at] = pieces[at] * 3
        else:
            pieces[at] = data.draw(
                st.sampled_from(["-1", "0", "99999999", '"', "@k", "%0", "[", "inf", "1e300"])
            )
    only_diagnostics("".join(pieces))


def test_comments_before_an_error_do_not_take_for_ever() -> None:
    assert problem("# # " * 5000 + "\n;").startswith("E0201 unexpected character ';'")


def test_a_chain_is_read_as_one() -> None:
    # in two steps its first part would fold to false, which the expression as it was built did not
    decision = f"decision @w : one_of [{', '.join(map(str, range(5000)))}]"
    text = 'require @k == 3 and @k == 5 and @w == 1, "never"'
    head = HEAD.replace("  decision @s", f"  {decision}\n  {text}\n  decision @s")
    module = parse_module(head + BODY.format("%y = relu %x : f32[4, 8, 8]"))
    assert text in print_module(module)
