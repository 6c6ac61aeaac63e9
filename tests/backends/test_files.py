"""Folders that appear whole or not at all, and what killed processes leave."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drawloom.backends.files import folder_written_whole

_KILLED = """
import os, signal, sys
from pathlib import Path
from drawloom.backends.files import folder_written_whole
with folder_written_whole(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    with folder_written_whole(tmp_path / "above" / "made") as partial:
        (partial / "file").touch()
        assert not (tmp_path / "above" / "made").exists()
    assert names(tmp_path / "above") == ["made"]
    assert names(tmp_path / "above" / "made") == ["file"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), folder_written_whole(tmp_path / "made"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").touch()
    with pytest.raises(OSError, match="not empty"), folder_written_whole(tmp_path / "made"):
        pass
    assert names(tmp_path / "made") == ["old"]
    with folder_written_whole(tmp_path / "made", replacing=True) as partial:
        (partial / "new").touch()
    assert names(tmp_path / "made") == ["new"]


def test_what_a_killed_process_left_goes_with_the_next_folder(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "killed")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    process = left.rpartition("-")[2]
    kept = [
        f".running.partial-{platform.node()}-{os.getppid()}",
        f".elsewhere.partial-other.{platform.node()}-{process}",
        f"shown.partial-{platform.node()}-{process}",
        "study",
    ]
    for name in kept:
        (tmp_path / name).mkdir()
    with folder_written_whole(tmp_path / "made"):
        pass
    assert names(tmp_path) == sorted([*kept, "made"])
