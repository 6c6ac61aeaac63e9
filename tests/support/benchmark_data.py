"""Tables of published benchmarks, which are not in the repository: the folder that DRAWLOOM_DATA names."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def table(name: str) -> dict[str, Any]:
    """The arrays of a file; the test is skipped where it is not there."""
    folder = os.environ.get("DRAWLOOM_DATA")
    if folder is None:
        pytest.skip(f"DRAWLOOM_DATA names no folder with {name}")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
