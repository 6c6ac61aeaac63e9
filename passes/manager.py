"""Runs the passes of a pipeline: verifies between them, prints, times, and keeps what repeats a crash."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from drawloom.ir import DiagnosticError, Module, UserError, VerificationError, print_module, verify

from .base import Context, Pass
from .fixpoint import Fixpoint
from .pipeline import parse_pipeline, pipeline_text
from .registry import PASSES, PassRegistry

_PIPELINE_LINE = re.compile(r"^# pipeline: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one run of one pass did.

    Attributes:
        spec: the pass as written in a pipeline.
        seconds: wall time of the pass itself, without verification and printing.
        before: number of operations of all functions before it.
        after: the same after it.
        changed: whether it returned another module than it was given.
    """

    spec: str
    seconds: float
    before: int
    after: int
    changed: bool


class PassError(Exception):
    """A pass that crashed or made an invalid module: a bug in Drawloom or a plugin, not in the input.

    Attributes:
        spec: the pass.
        earlier: passes that had run before it.
        reproducer: text of the module before the pass, with what was left of the pipeline; `drawloom opt`
            runs it again.
        path: where the reproducer was written, or None.
    """

    def __init__(
        self, spec: str, reason: str, earlier: tuple[str, ...], reproducer: str, path: Path | None
    ) -> None:
        """Name the pass, why it failed and what ran before."""
        ran = f"after {','.join(earlier)}" if earlier else "as the first pass"
        kept = f"; reproducer: {path}" if path is not None else ""
        super().__init__(f"pass '{spec}', run {ran}, {reason}{kept}")
        self.spec = spec
        self.earlier = earlier
        self.reproducer = reproducer
        self.path = path


class PassManager:
    """Runs passes in order.

    Attributes:
        passes: the pipeline.
        reports: one entry for each pass that ran in the last `run`, in order; passes inside ``fixpoint``
            each time they ran.

    Example:
        >>> manager = PassManager.from_text("fixpoint(cse,dce)")
        >>> manager.text
        'fixpoint(cse,dce)'
    """

    def __init__(
        self,
        passes: Iterable[Pass],
        *,
        verify: bool = True,
        print_after: Callable[[str], None] | None = None,
        reproducer: Path | None = None,
        registry: PassRegistry = PASSES,
    ) -> None:
        """Prepare a run.

        Args:
            passes: the pipeline.
            verify: whether the module is verified before the first pass and after each.
            print_after: receives the text of the module after each pass, under a comment that names it.
            reproducer: file to write when a pass crashes, or a folder to put one into.
            registry: the passes that exist, for the context.
        """
        self.passes = tuple(passes)
        self.reports: list[PassReport] = []
        self._verify = verify
        self._print_after = print_after
        self._reproducer = reproducer
        self._registry = registry

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        verify: bool = True,
        print_after: Callable[[str], None] | None = None,
        reproducer: Path | None = None,
        registry: PassRegistry = PASSES,
    ) -> PassManager:
        """A manager of a textual pipeline; for errors see `parse_pipeline`, for arguments the constructor."""
        passes = parse_pipeline(text, registry)
        return cls(passes, verify=verify, print_after=print_after, reproducer=reproducer, registry=registry)

    @property
    def text(self) -> str:
        """The pipeline as text."""
        return pipeline_text(self.passes)

    def run(self, module: Module, context: Context | None = None) -> Module:
        """The module after all passes.

        Raises:
            VerificationError: when the module is invalid before any pass ran.
            UserError: when the options of a pass do not fit the module.
            PassError: when a pass crashes or returns an invalid module.
        """
        context = context or Context(self._registry)
        self.reports = []
        if self._verify:
            verify(module)
        for position, p in enumerate(self.passes):
            module = self._run(p, module, context, self.passes[position + 1 :])
        return module

    def _run(self, p: Pass, module: Module, context: Context, rest: tuple[Pass, ...]) -> Module:
        if not isinstance(p, Fixpoint):
            return self._run_one(p, module, context, (p, *rest))
        fixpoint = p

        def step(position: int, m: Module) -> Module:
            # what is left when this one fails: the end of this round, all further rounds, and what follows
            return self._run(
                fixpoint.body[position], m, context, (*fixpoint.body[position + 1 :], fixpoint, *rest)
            )

        return fixpoint.repeat(module, step)

    def _run_one(self, p: Pass, module: Module, context: Context, left: tuple[Pass, ...]) -> Module:
        started = time.perf_counter()
        try:
            result = p.run(module, context)
        except (UserError, DiagnosticError):
            raise
        except Exception as error:
            raise self._failure(f"crashed: {type(error).__name__}: {error}", module, context, left) from error
        seconds = time.perf_counter() - started
        if self._verify and result is not module:
            try:
                verify(result)
            except VerificationError as error:
                raise self._failure(f"made an invalid module: {error}", module, context, left) from error
        self.reports.append(PassReport(p.spec(), seconds, len(module), len(result), result is not module))
        if self._print_after is not None:
            self._print_after(f"# after {p.spec()}\n{print_module(result)}")
        return result

    def _failure(self, reason: str, module: Module, context: Context, left: tuple[Pass, ...]) -> PassError:
        earlier = tuple(r.spec for r in self.reports)
        text = reproducer_text(module, left, reason, context)
        return PassError(left[0].spec(), reason, earlier, text, self._write(text))

    def _write(self, text: str) -> Path | None:
        if self._reproducer is None:
            return None
        path = self._reproducer / "reproducer.ir" if self._reproducer.is_dir() else self._reproducer
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            # the crash is the news; a folder that cannot be written to must not hide it
            return None
        return path


def reproducer_text(module: Module, left: Iterable[Pass], reason: str, context: Context) -> str:
    """A module as text with, in comments, why a pipeline stopped and what was left of it."""
    comments = [f"reproducer: {line}" for line in reason.splitlines()]
    if context.seed:
        comments.append(f"the context had seed {context.seed}")
    if context.weights is not None:
        comments.append("the context had weights, which are not kept here")
    comments.append(f"pipeline: {pipeline_text(left)}")
    return "".join(f"# {line}\n" for line in comments) + print_module(module)


def reproducer_pipeline(text: str) -> str | None:
    """The pipeline that a reproducer asks for, or None when the text is none."""
    found = _PIPELINE_LINE.search(text)
    return found[1].strip() if found is not None else None
