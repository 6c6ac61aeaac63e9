"""`drawloom fmt`: what it writes, what it leaves alone, and what it says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drawloom import zoo
from drawloom.cli import app

UGLY = "op f(x;k=3)=x|>conv(k) # three\n"
PRETTY = "op f(x; k=3) = x |> conv(k)  # three\n"
BROKEN = "op f(x) = = x\n"


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["fmt", *(str(a) for a in arguments)], input=stdin)


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "ugly.loom"
    path.write_text(UGLY, encoding="utf-8")
    return path


@pytest.fixture
def pretty(tmp_path: Path) -> Path:
    path = tmp_path / "pretty.loom"
    path.write_text(PRETTY, encoding="utf-8")
    return path


def test_the_zoo_is_formatted() -> None:
    result = run("--check", Path(zoo.__file__).parent)
    assert result.exit_code == 0, result.output
    assert f"0 files would be changed, {len(zoo.files())} unchanged" in result.stderr


def test_files_are_rewritten_and_named(ugly: Path, pretty: Path) -> None:
    written = pretty.stat().st_mtime_ns
    result = run(ugly, pretty)
    assert result.exit_code == 0
    assert result.stdout == f"changed {ugly}\n"
    assert result.stderr == "1 file changed, 1 unchanged\n"
    assert ugly.read_text(encoding="utf-8") == PRETTY
    assert pretty.stat().st_mtime_ns == written
    assert run(ugly, pretty).stdout == ""


def test_check_names_what_would_change_and_writes_nothing(ugly: Path, pretty: Path) -> None:
    result = run("--check", ugly, pretty)
    assert result.exit_code == 1
    assert result.stdout == f"would change {ugly}\n"
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert run("--check", pretty).exit_code == 0


def test_diff_shows_the_change_and_writes_nothing(ugly: Path, pretty: Path) -> None:
    result = run("--diff", ugly, pretty)
    assert result.exit_code == 0
    assert result.stdout == f"--- {ugly}\n+++ {ugly}\n@@ -1 +1 @@\n-{UGLY}+{PRETTY}"
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert run("--diff", "--check", ugly).exit_code == 1


def test_diff_of_a_last_line_without_a_newline(tmp_path: Path) -> None:
    path = tmp_path / "open.loom"
    path.write_text(UGLY.rstrip("\n"), encoding="utf-8")
    assert f"-{UGLY}\\ No newline at end of file\n+{PRETTY}" in run("--diff", path).stdout


def test_standard_input() -> None:
    assert run("-", stdin=UGLY).stdout == PRETTY
    assert run("-", stdin=UGLY).exit_code == 0
    assert run("-", stdin=PRETTY).stdout == PRETTY
    assert (run("--check", "-", stdin=UGLY).exit_code, run("--check", "-", stdin=PRETTY).exit_code) == (1, 0)
    assert "+++ <stdin>" in run("--diff", "-", stdin=UGLY).stdout


def test_wrong_standard_input_gives_nothing() -> None:
    result = run("-", stdin=BROKEN)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "<stdin>:1:11" in result.stderr


def test_standard_input_is_formatted_alone(ugly: Path) -> None:
    result = run(ugly, "-", stdin=UGLY)
    assert result.exit_code == 1
    assert "give '-' or files, not both" in result.stderr
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_a_syntax_error_leaves_the_file_and_spares_the_others(ugly: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.loom"
    broken.write_text(BROKEN, encoding="utf-8")
    result = run(broken, tmp_path / "missing.loom", ugly)
    assert result.exit_code == 1
    assert f"{broken}:1:11" in result.stderr
    assert "error[E0001]" in result.stderr
    assert "there is no file" in result.stderr
    assert "1 file changed, 0 unchanged, 2 with errors" in result.stderr
    assert broken.read_text(encoding="utf-8") == BROKEN
    assert ugly.read_text(encoding="utf-8") == PRETTY


def test_folders_are_searched_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("a.loom", "inner/b.loom", ".hidden/c.loom", "inner/.d.loom", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(UGLY, encoding="utf-8")
    result = run(tmp_path, tmp_path / "a.loom")
    assert result.stdout == f"changed {tmp_path / 'a.loom'}\nchanged {tmp_path / 'inner' / 'b.loom'}\n"
    assert "2 files changed, 0 unchanged" in result.stderr


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "there are no .loom files" in result.stderr


def test_textual_ir_is_not_the_language(tmp_path: Path) -> None:
    path = tmp_path / "network.ir"
    path.write_text("module @m {}", encoding="utf-8")
    result = run(path)
    assert result.exit_code == 1
    assert "drawloom opt FILE" in result.stderr


def test_permissions_and_links_stay(ugly: Path, tmp_path: Path) -> None:
    ugly.chmod(0o640)
    link = tmp_path / "link.loom"
    link.symlink_to(ugly)
    assert run(link).exit_code == 0
    assert link.is_symlink()
    assert ugly.read_text(encoding="utf-8") == PRETTY
    assert ugly.stat().st_mode & 0o777 == 0o640


def test_windows_line_ends_become_newlines(tmp_path: Path) -> None:
    path = tmp_path / "windows.loom"
    path.write_bytes(PRETTY.replace("\n", "\r\n").encode())
    assert run("--check", path).exit_code == 1
    assert run(path).exit_code == 0
    assert path.read_bytes() == PRETTY.encode()
