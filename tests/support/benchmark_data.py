"""Tables of published benchmarks, which are not in the repository: the folder that DRAWLOOM_DATA names."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def path(name: str) -> Path:
    """A file of the folder; the test is skipped where it is not there."""
    folder = os.environ.get("DRAWLOOM_DATA")
    if folder is None:
        pytest.skip(f"DRAWLOOM_DATA names no folder with {name}")
    found = Path(folder) / name
    if not found.exists():
        pytest.skip(f"there is no {found}")
    return found


def table(name: str) -> dict[str, Any]:
    """The arrays of a file; the test is skipped where it is not there."""
    with np.load(path(name), allow_pickle=False) as arrays:
        return dict(arrays)
