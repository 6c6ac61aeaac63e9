"""Reads the imports of the source tree and holds them against the order of the layers.

The tables below are the rules; `violations` applies them to one file.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT: dict[str, frozenset[str]] = {
    "ir": frozenset(),
    "frontend": frozenset({"ir", "zoo"}),
    "passes": frozenset({"ir"}),
    "backends": frozenset({"ir", "passes"}),
    "tasks": frozenset({"ir", "passes", "backends"}),
    "strategies": frozenset({"ir", "frontend", "passes", "backends", "tasks"}),
    "driver": frozenset({"ir", "frontend", "passes", "backends", "tasks", "strategies", "zoo"}),
    "zoo": frozenset(),
}
"""For each layer the layers it may import, besides itself. `driver` is the package `drawloom` itself."""

HOMES: dict[str, frozenset[str]] = {
    "torch": frozenset({"backends/torch", "frontend/importers"}),
    "safetensors.torch": frozenset({"backends/torch"}),
    "onnx": frozenset({"backends/torch", "frontend/importers"}),
    "onnxruntime": frozenset({"backends/torch"}),
    "onnxscript": frozenset({"backends/torch"}),
    "tvm": frozenset({"backends/tvm"}),
    "tvm_ffi": frozenset({"backends/tvm"}),
    "lark": frozenset({"frontend", "ir"}),
    "networkx": frozenset({"ir"}),
    "optuna": frozenset({"driver"}),
    "sqlalchemy": frozenset({"driver"}),
    "ray": frozenset({"driver"}),
    "pygls": frozenset({"driver/lsp"}),
    "lsprotocol": frozenset({"driver/lsp"}),
}
"""For each heavy library the folders in which it may be imported."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the absolute dotted name, its line, and whether it was written with leading dots."""

    name: str
    line: int
    relative: bool = False


def mapping() -> dict[str, Path]:
    """Each mapped package and its folder, from `package-dir` in pyproject.toml."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return {package: ROOT / folder for package, folder in setuptools["package-dir"].items()}


def files(suffix: str = "") -> Iterator[Path]:
    """Every file of the layers whose name ends in `suffix`, relative to the root."""
    for folder in mapping().values():
        for path in sorted(folder.rglob(f"*{suffix}")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def package_of(path: Path) -> str:
    """The dotted package that a file lies in: `ir/ops/conv.py` lies in `drawloom.ir.ops`."""
    layer, *rest = path.parent.parts
    return ".".join(["drawloom", *([] if layer == "driver" else [layer]), *rest])


def layer_of(name: str) -> str:
    """The layer of an absolute name that begins with `drawloom`."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT and parts[1] != "driver" else "driver"


def imports(source: str, package: str) -> Iterator[Import]:
    """All imports in a source, those within functions and those by `import_module("...")` included."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*parents, *([module] if module else [])])
                yield from (Import(f"{base}.{alias.name}", node.lineno, level > 0) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, node.lineno)


def violations(source: str, path: Path) -> Iterator[str]:
    """What is wrong with the imports of the file `path` (relative to the root) that holds `source`."""
    layer = path.parts[0]
    for found in imports(source, package_of(path)):
        complaint = _complaint(found, layer, path)
        if complaint:
            yield f"{path}:{found.line}: {complaint}"


def _complaint(found: Import, layer: str, path: Path) -> str | None:
    """What is wrong with one import, if anything."""
    top = found.name.split(".")[0]
    if top in MAY_IMPORT:
        return f"`{found.name}` without its package: write drawloom.{top}"
    if top != "drawloom":
        return _stray(found, path)
    target = layer_of(found.name)
    if target == layer:
        return None
    if found.relative:
        return f"relative import of another layer: write {found.name}"
    if target not in MAY_IMPORT[layer]:
        return f"{layer} must not import {target} ({found.name})"
    return None


def _stray(found: Import, path: Path) -> str | None:
    """Whether a library is imported away from home."""
    for library, homes in HOMES.items():
        if f"{found.name}.".startswith(f"{library}.") and not any(
            path.is_relative_to(home) for home in homes
        ):
            return f"{library} may be imported in {' and '.join(sorted(homes))} only"
    return None
