"""Reads files: `.loom` through the front end, `.ir` through the parser of the textual IR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drawloom.ir import Module, Source, UserError, suggest
from drawloom.zoo import ROOT


def elaborate(
    source: Source, *, network: str | None = None, arguments: Mapping[str, Any] | None = None
) -> Module:
    """Elaborate a network of a text in the language.

    Args:
        source: the text; imports are looked up relative to the file its name names.
        network: which network, needed when the text has several.
        arguments: values for the network's static parameters.

    Raises:
        DiagnosticError: with everything found wrong in the text.
        UserError: when the network or an argument does not exist.

    Example:
        >>> text = "network tiny(image: f32[3, 8, 8]) { return image |> conv(4, kernel=3) |> relu }"
        >>> elaborate(Source("tiny.loom", text)).entry.outputs[0].type.shape
        (4, 8, 8)
    """
    from .elaboration import (
        elaborate_with,  # here, so that naming this function does not load the grammar's parser
    )

    return elaborate_with(source, read_import, network=network, arguments=arguments)


def load(path: str | Path, network: str | None = None, arguments: Mapping[str, Any] | None = None) -> Module:
    """Read a module from a `.loom` file, or from the textual IR in an `.ir` file.

    Args:
        path: the file.
        network: for `.loom`: which network.
        arguments: for `.loom`: values for the network's static parameters.

    Raises:
        DiagnosticError: with everything found wrong in the text.
        UserError: when the file cannot be read, or the network or an argument does not exist.
    """
    return module_of(read_source(Path(path)), network=network, arguments=arguments)


def module_of(
    source: Source, *, network: str | None = None, arguments: Mapping[str, Any] | None = None
) -> Module:
    """The module that a text describes: textual IR in a source named ``.ir``, else the language.

    Of a text that is in no file, such as standard input, the first word tells.

    Raises:
        DiagnosticError: with everything found wrong in the text.
        UserError: when the network or an argument does not exist.
    """
    if not is_ir(source):
        return elaborate(source, network=network, arguments=arguments)
    if network is not None or arguments:
        raise UserError(f"{source.name}: textual IR has one network and no parameters left to set")
    from drawloom.ir import parse_module

    return parse_module(source)


def is_ir(source: Source) -> bool:
    """Whether a text is textual IR."""
    if not source.name.startswith("<"):
        return Path(source.name).suffix == ".ir"
    lines = (line.strip() for line in source.text.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "").startswith("module ")


def read_source(path: Path) -> Source:
    """The text of a file.

    Raises:
        UserError: when it cannot be read, naming a file of nearly that name where there is one.
    """
    try:
        return Source(str(path), path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no file '{path}'", _near(path)) from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is not text in UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"'{path}' cannot be read: {reason}") from None


def _near(path: Path) -> str | None:
    if not path.parent.is_dir():
        return None
    names = [p.name for p in path.parent.iterdir() if p.suffix in (".loom", ".ir", path.suffix)]
    near = suggest(path.name, names)
    return None if near is None else f"did you mean '{path.parent / near}'?"


def read_import(importer: Source, text: str) -> Source:
    """The file that a text imports; see `read_source` for errors."""
    return read_source(import_path(importer, text))


def import_path(importer: Source, text: str) -> Path:
    """The path of an imported file, named without detours so that each is read once.

    ``zoo/...`` is a file of the installed zoo where there is none of that name beside the importing file.
    """
    path = Path(importer.name).parent / text
    if text.startswith("zoo/") and not path.exists():
        path = ROOT / text.removeprefix("zoo/")
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)
