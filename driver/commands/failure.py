"""How a command fails: what is printed where, and the exit code."""

from __future__ import annotations

import functools
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import typer

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
    "pyarrow": ("Apache Arrow", "pip install pyarrow"),
}
"""Optional libraries by their import name: what people call them, and how to get them."""


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose exceptions become one message and an exit code; nobody gets to see a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception as error:
            raise typer.Exit(tell(error)) from error

    return run


def tell(error: Exception) -> int:
    """Print what went wrong to standard error and return the exit code it calls for."""
    text = _input_text(error)
    typer.echo(_bug_text(error) if text is None else text, err=True)
    return BUG if text is None else BAD_INPUT


def _input_text(error: Exception) -> str | None:
    """What to tell about a mistake in the input or the installation; None when it is none."""
    from drawloom.ir.diagnostic import DiagnosticError, UserError

    if isinstance(error, DiagnosticError):
        return str(error)
    if isinstance(error, UserError):
        return f"error: {error}"
    if isinstance(error, ImportError) and missing_library(error) is not None:
        return f"error: {missing_library(error)}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}"
    return None


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
