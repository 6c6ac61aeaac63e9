"""Shared libraries: object files linked by the C compiler, weights put inside as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from drawloom.backends.files import written_whole
from drawloom.backends.weights import Array
from drawloom.ir import UserError

WEIGHTS_SYMBOL = "drawloom_weights"
"""C function of a library with its weights inside that returns their address."""

_WEIGHTS_SOURCE = """
__asm__(".section .rodata\\n.balign 64\\ndrawloom_weights_data:\\n.incbin \\"weights.bin\\"\\n.text\\n");
extern const float drawloom_weights_data[] __attribute__((visibility("hidden")));
__attribute__((visibility("hidden"))) const float *SYMBOL(void) { return drawloom_weights_data; }
"""


def c_compiler() -> str:
    """The C compiler, which also links: ``$CC``, else ``cc``.

    Raises:
        UserError: when there is none.
    """
    name = os.environ.get("CC", "cc")
    if shutil.which(name) is None:
        raise UserError(
            f"there is no C compiler '{name}', and linking a network needs one", "install gcc or set CC"
        )
    return name


def link(objects: Iterable[bytes], path: Path, weights: Array | None = None) -> None:
    """Write a shared library, whole or not at all.

    Args:
        objects: contents of object files.
        path: where to write it.
        weights: float32 array to put inside.

    Raises:
        UserError: when the linker fails or the file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="drawloom-") as name, written_whole(path) as temporary:
        folder = Path(name)
        sources = []
        for i, content in enumerate(objects):
            (folder / f"{i}.o").write_bytes(content)
            sources.append(f"{i}.o")
        if weights is not None:
            weights.tofile(folder / "weights.bin")
            (folder / "weights.c").write_text(_WEIGHTS_SOURCE.replace("SYMBOL", WEIGHTS_SYMBOL))
            sources.append("weights.c")
        command = [
            c_compiler(),
            "-shared",
            "-fPIC",
            "-O1",
            "-Wl,-Bsymbolic",
            "-o",
            str(temporary.resolve()),
            *sources,
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            complaint = done.stderr.strip().splitlines() or [f"'{command[0]}' gave no message"]
            raise UserError(f"linking failed: {complaint[-1]}")
