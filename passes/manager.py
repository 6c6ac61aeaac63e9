"""Runs the passes of a pipeline: verifies between them, prints, times, and keeps what repeats a crash."""

from __future__ import annotations

import os
import re
import tempfile
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
_SEED_LINE = re.compile(r"^# seed: (\d+)$", re.MULTILINE)

Observer = Callable[[Pass, Module], None]
"""Is shown a module and the pass that is about to run on it, or that made it."""


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
        before: Observer | None = None,
        after: Observer | None = None,
        reproducer: Path | None = None,
        registry: PassRegistry = PASSES,
    ) -> None:
        """Prepare a run.

        Args:
            passes: the pipeline.
            verify: whether the module is verified before the first pass and after each.
            before: is shown each pass and the module it is given.
            after: is shown each pass and the module it made.
            reproducer: file to write when a pass crashes, or a folder in which to make one.
            registry: the passes that exist, for the context.
        """
        self.passes = tuple(passes)
        self.reports: list[PassReport] = []
        self._verify = verify
        self._before = before
        self._after = after
        self._reproducer = reproducer
        self._registry = registry

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        verify: bool = True,
        before: Observer | None = None,
        after: Observer | None = None,
        reproducer: Path | None = None,
        registry: PassRegistry = PASSES,
    ) -> PassManager:
        """A manager of a textual pipeline; for errors see `parse_pipeline`, for arguments the constructor."""
        passes = parse_pipeline(text, registry)
        return cls(
            passes, verify=verify, before=before, after=after, reproducer=reproducer, registry=registry
        )

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
        if self._before is not None:
            self._before(p, module)
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
        if self._after is not None:
            self._after(p, result)
        return result

    def _failure(self, reason: str, module: Module, context: Context, left: tuple[Pass, ...]) -> PassError:
        earlier = tuple(r.spec for r in self.reports)
        text = reproducer_text(module, left, reason, context)
        return PassError(left[0].spec(), reason, earlier, text, self._write(text))

    def _write(self, text: str) -> Path | None:
        if self._reproducer is None:
            return None
        path = self._reproducer
        try:
            if path.is_dir():
                # a name of its own, which nobody can have taken: the folder may be shared
                handle, name = tempfile.mkstemp(prefix="drawloom-reproducer-", suffix=".ir", dir=path)
                os.close(handle)
                path = Path(name)
            path.write_text(text, encoding="utf-8")
        except OSError:
            # the crash is the news; a folder that cannot be written to must not hide it
            return None
        return path


def reproducer_text(module: Module, left: Iterable[Pass], reason: str, context: Context) -> str:
    """A module as text with, in comments, why a pipeline stopped and what was left of it."""
    comments = [f"reproducer: {line}" for line in reason.splitlines()]
    if context.seed:
        comments.append(f"seed: {context.seed}")
    if context.weights is not None:
        comments.append("the context had weights, which are not kept here")
    comments.append(f"pipeline: {pipeline_text(left)}")
    return "".join(f"# {line}\n" for line in comments) + print_module(module)


def reproducer_seed(text: str) -> int:
    """The seed of the run in which a pass crashed; 0 when the text names none."""
    found = _SEED_LINE.search(text)
    return int(found[1]) if found is not None else 0


def reproducer_pipeline(text: str) -> str | None:
    """The pipeline that a reproducer asks for, or None when the text is none."""
    found = _PIPELINE_LINE.search(text)
    return found[1].strip() if found is not None else None
