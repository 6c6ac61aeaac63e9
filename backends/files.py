"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drawloom.ir import UserError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary file in the folder of `path`, which takes its place when the block ends well.

    Whoever reads `path` sees the old file or the new one, never a part, even when the process is killed.
    The new file has the permissions of the old one.

    Raises:
        UserError: when the folder does not exist or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that new files of this process lack; they can only be read by setting them."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
