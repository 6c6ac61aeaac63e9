"""Published networks and search spaces as `.loom` files: `networks/` and `spaces/`; data only.

`available` finds the files in the installed package, so they work without a checkout.
"""

from __future__ import annotations

from pathlib import Path


def available() -> dict[str, Path]:
    """The files by name, such as ``mobilenet_v2``, networks before spaces."""
    root = Path(__file__).parent
    return {p.stem: p for folder in ("networks", "spaces") for p in sorted((root / folder).glob("*.loom"))}
