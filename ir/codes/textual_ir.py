"""Codes of the textual IR (E02xx)."""

from __future__ import annotations

from .code import Code, textual_ir_code

CODES: tuple[Code, ...] = (
    textual_ir_code(
        "E0201",
        "unknown sign in the textual IR",
        "The textual IR does not have this character, or a text in quotes is not closed on its line.",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu $x : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0202",
        "unexpected text in the textual IR",
        """The text does not follow the grammar of the textual IR. Where the offending word is on a later
        line, the end of the word before it is marked.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0203",
        "unknown name in the textual IR",
        """An operation, attribute, value, function, decision or element type of this name does not exist, or
        is not defined above.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relo %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0204",
        "defined twice in the textual IR",
        "A decision, function, value or attribute stands twice in its scope.",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            %y = tanh %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            %z = tanh %y : f32[4, 8, 8]
            return %z
          }
        }
        """,
    ),
    textual_ir_code(
        "E0205",
        "an operation of the textual IR does not fit",
        """The operands or attributes of an operation do not fit together, or a call does not fit its
        function.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = add %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = add %x, %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0206",
        "a type that is not the computed one",
        """Types in the textual IR are redundant, and one that is not what its operation computes shows a
        mistake.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 9]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = relu %x : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0207",
        "a decision without a proper domain",
        "A decision has at least two values, none of them twice, and a label for each where it has any.",
        wrong="""
        module @m {
          decision @k : one_of [3, 3]
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=@k, pad=@k // 2, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          decision @k : one_of [3, 5]
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=@k, pad=@k // 2, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0208",
        "an expression that has no value",
        """An expression over decisions cannot be computed, or one of its operands has the wrong kind of
        value.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad="a" // 2, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad=3 // 2, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0209",
        "too deep, or too large a number",
        "A text of the IR is nested more deeply, or has a larger number, than any real module.",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad=9999999999999999999999999, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad=1, param="conv"} : f32[4, 8, 8]
            return %y
          }
        }
        """,
    ),
    textual_ir_code(
        "E0210",
        "a rule of the IR is broken",
        """The module reads well but breaks a rule that every module keeps; `drawloom.ir.verifier` lists
        them.""",
        wrong="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad=1, param="conv"} : f32[4, 8, 8]
            %z = conv2d %y {out=4, kernel=1, param="conv"} : f32[4, 8, 8]
            return %z
          }
        }
        """,
        right="""
        module @m {
          network @m(%x: f32[4, 8, 8]) -> f32[4, 8, 8] {
            %y = conv2d %x {out=4, kernel=3, pad=1, param="first"} : f32[4, 8, 8]
            %z = conv2d %y {out=4, kernel=3, pad=1, param="second"} : f32[4, 8, 8]
            return %z
          }
        }
        """,
    ),
)
