"""Codes of names and calls (E01xx)."""

from __future__ import annotations

from .code import Code, language_code

CODES: tuple[Code, ...] = (
    language_code(
        "E0101",
        "unknown name",
        """Nothing of this name is defined before this place: no variable, parameter, definition, primitive
        operation or built-in function. A name that only skipped iterations of a loop define counts as
        undefined.""",
        wrong="network n(image: f32[3, 8, 8]) = imaeg |> relu",
        right="network n(image: f32[3, 8, 8]) = image |> relu",
    ),
    language_code(
        "E0102",
        "defined twice",
        """Two definitions of a file, or of the files it imports, have one name. With
        `import "other.loom" as other` its names are kept apart: write `other.f`.""",
        wrong="""
        op f(x) = relu(x)
        op f(x) = tanh(x)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
        right="""
        op f(x) = relu(x)
        op g(x) = tanh(x)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    language_code(
        "E0103",
        "unknown parameter",
        "A call names a parameter that the callee does not have.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(8, kernal=3)",
        right="network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=3)",
    ),
    language_code(
        "E0104",
        "missing argument",
        "A call lacks an argument: a tensor before the `;`, or a static argument without default after it.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(8)",
        right="network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=3)",
    ),
    language_code(
        "E0105",
        "misplaced argument",
        """A call has too many arguments, a static argument before the `;`, or an argument without a name
        after one with a name.""",
        wrong="network n(image: f32[3, 8, 8]) = conv(image, kernel=3)",
        right="network n(image: f32[3, 8, 8]) = conv(image; 8, kernel=3)",
    ),
    language_code(
        "E0106",
        "no network, or several",
        "A file is elaborated from its network. Where it has several, ask for one by name.",
        wrong="op f(x) = relu(x)",
        right="""
        op f(x) = relu(x)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    language_code(
        "E0107",
        "import that cannot be read",
        "`import` takes the relative path of a .loom file that exists, and imports must not form a circle.",
        wrong="""
        import "there_is_no_such_file.loom"
        network n(image: f32[3, 8, 8]) = image
        """,
        right="""
        op f(x) = relu(x)
        network n(image: f32[3, 8, 8]) = f(image)
        """,
    ),
    language_code(
        "E0108",
        "given twice",
        "A call gives an argument twice, or a definition has two parameters of one name.",
        wrong="network n(image: f32[3, 8, 8]) = image |> conv(8, out=8, kernel=3)",
        right="network n(image: f32[3, 8, 8]) = image |> conv(8, kernel=3)",
    ),
    language_code(
        "E0109",
        "cannot be called",
        "Only definitions, primitive operations and built-in functions can be called, and networks only by"
        " networks.",
        wrong="""
        network n(image: f32[3, 8, 8]) {
            height = 8
            return image |> conv(height(image), kernel=1)
        }
        """,
        right="""
        network n(image: f32[3, 8, 8]) {
            size = 8
            return image |> conv(height(image), kernel=1)
        }
        """,
    ),
    language_code(
        "E0110",
        "recursion",
        "A definition must not call itself, directly or through others: elaboration would never end.",
        wrong="""
        block f(x) = relu(f(x))
        network n(image: f32[3, 8, 8]) = f(image)
        """,
        right="""
        block f(x) = relu(x)
        network n(image: f32[3, 8, 8]) = f(image) |> f
        """,
    ),
    language_code(
        "E0111",
        "an op calls a block or cell",
        """An op is a leaf that is fused, measured and timed as one unit; it may call only primitives and
        other ops.""",
        wrong="""
        block f(x) = relu(x)
        op g(x) = f(x)
        network n(image: f32[3, 8, 8]) = g(image)
        """,
        right="""
        op f(x) = relu(x)
        op g(x) = f(x)
        network n(image: f32[3, 8, 8]) = g(image)
        """,
    ),
    language_code(
        "E0112",
        "network input without a type",
        """The inputs of a network are single tensors of declared types, without the batch: `image: f32[3,
        224, 224]`.""",
        wrong="network n(image) = image",
        right="network n(image: f32[3, 8, 8]) = image",
    ),
)
