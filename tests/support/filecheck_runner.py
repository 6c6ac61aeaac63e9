"""Runs the RUN lines of FileCheck tests in this process.

A test is a `.loom` or `.ir` file under `tests/filecheck/` with lines such as

    # RUN: drawloom opt %s -p canonicalize,dce | filecheck %s
    # RUN: not drawloom check %s 2>&1 | filecheck %s --check-prefix=ERROR
    # CHECK: module @tiny

Each RUN line is one test: stages joined by `|`, every stage `drawloom ARGUMENTS` or `filecheck FILE
[OPTIONS]`, `%s` the file itself. `not` before a stage wants it to fail (for `drawloom`: to exit with 1, the
code for bad input, so that a crash never passes for a diagnostic), `2>&1` merges its standard error into
its output, and a backslash at the end continues the line. There is no shell: no other redirection and no
other command.
"""

import io
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser

RUN = re.compile(r"^\s*(?:#|//)\s*RUN:(.*)$")
BAD_INPUT = 1

Command = Callable[[], object]
"""The entry point of a command: reads `sys.argv`, exits by return value or `SystemExit`."""


class RunFailed(Exception):
    """A RUN line did not do what it says; the message is meant for the reader of the test report."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One RUN line: where it begins (1-based) and its text with continuation lines joined."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a RUN line."""

    arguments: tuple[str, ...]
    negated: bool
    merge_stderr: bool

    def __str__(self) -> str:
        return ("not " if self.negated else "") + shlex.join(self.arguments)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage wrote and how it exited."""

    code: int
    stdout: str
    stderr: str


def run_lines(source: str) -> Iterator[RunLine]:
    """The RUN lines of a test file, in order."""
    start, parts = 0, list[str]()
    for number, line in enumerate(source.splitlines(), start=1):
        match = RUN.match(line)
        if match is None:
            if parts:
                raise RunFailed(f"line {number - 1} ends in a backslash but no RUN line follows")
            continue
        start = start if parts else number
        text = match[1].strip()
        parts.append(text.removesuffix("\\"))
        if not text.endswith("\\"):
            yield RunLine(start, " ".join(parts))
            parts = []
    if parts:
        raise RunFailed(f"the RUN line {start} ends in a backslash")


def parse_stages(text: str, path: Path) -> list[Stage]:
    """The stages of a RUN line, with `%s` replaced by `path`."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    stages, words = list[Stage](), list[str]()
    for token in [*lexer, "|"]:
        if token != "|":
            words.append(token.replace("%s", str(path)))
            continue
        negated = words[:1] == ["not"]
        arguments = tuple(word for word in words[1 if negated else 0 :] if word != "2>&1")
        if not arguments or arguments[0] not in ("drawloom", "filecheck"):
            raise RunFailed(f"a stage begins with `drawloom` or `filecheck`, not with `{' '.join(words)}`")
        stages.append(Stage(arguments, negated, "2>&1" in words))
        words = []
    return stages


def run(text: str, path: Path, command: Command) -> None:
    """Run one RUN line of the test file `path`.

    Raises:
        RunFailed: a stage exited with the wrong code; the message holds what it said.
    """
    piped = ""
    for stage in parse_stages(text, path):
        if stage.arguments[0] == "filecheck":
            outcome, wanted = _filecheck(stage, piped), int(stage.negated)
        else:
            outcome, wanted = _call(stage, piped, command), BAD_INPUT if stage.negated else 0
        if outcome.code != wanted:
            raise RunFailed(_report(stage, piped, outcome, wanted))
        piped = outcome.stdout


def _call(stage: Stage, stdin: str, command: Command) -> Outcome:
    """Call the command as a process would be called, and catch what it writes."""
    written, complained = io.BytesIO(), io.BytesIO()
    stdout = stderr = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
    if not stage.merge_stderr:
        stderr = io.TextIOWrapper(complained, encoding="utf-8", write_through=True)
    piped = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    streams = mock.patch.multiple(sys, argv=list(stage.arguments), stdin=piped)
    plain = mock.patch.dict("os.environ", {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    with streams, plain, redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            code = _exit_code(command())
        except SystemExit as stop:
            code = _exit_code(stop.code)
    return Outcome(code, written.getvalue().decode(), complained.getvalue().decode())


def _exit_code(value: object) -> int:
    """What the interpreter makes of a value given to `sys.exit`."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    print(value, file=sys.stderr)
    return 1


def _filecheck(stage: Stage, text: str) -> Outcome:
    """Match `text` against the check file named in the stage."""
    messages = io.StringIO()
    with redirect_stderr(messages), redirect_stdout(messages):
        options = parse_argv_options(list(stage.arguments))
        code = Matcher(options, FInput(options.match_filename, text), Parser.from_opts(options)).run()
    return Outcome(code, "", messages.getvalue())


def _report(stage: Stage, stdin: str, outcome: Outcome, wanted: int) -> str:
    """The message of a failed stage."""
    parts = [f"`{stage}` exited with {outcome.code} instead of {wanted}"]
    shown = {"stderr": outcome.stderr, "stdout": outcome.stdout, "stdin": stdin}
    parts += [f"--- {name}\n{text.rstrip()}" for name, text in shown.items() if text.strip()]
    return "\n".join(parts)
