"""Compiled kernels, each made once: kept in memory, and in a folder for other processes."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from drawloom.backends.files import written_whole
from drawloom.ir import UserError

from .target import Target
from .workload import Workload

_LOG = logging.getLogger("drawloom.tvm")
_DIGEST = 32
CACHE_VARIABLE = "DRAWLOOM_KERNEL_CACHE"
"""Environment variable that names the folder of kept kernels; ``off`` keeps none."""


def default_folder() -> Path | None:
    """The folder for kept kernels: from the environment, else the user's cache; None when switched off."""
    named = os.environ.get(CACHE_VARIABLE)
    if named is not None:
        return None if named == "off" else Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "drawloom" / "kernels"
    except RuntimeError:  # a user without a home
        return None


class KernelStore:
    """Object files of workloads.

    A kept kernel is named by workload, target, TVM and the source of the emitters, and is stored with a
    digest. One that does not match its digest is reported in the log and made again.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Use a folder, or only memory."""
        self.folder = folder
        self.compiled = 0
        self._memory: dict[tuple[Target, Workload], bytes] = {}

    def objects(self, workloads: Iterable[Workload], target: Target) -> dict[Workload, bytes]:
        """The object file of each workload, compiled where there is none yet."""
        return {workload: self._object(workload, target) for workload in workloads}

    def _object(self, workload: Workload, target: Target) -> bytes:
        key = (target, workload)
        if key not in self._memory:
            path = self._path(workload, target)
            found = self._load(path) if path is not None else None
            if found is None:
                found = compile_workload(workload, target)
                self.compiled += 1
                if path is not None:
                    self._save(path, found)
            self._memory[key] = found
        return self._memory[key]

    def _path(self, workload: Workload, target: Target) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{workload.key}-{_setting(target)}.o"

    def _load(self, path: Path) -> bytes | None:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            return content[_DIGEST:]
        _LOG.warning("the kept kernel '%s' is corrupt; it is compiled again", path)
        return None

    def _save(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as temporary:
                temporary.write_bytes(hashlib.sha256(content).digest() + content)
        except (OSError, UserError) as error:
            _LOG.warning("kernels are not kept: %s", error)
            self.folder = None


@cache
def shared_store() -> KernelStore:
    """The store of this process, over the default folder."""
    return KernelStore(default_folder())


def symbol_of(workload: Workload) -> str:
    """The C name of a kernel."""
    return f"drawloom_{workload.key}"


def compile_workload(workload: Workload, target: Target) -> bytes:
    """Emit and compile one workload."""
    from .codegen import compile_kernel, llvm_target
    from .emit import emit

    symbol = symbol_of(workload)
    return compile_kernel(emit(workload, target.machine, symbol), symbol, llvm_target(target.processor))


@cache
def _setting(target: Target) -> str:
    """A digest of everything but the workload that a kernel's code depends on."""
    import tvm

    return _digest({"target": repr(target), "tvm": tvm.__version__, "emitters": _sources()})


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(parts.items())).encode()).hexdigest()[:12]


_EMITTING = (
    "codegen.py",
    "emit.py",
    "emit_convolution.py",
    "emit_simple.py",
    "emit_window.py",
    "functions.py",
    "loops.py",
    "sliding.py",
    "tiles.py",
    "vectors.py",
    "workload.py",
)
"""Modules that decide what code a workload becomes."""


@cache
def _sources() -> str:
    """A digest of the modules that decide what code a workload becomes."""
    folder = resources.files(__package__)
    return hashlib.sha256(b"\0".join(folder.joinpath(name).read_bytes() for name in _EMITTING)).hexdigest()
