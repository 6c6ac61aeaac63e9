"""``python -m drawloom`` is the `drawloom` command."""

from __future__ import annotations

from drawloom.cli import main

if __name__ == "__main__":
    main()
