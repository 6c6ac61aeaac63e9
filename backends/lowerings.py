"""How operations of third parties lower: for each backend and operation, where its rule is defined.

The operations that come with Drawloom are in the backends' own tables.
"""

from __future__ import annotations

from typing import Any

from drawloom.ir import Entry, Registry

LOWERINGS: Registry[Any] = Registry("lowering")
"""Rules by ``backend/operation``, such as ``torch/crelu``, imported when a network needs them."""


def lowering(backend: str, operation: str) -> Any | None:
    """The rule of a third party's operation in a backend; None when there is none.

    Args:
        backend: ``torch``, ``onnx`` or ``tvm``.
        operation: its name.

    Raises:
        UserError: when there is one and it cannot be imported.
    """
    name = f"{backend}/{operation}"
    return LOWERINGS.load(name) if name in LOWERINGS else None


def register_lowering(backend: str, operation: str, target: str) -> None:
    """Say where the rule of an operation in a backend is defined, ``module:attribute``.

    Raises:
        UserError: when another one is known.
    """
    LOWERINGS.register(Entry(f"{backend}/{operation}", target))
