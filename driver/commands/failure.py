"""How a command fails: what is printed where, and the exit code."""

from __future__ import annotations

import functools
import os
import platform
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer

from . import console

if TYPE_CHECKING:
    from drawloom.ir import DiagnosticError

P = ParamSpec("P")
R = TypeVar("R")

BAD_INPUT = 1
"""The input is at fault."""
BUG = 70
"""Drawloom is at fault."""

EXTRAS = {
    "torch": ("PyTorch", "pip install 'drawloom[torch]'"),
    "tvm": ("Apache TVM", "pip install 'drawloom[tvm]'"),
    "onnx": ("ONNX", "pip install 'drawloom[onnx]'"),
    "onnxruntime": ("ONNX Runtime", "pip install 'drawloom[onnx]'"),
    "onnxscript": ("ONNX Script", "pip install 'drawloom[onnx]'"),
    "pygls": ("pygls", "pip install 'drawloom[lsp]'"),
    "lsprotocol": ("lsprotocol", "pip install 'drawloom[lsp]'"),
    "pyarrow": ("Apache Arrow", "pip install pyarrow"),
}
"""Optional libraries by their import name: what people call them, and how to get them."""


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose exceptions become one message and an exit code; nobody gets to see a traceback.

    What is wrong with the input of a command that was asked for JSON is JSON on standard output.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            _load_plugins()
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception as error:
            raise typer.Exit(tell(error, as_json=kwargs.get("as_json") is True)) from error

    return run


def _load_plugins() -> None:
    """Load what is installed beside Drawloom; what cannot be loaded is said in a line each."""
    from drawloom.plugins import load_plugins

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_plugins()
    for warning in caught:
        console.note(f"warning: {one_line(str(warning.message))}")


def tell(error: Exception, *, as_json: bool = False) -> int:
    """Print what went wrong and return the exit code it calls for.

    Args:
        error: what stopped a command.
        as_json: whether a fault of the input is data on standard output, and not text on standard error.
    """
    text = _input_text(error)
    if text is None:
        typer.echo(_bug_text(error), err=True)
        return BUG
    if as_json:
        console.print_json({"diagnostics": diagnostics_json(error)})
    else:
        typer.echo(text, err=True)
    return BAD_INPUT


def _input_text(error: Exception) -> str | None:
    """What to tell about a mistake in the input or the installation; None when it is none."""
    from drawloom.ir import DiagnosticError

    if isinstance(error, DiagnosticError):
        return diagnostics_text(error)
    message = _input_message(error)
    return None if message is None else f"error: {message}"


def _input_message(error: Exception) -> str | None:
    """The one line about a mistake that has no place in a source text."""
    from drawloom.ir import UserError

    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ImportError):
        return missing_library(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def diagnostics_text(error: DiagnosticError) -> str:
    """All diagnostics for people, in colour on a terminal, and how to learn more about their codes."""
    from drawloom.ir import render

    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    blocks = [render(d, color=color) for d in error.diagnostics]
    codes = sorted({d.code for d in error.diagnostics})
    count = f"{len(blocks)} error{'s' * (len(blocks) != 1)}"
    return "\n\n".join([*blocks, f"{count}; `drawloom explain {codes[0]}` says more about {codes[0]}"])


def diagnostics_json(error: Exception) -> list[dict[str, Any]]:
    """What is wrong with the input as JSON objects; what has no place in a text has no range and code."""
    from drawloom.ir import DiagnosticError, diagnostic_json

    if isinstance(error, DiagnosticError):
        return [diagnostic_json(d) for d in error.diagnostics]
    message = _input_message(error)
    return [{"range": None, "severity": 1, "code": None, "source": "drawloom", "message": message}]


def one_line(text: str) -> str:
    """A message without line breaks."""
    return " ".join(text.split())


def missing_library(error: ImportError) -> str | None:
    """The line for an optional library that is not installed; None when the import failed otherwise."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return None
    title, remedy = EXTRAS[name]
    return f"this needs {title}, which is not installed (install it with: {remedy})"


def _bug_text(error: Exception) -> str:
    path = _write_crash(error)
    return (
        "error: this is a bug in Drawloom, not in your input: "
        f"{type(error).__name__}: {one_line(str(error))}\n"
        f"The traceback is in {path}. Please open an issue where you got Drawloom from and attach that file."
    )


def _write_crash(error: Exception) -> Path:
    """Write what a maintainer needs to a file of its own and return its path."""
    descriptor, name = tempfile.mkstemp(prefix="drawloom-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"command: {' '.join(sys.argv)}\n")
        file.write(f"time: {time.strftime('%Y-%m-%d %H:%M:%S %z')}\n")
        file.write(f"python: {sys.version}\nplatform: {platform.platform()}\n\n")
        file.writelines(traceback.format_exception(error))
    return Path(name)
