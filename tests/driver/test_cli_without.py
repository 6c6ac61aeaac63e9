"""Every command works without the libraries it does not need, and says what to install where it needs one."""

import subprocess
import sys
from pathlib import Path

import pytest
import tiny_space

WITHOUT = """
import sys
from importlib.machinery import PathFinder

missing = sys.argv[1].split(",")
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.partition(".")[0] in missing else find(name, *rest)
sys.argv = ["drawloom", *sys.argv[2:]]
from drawloom.cli import main

main()
"""

EVERYTHING = "torch,tvm,onnx,onnxruntime,onnxscript,pyarrow,pygls,lsprotocol"


def run(missing: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, missing, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tiny_space.write(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "SPACE"],
        ["show", "SPACE", "--seed", 0],
        ["price", "SPACE", "--random", 10],
        ["sample", "SPACE"],
        ["opt", "SPACE", "-p", "sample,canonicalize,dce"],
        ["passes"],
        ["ops"],
        ["targets"],
        ["strategies"],
        ["export", "SPACE", "--seed", 0, "--format", "ir", "--out", "OUT"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_no_library_needs_none(arguments: list[object], space: Path, tmp_path: Path) -> None:
    places = {"SPACE": space, "OUT": tmp_path / "out"}
    done = run(EVERYTHING, *(places.get(str(a), a) for a in arguments))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("missing", "arguments", "install"),
    [
        ("pygls", ["lsp"], "drawloom[lsp]"),
        ("torch", ["train", "SPACE", "--seed", 0], "drawloom[torch]"),
        ("tvm", ["bench", "SPACE", "--seed", 0], "drawloom[tvm]"),
        ("tvm", ["search", "SPACE", "--runs-dir", "OUT"], "drawloom[tvm]"),
        ("torch", ["search", "SPACE", "--runs-dir", "OUT", "--objective", "accuracy"], "drawloom[torch]"),
        ("pyarrow", ["price", "SPACE", "--out", "prices.parquet"], "pip install pyarrow"),
    ],
    ids=["lsp", "train", "bench", "search-tvm", "search-torch", "price"],
)
def test_what_is_missing_is_named(
    missing: str, arguments: list[object], install: str, space: Path, tmp_path: Path
) -> None:
    places = {"SPACE": space, "OUT": tmp_path / "out"}
    done = run(missing, *(places.get(str(a), a) for a in arguments))
    assert done.returncode == 1
    assert install in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("missing", "form"), [("onnx", "onnx"), ("onnxscript", "onnx"), ("tvm", "tvm")])
def test_export_says_what_is_missing(missing: str, form: str, space: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    done = run(missing, "export", space, "--seed", 0, "--weights", "none", "-f", form, "--out", out)
    assert done.returncode == 1
    assert f"drawloom[{form}]" in done.stderr
    assert not (tmp_path / "x").exists()
