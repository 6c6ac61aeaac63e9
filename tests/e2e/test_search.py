"""The command as a process: from a space to networks that run, and on after every kind of stop."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_space

from drawloom.study import Study

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "TVM_NUM_THREADS": "1"}


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "drawloom", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


def drawloom(*arguments: object) -> subprocess.CompletedProcess[str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def space(folder: Path) -> Path:
    return tiny_space.write(folder)


@pytest.fixture(scope="module")
def searched(folder: Path, space: Path) -> subprocess.CompletedProcess[str]:
    return drawloom(
        "search", space, "--budget", 3, "--epochs", 1, "--workers", 1, "--runs-dir", folder / "runs"
    )


def test_a_search_ends_with_the_front(searched: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert searched.returncode == 0, searched.stderr
    lines = searched.stdout.splitlines()
    (head,) = [line for line in lines if line.startswith("network  ")]
    for column in ("test accuracy", "latency", "spread (middle half)", "parameters", "multiply-adds"):
        assert column in head
    assert sum(line.startswith("[") for line in lines) == 3
    assert "\x1b" not in searched.stdout
    assert str(folder / "runs" / "tiny" / "report.html") in searched.stdout


def test_everything_is_left_in_the_folder(searched: subprocess.CompletedProcess[str], folder: Path) -> None:
    root = folder / "runs" / "tiny"
    study = Study.open(root)
    assert [trial.state for trial in study.trials] == ["complete"] * 3
    page = (root / "report.html").read_text(encoding="utf-8")
    front = sorted(path.name for path in (root / "front").iterdir())
    assert front
    for name in front:
        files = {path.name for path in (root / "front" / name).iterdir()}
        assert {"network.ir", "weights.safetensors", "network.onnx", "library.so", "run.py"} <= files
        assert f'href="front/{name}/"' in page


def test_the_exported_network_runs(searched: subprocess.CompletedProcess[str], folder: Path) -> None:
    script = next((folder / "runs" / "tiny" / "front").iterdir()) / "run.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "class " in done.stdout


def test_a_second_search_takes_a_folder_of_its_own(
    searched: subprocess.CompletedProcess[str], folder: Path, space: Path
) -> None:
    arguments = ("search", space, "--budget", 2, "--objective", "parameters", "--runs-dir", folder / "runs")
    done = drawloom(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["study"] == str(folder / "runs" / "tiny-2")
    assert told["trials"] == 2
    assert done.stderr == ""
    assert {p.name for p in Path(told["front"][0]["folder"]).iterdir()} == {
        "network.ir",
        "README.md",
        "manifest.json",
    }
    assert (
        "run.py" not in Path(told["report"]).read_text(encoding="utf-8").partition('<section id="deploy">')[2]
    )
    named = drawloom(*arguments, "--name", "tiny")
    assert named.returncode == 1
    assert "already exists" in named.stderr


def test_resume_goes_on_to_a_larger_budget(
    searched: subprocess.CompletedProcess[str], folder: Path, space: Path
) -> None:
    before = Study.open(folder / "runs" / "tiny").trials
    done = drawloom("search", space, "--budget", 4, "--workers", 1, "--resume", "--runs-dir", folder / "runs")
    assert done.returncode == 0, done.stderr
    after = Study.open(folder / "runs" / "tiny").trials
    assert [t.values["accuracy"] for t in after[:3]] == [t.values["accuracy"] for t in before]
    assert len(after) == 4


def test_a_damaged_export_does_not_lose_a_search(
    searched: subprocess.CompletedProcess[str], folder: Path, space: Path
) -> None:
    root = folder / "runs" / "tiny"
    library = next((root / "front").iterdir()) / "library.so"
    library.write_bytes(library.read_bytes()[:64])
    done = drawloom("search", space, "--resume", "--runs-dir", folder / "runs")
    assert done.returncode == 0, done.stderr
    assert "was not exported" in done.stderr
    assert "'library.so' is not as it was written" in done.stderr
    assert library.stat().st_size == 64
    assert "the front of tiny" in done.stdout


def test_resume_refuses_another_space_and_other_settings(
    searched: subprocess.CompletedProcess[str], folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tiny.loom"
    other.write_text(tiny_space.TEXT.replace("[4, 8, 12]", "[4, 8, 16]"), encoding="utf-8")
    arguments = ("--resume", "--runs-dir", folder / "runs", "--budget", 9)
    done = drawloom("search", other, *arguments)
    assert done.returncode == 1
    assert "another space" in done.stderr
    changed = drawloom("search", tiny_space.write(tmp_path), *arguments, "--strategy", "random")
    assert changed.returncode == 1
    assert "regularized_evolution" in changed.stderr
    assert "random" in changed.stderr


def test_resume_after_kill(tmp_path: Path) -> None:
    space, runs = tiny_space.write(tmp_path), tmp_path / "runs"
    arguments = ("search", space, "--budget", 4, "--epochs", 1, "--objective", "accuracy", "--runs-dir", runs)
    process = start(*arguments, "--workers", 1)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[2/4]"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = [t for t in Study.open(runs / "tiny").trials if t.complete]
    assert 2 <= len(kept) < 4
    done = drawloom(*arguments, "--workers", 1, "--resume")
    assert done.returncode == 0, done.stderr
    trials = Study.open(runs / "tiny").trials
    complete = [t for t in trials if t.complete]
    assert [t.values for t in complete[: len(kept)]] == [t.values for t in kept]
    assert len(complete) == 4
    assert len({t.architecture for t in complete}) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--objective", "acuracy"], "unknown objective 'acuracy' (did you mean 'accuracy'?)"),
        (["--strategy", "randon"], "unknown strategy 'randon' (did you mean 'random'?)"),
        (["--target", "cpux"], "unknown target 'cpux' (did you mean 'cpu'?)"),
        (["--task", "fashion_mnits"], "(did you mean 'fashion_mnist'?)"),
        (["--option", "populaton=4"], "(did you mean 'population'?)"),
        (["--option", "population"], "'population' is not of the form NAME=VALUE"),
        (["--resume"], "there is no study"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_mistake_on_the_command_line_is_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = drawloom("search", tiny_space.write(tmp_path), *arguments, "--runs-dir", tmp_path / "runs")
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    space, runs = tiny_space.write(tmp_path), tmp_path / "runs"
    process = start(
        "search", space, "--budget", 30, "--objective", "accuracy", "--runs-dir", runs, "--workers", 1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("[1/30]"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume" in err
    assert "Traceback" not in err
    assert sum(t.complete for t in Study.open(runs / "tiny").trials) >= 1
