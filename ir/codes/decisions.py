"""Codes of decisions (E03xx) and requirements (E04xx)."""

from __future__ import annotations

from .code import Code, language_code

CODES: tuple[Code, ...] = (
    language_code(
        "E0301",
        "a choice where none is allowed",
        "Ops, defaults of parameters, `when`, filters and `require` decide nothing.",
        wrong="""
        op f(x) = x |> conv(choose out from [8, 16], kernel=1)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
        right="""
        op f(x; out) = x |> conv(out, kernel=1)
        network n(image: f32[3, 8, 8]) = f(image; choose out from [8, 16])
        """,
    ),
    language_code(
        "E0302",
        "a value stands twice",
        """The alternatives of a decision are all different; two equal ones would be one candidate counted
        twice.""",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=choose kernel from [3, 5, 3])",
        right="network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=choose kernel from [3, 5])",
    ),
    language_code(
        "E0303",
        "two decisions of one name",
        """The name of a decision is its path: the enclosing calls, loops and arms, and the word after
        `choose`. Where two paths are the same, label a call with `as`, or use another word. To share one
        decision, make it once and pass it on as a static argument.""",
        wrong="""
        block f(x) = x |> conv(8, kernel=choose kernel from [3, 5])
        network n(image: f32[3, 8, 8]) = f(image) |> f
        """,
        right="""
        block f(x) = x |> conv(8, kernel=choose kernel from [3, 5])
        network n(image: f32[3, 8, 8]) = f(image) as first |> f as second
        """,
    ),
    language_code(
        "E0304",
        "a cell's alternatives differ",
        """All calls of a cell share its decisions, so they must have the same alternatives in all calls:
        choose a ratio, not a width; put conditions inside arms, not in `when`.""",
        wrong="""
        cell c(x; widths) = x |> conv(choose out from widths, kernel=1)
        network n(image: f32[3, 8, 8]) = image |> c([8, 16]) |> c([16, 32])
        """,
        right="""
        cell c(x; width) = x |> conv(width * (choose ratio from [1, 2]), kernel=1)
        network n(image: f32[3, 8, 8]) = image |> c(8) |> c(16)
        """,
    ),
    language_code(
        "E0305",
        "nothing to choose from",
        "A choice needs at least one alternative: the list is empty, or every `when` is false.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            return choose op { a: relu(image) when false  b: tanh(image) when height(image) == 4 }
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            return choose op { a: relu(image)  b: tanh(image) when height(image) == 8 }
        }
        """,
    ),
    language_code(
        "E0306",
        "cannot choose so many",
        "More members are asked for than there are.",
        wrong="network n(image: f32[3, 8, 8]) = sum(choose 3 inputs from [image, relu(image)])",
        right="network n(image: f32[3, 8, 8]) = sum(choose 2 inputs from [image, relu(image)])",
    ),
    language_code(
        "E0307",
        "too many alternatives",
        "A decision has at most 4096 values. Choose from fewer, or split it; `choose any` needs no split.",
        wrong="network n(image: f32[3, 8, 8]) = sum(choose 9 inputs from [image for i in 0..20])",
        right="network n(image: f32[3, 8, 8]) = sum(choose 3 inputs from [image for i in 0..20])",
    ),
    language_code(
        "E0401",
        "requirement not met",
        "A `require` that does not depend on decisions does not hold.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            require height(image) % 3 == 0, "the height must be a multiple of 3"
            return image
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            require height(image) % 2 == 0, "the height must be even"
            return image
        }
        """,
    ),
    language_code(
        "E0402",
        "price outside a requirement",
        "The size of a network is known only when it is complete, so only `require` may use it.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(params(network), kernel=1)",
        right="""
        network n(image: f32[3, 8, 8]) {
            require params(network) < 1K
            return image |> conv(8, kernel=1)
        }
        """,
    ),
)
