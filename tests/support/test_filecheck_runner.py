"""The runner of FileCheck tests, and its collector, on a fake command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filecheck_runner import RunFailed, RunLine, parse_stages, run, run_lines

SUPPORT = Path(__file__).parent


def fake() -> None:
    """`drawloom cat FILE|-`: print it; `drawloom bad`: a diagnostic; `drawloom crash`: exit as for a bug."""
    match sys.argv:
        case ["drawloom", "cat", "-"]:
            print(sys.stdin.read(), end="")
        case ["drawloom", "cat", name]:
            print(Path(name).read_text(), end="")
        case ["drawloom", "bad"]:
            sys.exit("error[E1]: no such thing")
        case _:
            sys.exit(70)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a test.ir"
    path.write_text(
        "# CHECK: module @tiny\n# CHECK-NEXT: conv2d\n# NEVER: conv{{3}}d\nmodule @tiny\nconv2d\n"
    )
    return path


def test_run_lines_of_both_comment_marks_and_with_continuation() -> None:
    text = "# RUN: drawloom a\nop x\n// RUN: drawloom b \\\n# RUN: | filecheck %s\n# run: not this\n"
    assert list(run_lines(text)) == [RunLine(1, "drawloom a"), RunLine(3, "drawloom b  | filecheck %s")]


@pytest.mark.parametrize("text", ["# RUN: drawloom a \\\n", "# RUN: drawloom a \\\nop\n# RUN: drawloom b\n"])
def test_dangling_continuation_is_refused(text: str) -> None:
    with pytest.raises(RunFailed, match="backslash"):
        list(run_lines(text))


def test_stages_keep_quoted_bars_and_hashes(tmp_path: Path) -> None:
    first, second = parse_stages("not drawloom x 'a|b' c#d {e=1} 2>&1 | filecheck %s", tmp_path)
    assert first.arguments == ("drawloom", "x", "a|b", "c#d", "{e=1}")
    assert (first.negated, first.merge_stderr) == (True, True)
    assert second.arguments == ("filecheck", str(tmp_path))
    assert (second.negated, second.merge_stderr) == (False, False)


@pytest.mark.parametrize("text", ["rm -rf %s", "drawloom cat %s |", "", "not", "drawloom cat %s | sort"])
def test_other_commands_are_refused(text: str, source: Path) -> None:
    with pytest.raises(RunFailed, match="a stage begins with"):
        run(text, source, fake)


@pytest.mark.parametrize(
    "text",
    [
        "drawloom cat %s | filecheck %s",
        "drawloom cat %s | drawloom cat - | filecheck %s",
        "drawloom cat %s | not filecheck %s --check-prefix=NEVER",
        "not drawloom bad",
    ],
)
def test_lines_that_pass(text: str, source: Path) -> None:
    run(text, source, fake)


def test_merged_stderr_is_checked(source: Path) -> None:
    source.write_text("# CHECK: error[E1]\n")
    run("not drawloom bad 2>&1 | filecheck %s", source, fake)
    with pytest.raises(RunFailed, match="empty"):
        run("not drawloom bad | filecheck %s", source, fake)


def test_a_failing_check_shows_what_filecheck_says(source: Path) -> None:
    source.write_text("# CHECK: linear\nconv2d\n")
    with pytest.raises(RunFailed, match=r"(?s)exited with 1 .*a test\.ir:1: error: .*linear.*conv2d"):
        run("drawloom cat - | filecheck %s", source, lambda: print("conv2d"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drawloom bad", r"(?s)exited with 1 instead of 0.*no such thing"),
        ("drawloom crash", "exited with 70 instead of 0"),
        ("not drawloom crash", "exited with 70 instead of 1"),
        ("not drawloom cat %s", "exited with 0 instead of 1"),
        ("drawloom cat %s | not filecheck %s", "exited with 0 instead of 1"),
    ],
)
def test_a_wrong_exit_code_fails(text: str, message: str, source: Path) -> None:
    with pytest.raises(RunFailed, match=message):
        run(text, source, fake)


def test_streams_and_arguments_are_put_back(source: Path) -> None:
    before = (sys.argv, sys.stdin, sys.stdout, sys.stderr, dict(os.environ))
    run("drawloom cat %s", source, fake)
    assert (sys.argv, sys.stdin, sys.stdout, sys.stderr, dict(os.environ)) == before


def test_collector_makes_one_test_a_run_line(tmp_path: Path) -> None:
    """The real conftest in a project of its own, with a package `drawloom` that only has the fake command."""
    shutil.copy(SUPPORT.parent / "conftest.py", tmp_path)
    folder = tmp_path / "filecheck"
    folder.mkdir()
    (folder / "good.loom").write_text("# RUN: drawloom\n# RUN: drawloom | filecheck %s\n# CHECK: yes\n")
    (folder / "bad.ir").write_text("// RUN: drawloom | filecheck %s\n// CHECK: no\n")
    (folder / "idle.ir").write_text("# CHECK: no\n")
    (tmp_path / "elsewhere.ir").write_text("# RUN: drawloom | filecheck %s\n# CHECK: no\n")
    (tmp_path / "drawloom").mkdir()
    (tmp_path / "drawloom" / "__init__.py").touch()
    (tmp_path / "drawloom" / "cli.py").write_text("def main():\n    print('yes')\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-rA"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(SUPPORT)]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "PASSED filecheck/good.loom::line1" in done.stdout
    assert "PASSED filecheck/good.loom::line2" in done.stdout
    assert "FAILED filecheck/bad.ir::line1" in done.stdout
    assert "bad.ir:2: error:" in done.stdout
    assert "a FileCheck test needs a line" in done.stdout
    assert "elsewhere.ir" not in done.stdout
    assert "Traceback" not in done.stdout
