"""What a pass is: a frozen dataclass whose fields are its options, with a text form and a `run`."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from drawloom.ir import Diagnostic, DiagnosticError, Label, Module, Span, choice_text, suggest

if TYPE_CHECKING:
    from .registry import PassRegistry
    from .trace import Rewrite


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a pass as written in a pipeline: ``n=2``, ``stem.kernel=5``, ``op=[a,b]`` or a lone flag.

    Attributes:
        name: what stands before the ``=``.
        values: the texts after it; one, or those of a bracketed list.
        listed: whether it was a list in brackets.
        span: the whole option.
    """

    name: str
    values: tuple[str, ...]
    listed: bool
    span: Span


@dataclass(frozen=True, slots=True)
class PassSpec:
    """One element of a pipeline as written: ``name{options}(children)``.

    Attributes:
        name: the pass.
        options: in order of writing.
        children: the pipeline in parentheses, for combinators such as ``fixpoint``.
        span: the name.
    """

    name: str
    options: tuple[Option, ...]
    children: tuple[PassSpec, ...]
    span: Span


@dataclass
class Context:
    """What passes share during one run of a pipeline.

    Attributes:
        registry: the passes that exist.
        seed: base of the random numbers of this run; see `rng`.
        weights: the weights that belong to the module, by full name, or None; a pass that rewrites weights
            replaces this mapping.
        statistics: counts that passes report, by pass name and then by what is counted.
        on_rewrite: is told of every rewriting by a rule, or None.
    """

    registry: PassRegistry
    seed: int = 0
    weights: Mapping[str, npt.NDArray[Any]] | None = None
    statistics: dict[str, dict[str, int]] = field(default_factory=dict)
    on_rewrite: Callable[[Rewrite], None] | None = None

    def count(self, name: str, what: str, n: int = 1) -> None:
        """Add to a statistic: pass `name` did `what` `n` times."""
        table = self.statistics.setdefault(name, {})
        table[what] = table.get(what, 0) + n

    def rewritten(self, rewrite: Rewrite) -> None:
        """Say that a rule has rewritten an operation."""
        if self.on_rewrite is not None:
            self.on_rewrite(rewrite)

    def rng(self, seed: int = 0) -> np.random.Generator:
        """A fresh generator that depends only on the seeds of the run and of the pass."""
        return np.random.default_rng([self.seed, seed])


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of a module. Valid IR in, valid IR out; modules are never changed in place.

    A subclass is a frozen dataclass. Its fields are its options; all have defaults unless the pass makes no
    sense without them. Types of options: ``int``, ``float``, ``bool``, ``str``, ``X | None``, ``tuple[X,
    ...]`` and at most one ``Mapping[str, X]``, which collects every option whose name is not a field
    (``assign{stem.kernel=5}``). Underscores in field names are written as dashes. A pass that changes
    nothing returns the module it was given, the same object.

    Class attributes:
        name: kebab-case name in pipelines.

    Example:
        >>> @dataclass(frozen=True)
        ... class Nothing(Pass):
        ...     name: ClassVar[str] = "nothing"
        ...     times: int = 1
        ...     def run(self, module, context): return module
        >>> Nothing(times=3).spec()
        'nothing{times=3}'
    """

    name: ClassVar[str] = ""

    @abstractmethod
    def run(self, module: Module, context: Context) -> Module:
        """The transformed module.

        Raises:
            UserError: when the options do not fit the module (an unknown decision, no decision left to
                mutate).
        """

    @property
    def passes(self) -> tuple[Pass, ...]:
        """The passes a combinator runs; empty for all others."""
        return ()

    def spec(self) -> str:
        """The text that stands for this pass in a pipeline; options at their defaults are left out."""
        written = list(self._written_options())
        text = self.name + (f"{{{','.join(written)}}}" if written else "")
        return text + (f"({','.join(p.spec() for p in self.passes)})" if self.passes else "")

    @classmethod
    def from_spec(cls, spec: PassSpec, children: tuple[Pass, ...] = ()) -> Self:
        """The pass a spec stands for.

        Args:
            spec: as parsed from a pipeline.
            children: passes made from its children; only combinators take any.

        Raises:
            DiagnosticError: on an unknown, repeated, missing or ill-typed option, with a caret under it.
        """
        if children:
            raise _error("E0905", f"pass '{cls.name}' takes no passes in parentheses", spec.span)
        return cls(**cls.parse_options(spec))

    @classmethod
    def parse_options(cls, spec: PassSpec) -> dict[str, Any]:
        """The fields of this pass that a spec's options give; see `from_spec` for errors."""
        hints = _option_types(cls)
        rest = next((name for name, hint in hints.items() if _is_mapping(hint)), None)
        named = {name.replace("_", "-"): name for name in hints if name != rest}
        given: dict[str, Any] = {}
        collected: dict[str, Any] = {}
        for option in spec.options:
            name = named.get(option.name)
            if name is None and rest is None:
                raise _unknown_option(cls.name, option, named)
            target, key = (given, name) if name is not None else (collected, option.name)
            if key in target:
                raise _error("E0903", f"option '{option.name}' is given twice", option.span)
            hint = hints[name] if name is not None else typing.get_args(hints[rest or ""])[1]
            target[key] = _convert(hint, option)
        if rest is not None and collected:
            given[rest] = collected
        for missing in _required(cls) - given.keys():
            raise _error(
                "E0904", f"pass '{cls.name}' needs the option '{missing.replace('_', '-')}'", spec.span
            )
        return given

    def _written_options(self) -> Iterator[str]:
        hints = _option_types(type(self))
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name not in hints or value == _default(f):
                continue
            if isinstance(value, Mapping):
                yield from (f"{key}={_option_text(v)}" for key, v in value.items())
            else:
                yield f"{f.name.replace('_', '-')}={_option_text(value)}"


def _default(f: dataclasses.Field[Any]) -> Any:
    return f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default


def _required(cls: type[Pass]) -> set[str]:
    hints = _option_types(cls)
    return {f.name for f in dataclasses.fields(cls) if f.name in hints and _default(f) is dataclasses.MISSING}


@functools.cache
def _option_types(cls: type[Pass]) -> dict[str, Any]:
    """Types of the fields that are options: all but those with ``metadata={"option": False}``."""
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls) if f.metadata.get("option", True)}


def _is_mapping(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-*/@:%<>!?~^|&$")
"""Characters that an option's value may have without quotes."""


def _option_text(value: Any) -> str:
    if isinstance(value, (list, tuple)) and not (
        isinstance(value, tuple) and value and all(type(v) is int for v in value)
    ):
        return "[" + ",".join(_option_text(v) for v in value) + "]"
    text = choice_text(value)
    plain = text != "" and all(c in _PLAIN for c in text)
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _convert(hint: Any, option: Option) -> Any:
    """The value of an option in the type of its field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = [a for a in arguments if a is not type(None)]
        if len(kinds) < len(arguments) and option.values == ("none",) and not option.listed:
            return None
        # a union of literals (a decision's value) stays text: only the decision knows what it means
        return _convert(kinds[0], option) if len(kinds) == 1 else _plain_or_list(option)
    if origin is tuple:
        return tuple(_literal(arguments[0], text, option) for text in _items(option, arguments[0]))
    if hint is Any:
        return _plain_or_list(option)
    if option.listed:
        raise _error("E0904", f"option '{option.name}' takes one value, not a list", option.span)
    if not option.values:
        if hint is bool:
            return True
        raise _error(
            "E0904", f"option '{option.name}' needs a value", option.span, help=f"write '{option.name}=...'"
        )
    return _literal(hint, option.values[0], option)


def _items(option: Option, kind: type) -> tuple[str, ...]:
    """The texts of a tuple; integers may be joined by ``+`` as in assignments."""
    if not option.listed and kind is int and len(option.values) == 1:
        return () if option.values[0] == "none" else tuple(option.values[0].split("+"))
    return option.values


def _plain_or_list(option: Option) -> Any:
    if option.listed:
        return option.values
    if not option.values:
        raise _error(
            "E0904", f"option '{option.name}' needs a value", option.span, help=f"write '{option.name}=...'"
        )
    return option.values[0]


_BOOLEANS = {"true": True, "false": False}
_ARTICLES = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}


def _literal(kind: Any, text: str, option: Option) -> Any:
    try:
        return _BOOLEANS[text] if kind is bool else kind(text)
    except (KeyError, ValueError):
        message = f"option '{option.name}' is {_ARTICLES.get(kind, 'something else')}, got '{text}'"
        raise _error("E0904", message, option.span) from None


def _unknown_option(name: str, option: Option, known: Mapping[str, str]) -> DiagnosticError:
    near = suggest(option.name, known)
    listed = f"options of '{name}': {', '.join(known)}" if known else f"pass '{name}' has no options"
    return _error(
        "E0903",
        f"unknown option '{option.name}' of pass '{name}'",
        option.span,
        help=f"did you mean '{near}'?" if near else listed,
    )


def _error(code: str, message: str, span: Span, help: str | None = None) -> DiagnosticError:
    return DiagnosticError([Diagnostic(code, message, Label(span), help=help)])
