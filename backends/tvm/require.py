"""Says what to install where TVM is missing, and refuses combinations that are known to crash."""

from __future__ import annotations

import importlib.util

from drawloom.ir import UserError


def require_tvm() -> None:
    """Check that TVM can be imported.

    Raises:
        UserError: when it is not installed.
    """
    if importlib.util.find_spec("tvm") is None:
        raise UserError("TVM is not installed", 'pip install "drawloom[tvm]"')
