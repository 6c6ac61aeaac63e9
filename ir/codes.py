"""Every code a diagnostic can carry: its title, what it means, and a text of the language that provokes it.

Families: E00xx syntax, E01xx names and calls, E02xx the textual IR, E03xx decisions, E04xx requirements,
E05xx values and operations, E07xx limits, E08xx what this version does not support, E09xx pipelines.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from .codes_text import CODES as TEXT_CODES


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code means.

    Attributes:
        code: such as ``E0303``.
        title: a few words.
        explanation: what is wrong and what to do about it.
        example: a `.loom` text that provokes it; empty for codes of other texts.
    """

    code: str
    title: str
    explanation: str
    example: str = ""


def _code(code: str, title: str, explanation: str, example: str) -> Code:
    return Code(code, title, " ".join(explanation.split()), dedent(example).strip() + "\n")


_LANGUAGE = (
    _code(
        "E0001",
        "unexpected text",
        """The text does not follow the grammar at this place. The message says what could stand there. When
        the offending word is on a later line, the end of the line before it is marked: something is
        unfinished there.""",
        """
        network n(image: f32[3, 8, 8]) {
            x = image +
            return x
        }
        """,
    ),
    _code(
        "E0002",
        "unclosed bracket",
        "A bracket is opened and never closed, or another kind of bracket closes first.",
        """
        network n(image: f32[3, 8, 8]) {
            return relu(image
        }
        """,
    ),
    _code(
        "E0003",
        "`if` without `else`",
        """There is no `if` statement. `if` is an expression, so it needs a value for both cases: `h = if s ==
        1 { x } else { h }`.""",
        """
        network n(image: f32[3, 8, 8]) {
            x = if height(image) == 8 { image }
            return x
        }
        """,
    ),
    _code(
        "E0004",
        "stray semicolon",
        """Statements need no separator. `;` stands once in the parentheses of a call or a definition, between
        tensors and static arguments.""",
        """
        network n(image: f32[3, 8, 8]) {
            x = relu(image);
            return x
        }
        """,
    ),
    _code(
        "E0005",
        "unknown sign",
        "The language does not have this sign.",
        """
        network n(image: f32[3, 8, 8]) = image & image
        """,
    ),
    _code(
        "E0006",
        "text too long or nested too deeply",
        """A file, or an expression in it, is beyond the limits that keep hostile texts from hanging the
        compiler.""",
        "network n(image: f32[3, 8, 8]) = relu(image |> conv(" + "-" * 200 + "1))",
    ),
    _code(
        "E0007",
        "malformed number",
        "Numbers look like 3, 0.75, 1e-5, 5.3M; the suffixes are K, M, G, us and ms.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(3x, kernel=1)
        """,
    ),
    _code(
        "E0008",
        "unclosed text",
        "A text in quotes ends on the line where it begins.",
        """
        network n(image: f32[3, 8, 8]) {
            require height(image) == 8, "must be eight
            return image
        }
        """,
    ),
    _code(
        "E0101",
        "unknown name",
        """Nothing of this name is defined before this place: no variable, parameter, definition, primitive
        operation or built-in function. A name that only skipped iterations of a loop define counts
        as undefined.""",
        """
        network n(image: f32[3, 8, 8]) = imaeg |> relu
        """,
    ),
    _code(
        "E0102",
        "defined twice",
        "Two definitions of a file, or of the files it imports, have one name.",
        """
        op f(x) = relu(x)
        op f(x) = tanh(x)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    _code(
        "E0103",
        "unknown parameter",
        "A call names a parameter that the callee does not have.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(8, kernal=3)
        """,
    ),
    _code(
        "E0104",
        "missing argument",
        "A call lacks an argument: a tensor before the `;`, or a static argument without default after it.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(8)
        """,
    ),
    _code(
        "E0105",
        "misplaced argument",
        """A call has too many arguments, a static argument before the `;`, or an argument without a name
        after
        one with a name.""",
        """
        network n(image: f32[3, 8, 8]) = conv(image, kernel=3)
        """,
    ),
    _code(
        "E0106",
        "no network, or several",
        "A file is elaborated from its network. Where it has several, ask for one by name.",
        """
        op f(x) = relu(x)
        """,
    ),
    _code(
        "E0107",
        "import that cannot be read",
        "`import` takes the relative path of a .loom file that exists, and imports must not form a circle.",
        """
        import "there_is_no_such_file.loom"
        network n(image: f32[3, 8, 8]) = image
        """,
    ),
    _code(
        "E0108",
        "given twice",
        "A call gives an argument twice, or a definition has two parameters of one name.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(8, out=8, kernel=3)
        """,
    ),
    _code(
        "E0109",
        "cannot be called",
        "Only definitions, primitive operations and built-in functions can be called, and networks cannot.",
        """
        network n(image: f32[3, 8, 8]) {
            height = 8
            return image |> conv(height(image), kernel=1)
        }
        """,
    ),
    _code(
        "E0110",
        "recursion",
        "A definition must not call itself, directly or through others: elaboration would never end.",
        """
        block f(x) = relu(f(x))
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    _code(
        "E0111",
        "an op calls a block or cell",
        """An op is a leaf that is fused, measured and timed as one unit; it may call only primitives and
        other ops.""",
        """
        block f(x) = relu(x)
        op g(x) = f(x)
        network n(image: f32[3, 8, 8]) = g(image)
        """,
    ),
    _code(
        "E0112",
        "network input without a type",
        """The inputs of a network are single tensors of declared types, without the batch: `image: f32[3,
        224, 224]`.""",
        """
        network n(image) = image
        """,
    ),
    _code(
        "E0301",
        "a choice where none is allowed",
        "Ops, defaults of parameters, `when`, filters and `require` decide nothing.",
        """
        op f(x) = x |> conv(choose out from [8, 16], kernel=1)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    _code(
        "E0302",
        "a value stands twice",
        """The alternatives of a decision are all different; two equal ones would be one candidate counted
        twice.""",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=choose kernel from [3, 5, 3])
        """,
    ),
    _code(
        "E0303",
        "two decisions of one name",
        """The name of a decision is its path: the enclosing calls, loops and arms, and the word after
        `choose`. Where two paths are the same, label a call with `as`, or use another word. To
        share one decision, make it once and pass it on as a static argument.""",
        """
        block f(x) = x |> conv(8, kernel=choose kernel from [3, 5])
        network n(image: f32[3, 8, 8]) = f(image) |> f
        """,
    ),
    _code(
        "E0304",
        "a cell's alternatives differ",
        """All calls of a cell share its decisions, so they must have the same alternatives in all calls:
        choose a ratio, not a width; put conditions inside arms, not in `when`.""",
        """
        cell c(x; widths) = x |> conv(choose out from widths, kernel=1)
        network n(image: f32[3, 8, 8]) = image |> c([8, 16]) |> c([16, 32])
        """,
    ),
    _code(
        "E0305",
        "nothing to choose from",
        "A choice needs at least one alternative: the list is empty, or every `when` is false.",
        """
        network n(image: f32[3, 8, 8]) = choose op { a: relu(image) when false }
        """,
    ),
    _code(
        "E0306",
        "cannot choose so many",
        "More members are asked for than there are.",
        """
        network n(image: f32[3, 8, 8]) = sum(choose 3 inputs from [image, relu(image)])
        """,
    ),
    _code(
        "E0307",
        "too many alternatives",
        "A decision has at most 4096 values. Split it into several decisions.",
        """
        network n(image: f32[3, 8, 8]) = sum(choose any inputs from [image for i in 0..20])
        """,
    ),
    _code(
        "E0401",
        "requirement not met",
        "A `require` that does not depend on decisions does not hold.",
        """
        network n(image: f32[3, 8, 8]) {
            require height(image) % 3 == 0, "the height must be a multiple of 3"
            return image
        }
        """,
    ),
    _code(
        "E0402",
        "price outside a requirement",
        "The size of a network is known only when it is complete, so only `require` may use it.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(params(network), kernel=1)
        """,
    ),
    _code(
        "E0501",
        "wrong kind of value",
        "Another kind of value is needed here: a tensor, a number, a list.",
        """
        network n(image: f32[3, 8, 8]) = image + 1
        """,
    ),
    _code(
        "E0502",
        "an operation does not fit",
        "The tensors or attributes of an operation do not fit together.",
        """
        network n(image: f32[3, 8, 8]) = image + conv(image; 8, kernel=3)
        """,
    ),
    _code(
        "E0503",
        "out of range",
        "An index, a bound or a dimension is out of range.",
        """
        network n(image: f32[3, 8, 8]) = [image, relu(image)][2]
        """,
    ),
    _code(
        "E0504",
        "no such number",
        "A division by zero, or a number beyond the limits.",
        """
        network n(image: f32[3, 8, 8]) = image |> conv(8 // (height(image) - 8), kernel=1)
        """,
    ),
    _code(
        "E0505",
        "cannot be taken apart",
        "There are more or fewer names than values.",
        """
        network n(image: f32[3, 8, 8]) {
            a, b = [image, image, image]
            return a
        }
        """,
    ),
    _code(
        "E0506",
        "must not depend on a decision",
        "`when`, slices, positions and numbers of members must be known without decisions.",
        """
        network n(image: f32[3, 8, 8]) {
            k = choose k from [1, 2]
            return sum([image, relu(image), tanh(image)][..k])
        }
        """,
    ),
    _code(
        "E0507",
        "alternatives of different kinds",
        "All alternatives of a decision are tensors, or all are numbers, and so on.",
        """
        network n(image: f32[3, 8, 8]) = choose op { a: image  b: 3 }
        """,
    ),
    _code(
        "E0508",
        "`return` missing or misplaced",
        "A body has one `return`, as its last statement and outside loops.",
        """
        network n(image: f32[3, 8, 8]) { x = relu(image) }
        """,
    ),
    _code(
        "E0509",
        "an empty list of tensors",
        """`sum` and `concat` need tensors. A `concat` must have at least one for every candidate: choose
        `1..=n` instead of `any`, or add one that is always there.""",
        """
        network n(image: f32[3, 8, 8]) = concat(choose any inputs from [image, relu(image)])
        """,
    ),
    _code(
        "E0701",
        "too large",
        "Elaboration passes a limit on steps, operations, decisions, list lengths or nesting of calls.",
        """
        network n(image: f32[3, 8, 8]) {
            for i in 0..1000000 { image = relu(image) }
            return image
        }
        """,
    ),
    _code(
        "E0801",
        "not supported yet",
        "A part of the language that this version does not elaborate.",
        """
        network n(image: f32[3, 8, 8]) = wire(image; node=relu)
        """,
    ),
    _code(
        "E0802",
        "not supported yet for optional members",
        """A list whose members may be absent, such as a k-of-n choice, can be summed, concatenated and mapped
        by a comprehension, but not used in this way.""",
        """
        network n(image: f32[3, 8, 8]) {
            xs = choose any xs from [image, relu(image)]
            for x in xs { image = image + x }
            return image
        }
        """,
    ),
)

_OTHERS = tuple(Code(code, text, text) for code, text in TEXT_CODES.items())

CODES: dict[str, Code] = {c.code: c for c in sorted((*_LANGUAGE, *_OTHERS), key=lambda c: c.code)}
"""All codes."""
