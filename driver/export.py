"""Exports networks: a folder for each, with the architecture, weights, ONNX, a compiled library, and how to use them.

A folder is written beside its final place and moved there when it is complete; `manifest.json` in it has the
size and SHA-256 of every file, so that a damaged or half-written export is noticed and never taken for a good
one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawloom.ir import Module, UserError, print_module, structural_hash, unknown

if TYPE_CHECKING:
    import numpy.typing as npt

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Job:
    """One network to export.

    Attributes:
        module: resolved.
        weights: by full name; None for a network without weights yet, of which only the architecture can be
            written.
        target: what libraries are compiled for.
        about: lines for the README: names and texts.
    """

    module: Module
    weights: Mapping[str, npt.NDArray[Any]] | None
    target: str
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which a network can be exported.

    Attributes:
        name: on the command line.
        help: what it is, for the README.
        needs: import names of libraries that writing it takes.
        write: writes its files into a folder.
    """

    name: str
    help: str
    needs: tuple[str, ...]
    write: Callable[[Job, Path], None]

    @property
    def available(self) -> bool:
        """Whether the libraries it needs are installed."""
        return all(find_spec(name) is not None for name in self.needs)


def _write_ir(job: Job, folder: Path) -> None:
    (folder / "network.ir").write_text(print_module(job.module), encoding="utf-8")


def _write_safetensors(job: Job, folder: Path) -> None:
    from drawloom.backends.weights import save_weights

    save_weights(job.module, _weights(job), folder / "weights.safetensors")


def _write_onnx(job: Job, folder: Path) -> None:
    from drawloom.backends.torch import export_onnx

    export_onnx(job.module, _weights(job), folder / "network.onnx")


def _write_tvm(job: Job, folder: Path) -> None:
    from drawloom.backends.tvm import export_library

    export_library(job.module, _weights(job), folder / "library", job.target)
    script = _RUN_SCRIPT.format(input=_input_shape(job.module))
    (folder / "run.py").write_text(script, encoding="utf-8")


def _weights(job: Job) -> Mapping[str, npt.NDArray[Any]]:
    if job.weights is None:
        raise UserError("this network has no weights yet", "train it, or name a file with --weights")
    return job.weights


FORMATS: dict[str, Format] = {
    f.name: f
    for f in [
        Format(
            "ir",
            "`network.ir`: the architecture as textual IR; every `drawloom` command reads it",
            (),
            _write_ir,
        ),
        Format(
            "safetensors", "`weights.safetensors`: the weights under PyTorch's names", (), _write_safetensors
        ),
        Format(
            "onnx",
            "`network.onnx`: for ONNX Runtime and others; the batch size is free",
            ("torch", "onnx", "onnxscript"),
            _write_onnx,
        ),
        Format(
            "tvm", "`library/`: the compiled network for `{target}`; `run.py` runs it", ("tvm",), _write_tvm
        ),
    ]
}
"""Every format by its name."""


def parse_formats(text: str) -> tuple[str, ...]:
    """The formats of a list such as ``ir,onnx``, or ``all``.

    Raises:
        UserError: on an unknown one.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if "all" in names:
        return tuple(FORMATS)
    for name in names:
        if name not in FORMATS:
            raise unknown("format", name, [*FORMATS, "all"])
    return names


def export_network(job: Job, folder: Path, formats: Sequence[str], *, force: bool = False) -> Path:
    """Write a network to a folder of its own and return the folder.

    A complete export that is already there is replaced.

    Args:
        job: the network.
        folder: made by this; nothing else belongs in it.
        formats: keys of `FORMATS`.
        force: whether to replace a folder that is damaged or holds something else.

    Raises:
        UserError: when the folder holds something that is not a complete export, or weights are missing.
        ImportError: when a library that a format needs is not installed.
    """
    if folder.exists() and not force:
        check_export(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name in formats:
            FORMATS[name].write(job, partial)
        (partial / "README.md").write_text(_readme(job, formats), encoding="utf-8")
        _write_manifest(job, partial)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _write_manifest(job: Job, folder: Path) -> None:
    files = {str(p.relative_to(folder)): _fingerprint(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    content = {"architecture": structural_hash(job.module), "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def check_export(folder: Path) -> None:
    """Check that every file of an export is there and as it was written.

    Raises:
        UserError: naming the first thing that is wrong.
    """
    remedy = "give --force to replace it"
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        raise UserError(f"'{folder}' is not a complete export: it has no {MANIFEST}", remedy) from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"'{folder / MANIFEST}' is damaged", remedy) from None
    for name, fingerprint in files.items():
        path = folder / name
        if not path.is_file():
            raise UserError(f"the export '{folder}' is incomplete: '{name}' is missing", remedy)
        if _fingerprint(path) != fingerprint:
            raise UserError(f"the export '{folder}' is damaged: '{name}' is not as it was written", remedy)


def _input_shape(module: Module) -> tuple[int, ...]:
    (value,) = module.entry.inputs
    return (1, *value.type.shape)


def _readme(job: Job, formats: Sequence[str]) -> str:
    about = "".join(f"* {name}: {text}\n" for name, text in job.about.items())
    files = "".join(f"* {FORMATS[name].help.format(target=job.target)}\n" for name in formats)
    use = "\nTo run it: `python run.py` (needs `apache-tvm`, not Drawloom).\n" if "tvm" in formats else ""
    shape = "x".join(str(d) for d in _input_shape(job.module))
    return (
        f"# {job.module.name}\n\nA network exported by Drawloom. Input: float32, {shape} (batch, channels, height, width).\n\n"
        f"{about}\n## Files\n\n{files}* `manifest.json`: sizes and SHA-256 of the files above\n{use}"
    )


_RUN_SCRIPT = '''"""Loads the compiled network beside this file and runs it on one image."""
'''
