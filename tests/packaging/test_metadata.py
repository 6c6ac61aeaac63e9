"""What pyproject.toml promises and what the tree, the constraints and the wheel hold."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import layers
import pytest

PROJECT = tomllib.loads((layers.ROOT / "pyproject.toml").read_text())


def canonical(requirement: str) -> str:
    """The normalised name of a requirement (PEP 503)."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (layers.ROOT / "constraints.txt").read_text().splitlines()
    return {canonical(line): line.partition("==")[2] for line in lines if line and not line.startswith("#")}


def test_every_package_of_the_tree_is_listed() -> None:
    tree = {layers.package_of(path) for path in layers.files("__init__.py")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == tree


def test_every_folder_with_python_files_is_a_package() -> None:
    missing = {path.parent for path in layers.files(".py")} - {
        path.parent for path in layers.files("__init__.py")
    }
    assert not missing


def test_every_constraint_is_exact(pins: dict[str, str]) -> None:
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in pins.values()), pins


def test_every_dependency_is_pinned(pins: dict[str, str]) -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = [PROJECT["project"]["dependencies"], *extras]
    names = {canonical(requirement) for group in named for requirement in group} - {"drawloom"}
    assert names <= set(pins)


def test_torch_and_tvm_are_pinned_where_they_must_be(pins: dict[str, str]) -> None:
    tvm = PROJECT["project"]["optional-dependencies"]["tvm"]
    assert f"apache-tvm=={pins['apache-tvm']}" in tvm
    assert f"apache-tvm-ffi=={pins['apache-tvm-ffi']}" in tvm
    recipe = [
        line for line in (layers.ROOT / "Makefile").read_text().splitlines() if "$(PIP) install" in line
    ]
    assert recipe[0].endswith(f" torch=={pins['torch']}"), "torch comes first, alone and exact"
    assert all("--constraint constraints.txt" in line for line in recipe)


def test_the_wheel_holds_the_tree_and_nothing_else(tmp_path: Path) -> None:
    """A file of the layers that is neither a listed module nor declared package data is lost in the wheel."""
    tree = list(layers.files())
    for path in [*tree, *map(Path, ("pyproject.toml", "LICENSE", "NOTICE"))]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(layers.ROOT / path, tmp_path / path)
    build = "import setuptools.build_meta as b; print(b.build_wheel('dist'))"
    built = subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert held == {"/".join([*layers.package_of(path.parent / "x").split("."), path.name]) for path in tree}


def test_the_wheel_is_typed() -> None:
    assert (layers.ROOT / "driver" / "py.typed").is_file()
