"""The commands of `drawloom`, one a file.

A command module imports Typer and the standard library only; what a command needs is imported when it runs,
so that ``drawloom --help`` starts fast and every command works without the libraries of the others.
"""

from __future__ import annotations
