"""Make `typecheck/drawloom/`: the layers as the one package that static checkers expect.

The folders at the root are mapped to `drawloom.*` by `package-dir` in pyproject.toml, which neither mypy
nor editors follow. This makes real directories with one symbolic link a file (links to directories are
skipped by some checkers). Links of files that are gone are removed; what is right is left alone, so that
two runs at a time do no harm.
"""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FARM = ROOT / "typecheck"


def wanted_links(root: Path) -> Iterator[tuple[Path, Path]]:
    """Pairs of a link, relative to the farm, and the file of the checkout that it stands for."""
    setuptools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    for package, folder in setuptools["package-dir"].items():
        for source in sorted((root / folder).rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                yield Path(*package.split(".")) / source.relative_to(root / folder), source


def build(root: Path, farm: Path) -> int:
    """Bring the farm in line with the tree; returns the number of links."""
    links = dict(wanted_links(root))
    farm.mkdir(exist_ok=True)
    for present in farm.rglob("*"):
        if present.is_symlink() and present.relative_to(farm) not in links:
            present.unlink(missing_ok=True)
    for link, source in links.items():
        place = farm / link
        place.parent.mkdir(parents=True, exist_ok=True)
        target = os.path.relpath(source, place.parent)
        if place.is_symlink() and os.readlink(place) == target:
            continue
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        fresh.symlink_to(target)
        fresh.replace(place)
    return len(links)


if __name__ == "__main__":
    build(ROOT, FARM)
