"""What a diagnostic code means, and a text that provokes it beside the same text repaired."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, fill


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code means.

    Attributes:
        code: such as ``E0303``.
        title: a few words.
        explanation: what is wrong and what to do about it.
        kind: what kind of text the examples are: ``loom``, ``ir`` or ``pipeline``.
        wrong: a text that provokes it.
        right: that text repaired.
    """

    code: str
    title: str
    explanation: str
    kind: str
    wrong: str
    right: str

    def text(self) -> str:
        """The whole explanation in Markdown, as `drawloom explain` and editors show it."""
        return (
            f"{self.code}: {self.title}\n\n{fill(self.explanation, 100)}\n\n"
            f"Wrong:\n\n{_fenced(self.kind, self.wrong)}\n\nRight:\n\n{_fenced(self.kind, self.right)}\n"
        )


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text.rstrip()}\n```"


def language_code(code: str, title: str, explanation: str, *, wrong: str, right: str) -> Code:
    """A code of `.loom` texts."""
    return _code(code, title, explanation, "loom", wrong, right)


def textual_ir_code(code: str, title: str, explanation: str, *, wrong: str, right: str) -> Code:
    """A code of `.ir` texts."""
    return _code(code, title, explanation, "ir", wrong, right)


def pipeline_code(code: str, title: str, explanation: str, *, wrong: str, right: str) -> Code:
    """A code of pipelines, as after `drawloom opt -p`."""
    return _code(code, title, explanation, "pipeline", wrong, right)


def _code(code: str, title: str, explanation: str, kind: str, wrong: str, right: str) -> Code:
    texts = (dedent(text).strip() + "\n" for text in (wrong, right))
    return Code(code, title, " ".join(explanation.split()), kind, *texts)
