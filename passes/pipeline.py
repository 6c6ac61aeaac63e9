r"""Pipelines in text: ``assign{stem.kernel=5},canonicalize,fixpoint(cse,dce)``.

Grammar (white space is allowed between tokens)::

    pipeline: [element ("," element)*]
    element:  NAME ["{" [option ("," option)*] "}"] ["(" pipeline ")"]
    option:   KEY ["=" value]
    value:    WORD | STRING | "[" [(WORD | STRING) ("," (WORD | STRING))*] "]"

A KEY may be a decision's name with dots and brackets (``a.node[2].edge[1].op``); a WORD has none of
``, = { } ( ) [ ] "`` and no white space; a STRING is quoted and knows ``\"`` and ``\\``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from drawloom.ir import Diagnostic, DiagnosticError, Label, Source, Span, suggest

from .base import Option, Pass, PassSpec
from .registry import PASSES, PassRegistry

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KEY = re.compile(r'[^\s,={}()"]+')
_WORD = re.compile(r'[^\s,={}()\[\]"]+')
_STRING = re.compile(r'"((?:[^"\\\n]|\\["\\])*)"')
_SPACE = re.compile(r"\s*")
_MAX_NESTING = 16


def parse_pipeline(text: str, registry: PassRegistry = PASSES) -> tuple[Pass, ...]:
    """The passes of a pipeline.

    Raises:
        DiagnosticError: on a mistake in the text, with a caret under it (source ``<pipeline>``).
        UserError: when a registered pass cannot be imported.
    """
    return tuple(_build(spec, registry) for spec in parse_specs(text))


def parse_specs(text: str) -> tuple[PassSpec, ...]:
    """The pipeline as written, without looking up any pass; see `parse_pipeline` for errors."""
    return _Parser(Source("<pipeline>", text)).whole()


def pipeline_text(passes: Iterable[Pass]) -> str:
    """The text of a pipeline; `parse_pipeline` reads it back."""
    return ",".join(p.spec() for p in passes)


def _build(spec: PassSpec, registry: PassRegistry) -> Pass:
    if spec.name not in registry:
        near = suggest(spec.name, registry.names())
        help = f"did you mean '{near}'?" if near else f"known: {', '.join(sorted(registry.names()))}"
        raise _error("E0902", f"unknown pass '{spec.name}'", spec.span, help)
    return registry.load(spec.name).from_spec(spec, tuple(_build(child, registry) for child in spec.children))


class _Parser:
    """A scanner without a lexer: what a bracket means depends on whether a key or a value is read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0

    def whole(self) -> tuple[PassSpec, ...]:
        self.skip()
        if self.at == len(self.text):
            return ()
        result = self.pipeline(0)
        if self.at < len(self.text):
            raise self.unexpected("',' or the end of the pipeline")
        return result

    def pipeline(self, depth: int) -> tuple[PassSpec, ...]:
        elements = [self.element(depth)]
        while self.accept(","):
            elements.append(self.element(depth))
        return tuple(elements)

    def element(self, depth: int) -> PassSpec:
        name, span = self.match(_NAME, "the name of a pass")
        options: list[Option] = []
        if self.accept("{") and not self.accept("}"):
            options.append(self.option())
            while self.accept(","):
                options.append(self.option())
            self.expect("}", "',' or '}'")
        children: tuple[PassSpec, ...] = ()
        if self.accept("("):
            if depth == _MAX_NESTING:
                raise _error("E0901", f"passes are nested more than {_MAX_NESTING} deep", span)
            children = self.pipeline(depth + 1)
            self.expect(")", "',' or ')'")
        return PassSpec(name, tuple(options), children, span)

    def option(self) -> Option:
        name, span = self.match(_KEY, "an option")
        values: list[str] = []
        listed = False
        if self.accept("="):
            listed = self.accept("[")
            if not listed:
                values.append(self.value())
            elif not self.accept("]"):
                values.append(self.value())
                while self.accept(","):
                    values.append(self.value())
                self.expect("]", "',' or ']'")
        return Option(name, tuple(values), listed, Span(self.source, span.start, self.end))

    def value(self) -> str:
        if self.text.startswith('"', self.at):
            found = _STRING.match(self.text, self.at)
            if found is None:
                raise _error(
                    "E0901", "a text without its closing '\"'", Span(self.source, self.at, len(self.text))
                )
            self.advance(found.end())
            return re.sub(r"\\(.)", r"\1", found[1])
        return self.match(_WORD, "a value")[0]

    def match(self, pattern: re.Pattern[str], expected: str) -> tuple[str, Span]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.unexpected(expected)
        span = Span(self.source, self.at, found.end())
        self.advance(found.end())
        return found[0], span

    def accept(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.advance(self.at + len(sign))
        return True

    def expect(self, sign: str, expected: str) -> None:
        if not self.accept(sign):
            raise self.unexpected(expected)

    def advance(self, end: int) -> None:
        self.end = end
        self.at = end
        self.skip()

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found is not None else self.at

    def unexpected(self, expected: str) -> DiagnosticError:
        if self.at >= len(self.text):
            span = Span(self.source, len(self.text), len(self.text))
            return _error("E0901", f"the pipeline ends where {expected} is expected", span)
        span = Span(self.source, self.at, self.at + 1)
        return _error(
            "E0901", f"unexpected '{self.text[self.at]}' in the pipeline", span, f"expected {expected}"
        )


def _error(code: str, message: str, span: Span, help: str | None = None) -> DiagnosticError:
    return DiagnosticError([Diagnostic(code, message, Label(span), help=help)])
