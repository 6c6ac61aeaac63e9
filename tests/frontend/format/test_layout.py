"""The one layout of everything in the language."""

import pytest
from loom_texts import EVERYTHING

from drawloom.frontend import parse as parsing
from drawloom.frontend.format import format_source
from drawloom.frontend.format.layout import _RULES
from drawloom.frontend.parse import parse_concrete
from drawloom.ir import DiagnosticError, Source


def formatted(text: str) -> str:
    return format_source(Source("t.loom", text))


def body(statements: str) -> str:
    """The formatted statements of a block, at the left margin."""
    lines = formatted(f"block f(x) {{\n{statements}\n}}").splitlines()
    assert (lines[0], lines[-1]) == ("block f(x) {", "}")
    return "\n".join(line[4:] for line in lines[1:-1])


def test_every_rule_of_the_grammar_has_a_layout() -> None:
    rules = parsing._grammar(every_token=True).rules
    made = {str(r.alias or r.origin.name) for r in rules if not r.options.expand1}
    assert {name for name in made if not name.startswith("_")} <= set(_RULES)
    used = {part.data for part in parse_concrete(Source("all.loom", EVERYTHING)).iter_subtrees()}
    assert used == set(_RULES)


LONG = "a_name_that_is_as_long_as_names_should_be"

CASES = {
    "pipe": (
        f"return x|>conv({LONG},kernel=3)|>batch_norm|>conv({LONG}, kernel=1) |> relu",
        f"""\
return x
    |> conv({LONG}, kernel=3)
    |> batch_norm
    |> conv({LONG}, kernel=1)
    |> relu""",
    ),
    "sum": (
        f"y = {LONG}-{LONG} * 2+{LONG}",
        f"y = {LONG}\n    - {LONG} * 2\n    + {LONG}",
    ),
    "a bracket after an operator": (
        f"y = x*({LONG} |> f|>g(k={LONG},t={LONG}))",
        f"""\
y = x * (
    {LONG}
    |> f
    |> g(k={LONG}, t={LONG})
)""",
    ),
    "call": (
        f"y = f(x,{LONG};k={LONG},t={LONG})",
        f"y = f(\n    x,\n    {LONG};\n    k={LONG},\n    t={LONG},\n)",
    ),
    "statics alone": (
        f"y = f(;k={LONG},t={LONG},s={LONG})",
        f"y = f(;\n    k={LONG},\n    t={LONG},\n    s={LONG},\n)",
    ),
    "the only argument shares the brackets": (
        f"y = [sum([{LONG}, f({LONG}), f({LONG})])]",
        f"y = [sum([\n    {LONG},\n    f({LONG}),\n    f({LONG}),\n])]",
    ),
    "arms that fit": (
        "y=choose op{none:zeros_like(h),skip:h when s==1,}",
        "y = choose op { none: zeros_like(h)  skip: h when s == 1 }",
    ),
    "arms that do not": (
        f"y = choose op {{ none: zeros_like({LONG})  skip: {LONG} when s == 1, op: x }}",
        f"y = choose op {{\n    none: zeros_like({LONG})\n    skip: {LONG} when s == 1\n    op: x\n}}",
    ),
    "tuples one a line": (
        f"y = [(1,  16),(6, 24), ({LONG}, {LONG}), (3, 4)]",
        f"y = [\n    (1, 16),\n    (6, 24),\n    ({LONG}, {LONG}),\n    (3, 4),\n]",
    ),
    "numbers as many as fit": (
        f"y = [{', '.join(str(n) for n in range(1000, 1025))}]",
        "y = [\n    "
        + ", ".join(str(n) for n in range(1000, 1017))
        + ",\n    "
        + ", ".join(str(n) for n in range(1017, 1025))
        + ",\n]",
    ),
    "comprehension": (
        f"y = [f({LONG}) for edge,(h,s) in {LONG} if {LONG}>1]",
        f"y = [\n    f({LONG})\n    for edge, (h, s) in {LONG}\n    if {LONG} > 1\n]",
    ),
    "if that fits": ("y = if a{1}else if b{2}else{3}", "y = if a { 1 } else if b { 2 } else { 3 }"),
    "if that does not": (
        f"y = if a {{ f({LONG}) }} else if b {{ f({LONG}) }} else {{ x }}",
        f"y = if a {{\n    f({LONG})\n}} else if b {{\n    f({LONG})\n}} else {{\n    x\n}}",
    ),
    "alignment is left out": ("a     = 1\nlonger = 2", "a = 1\nlonger = 2"),
    "numbers stay as written": ("y = [5.3M, 80ms, 1e-3, 1.50, 0.5K]",) * 2,
    "parentheses stay": ("y = ((a)) + (b * c)",) * 2,
    "a tuple of one": ("return (x,)",) * 2,
    "commas before closing brackets": ("y = f([a,],(b,c,),d,;k=1,)", "y = f([a], (b, c), d; k=1)"),
    "one statement a line": (
        "for i,x in xs{for j in 0..=3{y=x}}for k in [] {}",
        "for i, x in xs {\n    for j in 0..=3 {\n        y = x\n    }\n}\nfor k in [] {}",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_statements(case: str) -> None:
    before, after = CASES[case]
    assert body(before) == after


def test_short_definitions_are_on_one_line() -> None:
    assert formatted("op  f( x ;k = 3)\n =\n relu( x )") == "op f(x; k=3) = relu(x)\n"


def test_the_value_of_a_long_definition_is_below() -> None:
    text = f"op f(x; k=3) = x |> conv(k, {LONG}) |> {LONG}(k)"
    head, value = text.split(" = ")
    assert formatted(text) == f"{head} =\n    {value}\n"


def test_parameters_one_a_line() -> None:
    text = f"network n(x: f32[3,8,8], y: i32[4]*; {LONG}=1, k={LONG}, t={LONG}){{return x}}"
    assert formatted(text) == (
        "network n(\n    x: f32[3, 8, 8],\n    y: i32[4]*;\n"
        f"    {LONG}=1,\n    k={LONG},\n    t={LONG},\n) {{\n    return x\n}}\n"
    )


def test_empty_lines() -> None:
    text = (
        '\n\nimport "a"\nimport "b"\nop f(x) = x\nop g(x) = x\n\n\n\nop h(x) = x\n'
        "block b(x) {\n\n\ny = x\nz = y\n\n\n\nreturn z\n\n}\n\n\n"
    )
    assert formatted(text) == (
        'import "a"\nimport "b"\n\nop f(x) = x\nop g(x) = x\n\nop h(x) = x\n\n'
        "block b(x) {\n    y = x\n    z = y\n\n    return z\n}\n"
    )


def test_empty_lines_between_arms_and_items_are_kept() -> None:
    text = f"return choose op {{\n\na: {LONG}\nb: {LONG}\n\n\nc: {LONG}\n}}"
    assert body(text) == f"return choose op {{\n    a: {LONG}\n    b: {LONG}\n\n    c: {LONG}\n}}"
    assert body("y = [f(x),\n\nf(x)]") == "y = [f(x), f(x)]"


def test_comments() -> None:
    text = """
# file

# f
op f(x) = x#behind f
# below f

block b(x, # behind x
        y # behind y
) { # behind the brace
    # first
    y = [ # list
        1, # one
        2 # two
        , 3
        # last
    ]  # end


    # second
    return y # it
    # after all
}
# end of file
"""
    assert (
        formatted(text)
        == """\
# file

# f
op f(x) = x  #behind f
# below f

block b(
    x,  # behind x
    y,  # behind y
) {  # behind the brace
    # first
    y = [  # list
        1,  # one
        2,  # two
        3,
        # last
    ]  # end

    # second
    return y  # it
    # after all
}
# end of file
"""
    )


def test_a_long_comment_breaks_nothing() -> None:
    assert body(f"y = f(x, y)  # {'very ' * 30}long") == f"y = f(x, y)  # {'very ' * 30}long"


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n"])
def test_nothing_stays_nothing(text: str) -> None:
    assert formatted(text) == ""


def test_only_comments() -> None:
    assert formatted("\n\n # a\n\n\n#b") == "# a\n\n#b\n"


def test_every_definition_reports_its_syntax_error() -> None:
    with pytest.raises(DiagnosticError) as error:
        formatted("op f(x) = = x\n\nop g(x) = x\n\nop h(x) = + x\n")
    assert [d.label.span.source.position(d.label.span.start)[0] for d in error.value.diagnostics] == [1, 5]
