"""Codes of values and operations (E05xx) and limits (E07xx)."""

from __future__ import annotations

from .code import Code, language_code

CODES: tuple[Code, ...] = (
    language_code(
        "E0501",
        "wrong kind of value",
        "Another kind of value is needed here: a tensor, a number, a list.",
        wrong='network n(image: f32[3, 8, 8]) = image + "1"',
        right="network n(image: f32[3, 8, 8]) = image + relu(image)",
    ),
    language_code(
        "E0502",
        "an operation does not fit",
        "The tensors or attributes of an operation do not fit together.",
        wrong="network n(image: f32[3, 8, 8]) = image + conv(image; 8, kernel=3)",
        right="network n(image: f32[3, 8, 8]) = image + conv(image; 3, kernel=3)",
    ),
    language_code(
        "E0503",
        "out of range",
        "An index, a bound or a dimension is out of range.",
        wrong="network n(image: f32[3, 8, 8]) = [image, relu(image)][2]",
        right="network n(image: f32[3, 8, 8]) = [image, relu(image)][1]",
    ),
    language_code(
        "E0504",
        "no such number",
        "A division by zero, or a number beyond the limits.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(8 // (height(image) - 8), kernel=1)",
        right="network n(image: f32[3, 8, 8]) = image |> conv(8 // (height(image) - 7), kernel=1)",
    ),
    language_code(
        "E0505",
        "cannot be taken apart",
        "There are more or fewer names than values.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            a, b = [image, image, image]
            return a
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            a, b = [image, image]
            return a
        }
        """,
    ),
    language_code(
        "E0506",
        "must not depend on a decision",
        "`when`, slices, positions and numbers of members must be known without decisions.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            k = choose k from [1, 2]
            return sum([image, relu(image), tanh(image)][..k])
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            return sum(choose 1..=2 inputs from [image, relu(image), tanh(image)])
        }
        """,
    ),
    language_code(
        "E0507",
        "alternatives of different kinds",
        "All alternatives of a decision are tensors, or all are numbers, and so on.",
        wrong="network n(image: f32[3, 8, 8]) = choose op { a: image  b: 3 }",
        right="network n(image: f32[3, 8, 8]) = choose op { a: image  b: relu(image) }",
    ),
    language_code(
        "E0508",
        "`return` missing or misplaced",
        "A body has one `return`, as its last statement and outside loops.",
        wrong="network n(image: f32[3, 8, 8]) { x = relu(image) }",
        right="network n(image: f32[3, 8, 8]) { return relu(image) }",
    ),
    language_code(
        "E0509",
        "an empty list of tensors",
        """`sum` and `concat` need tensors. A `concat` must have at least one for every candidate: choose
        `1..=n` instead of `any`, or add one that is always there.""",
        wrong="network n(image: f32[3, 8, 8]) = concat(choose any inputs from [image, relu(image)])",
        right="network n(image: f32[3, 8, 8]) = concat(choose 1..=2 inputs from [image, relu(image)])",
    ),
    language_code(
        "E0510",
        "elements that may be absent",
        """The length of a list whose elements may be absent, such as a k-of-n choice, depends on decisions.
        It can be summed, concatenated, looped over, mapped by a comprehension and indexed by a position among
        its present elements, but neither chosen from nor taken apart.""",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            xs = choose 1..=2 xs from [image, relu(image)]
            a, b = xs
            return a + b
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            xs = choose 1..=2 xs from [image, relu(image)]
            return sum(xs)
        }
        """,
    ),
    language_code(
        "E0701",
        "too large",
        "Elaboration passes a limit on steps, operations, decisions, list lengths or nesting of calls.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            for i in 0..1000000 { image = relu(image) }
            return image
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            for i in 0..10 { image = relu(image) }
            return image
        }
        """,
    ),
)
