"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import platform
import shutil
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


@contextmanager
def folder_written_whole(folder: Path, *, replacing: bool = False) -> Iterator[Path]:
    """Give an empty hidden folder beside `folder`, which gets its name when the block ends well.

    What processes of this machine that were killed in such a block have left there is removed.

    Args:
        folder: where it shall be; the folders above it are made.
        replacing: whether what is there is removed; else only an empty folder is replaced.

    Raises:
        OSError: when it cannot be made, or something else is there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = f".partial-{platform.node()}-"
    _remove_abandoned(folder.parent, mark)
    partial = folder.with_name(f".{folder.name}{mark}{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if replacing and folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(parent: Path, mark: str) -> None:
    for found in parent.iterdir():
        name, _, process = found.name.rpartition(mark)
        if name.startswith(".") and process.isdecimal() and not _runs(int(process)):
            shutil.rmtree(found, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _umask() -> int:
    """The permissions that new files of this process lack; they can only be read by setting them."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
