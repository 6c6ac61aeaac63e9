"""Codes of the syntax of the language (E00xx)."""

from __future__ import annotations

from .code import Code, language_code

CODES: tuple[Code, ...] = (
    language_code(
        "E0001",
        "unexpected text",
        """The text does not follow the grammar at this place. The message says what could stand there. When
        the offending word is on a later line, the end of the line before it is marked: something is
        unfinished there.""",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            x = image +
            return x
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            x = image + image
            return x
        }
        """,
    ),
    language_code(
        "E0002",
        "unclosed bracket",
        "A bracket is opened and never closed, or another kind of bracket closes first.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            return relu(image
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            return relu(image)
        }
        """,
    ),
    language_code(
        "E0003",
        "`if` without `else`",
        """There is no `if` statement. `if` is an expression, so it needs a value for both cases: `h = if s
        == 1 { x } else { h }`.""",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            x = if height(image) == 8 { image }
            return x
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            x = if height(image) == 8 { image } else { relu(image) }
            return x
        }
        """,
    ),
    language_code(
        "E0004",
        "stray semicolon",
        """Statements need no separator. `;` stands once in the parentheses of a call or a definition,
        between tensors and static arguments.""",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            x = relu(image);
            return x
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            x = relu(image)
            return x
        }
        """,
    ),
    language_code(
        "E0005",
        "unknown sign",
        "The language does not have this sign.",
        wrong="network n(image: f32[3, 8, 8]) = image |> relu ? relu",
        right="network n(image: f32[3, 8, 8]) = image |> relu",
    ),
    language_code(
        "E0006",
        "text too long or nested too deeply",
        """A file, or an expression in it, is beyond the limits that keep hostile texts from hanging the
        compiler.""",
        wrong=f"network n(image: f32[3, 8, 8]) = relu(image |> conv({'-' * 200}1, kernel=1))",
        right="network n(image: f32[3, 8, 8]) = relu(image |> conv(1, kernel=1))",
    ),
    language_code(
        "E0007",
        "malformed number",
        "Numbers look like 3, 0.75, 1e-5, 5.3M; the suffixes are K, M, G, us and ms.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(3x, kernel=1)",
        right="network n(image: f32[3, 8, 8]) = image |> conv(3, kernel=1)",
    ),
    language_code(
        "E0008",
        "unclosed text",
        "A text in quotes ends on the line where it begins.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            require height(image) == 8, "must be eight
            return image
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            require height(image) == 8, "must be eight"
            return image
        }
        """,
    ),
)
