"""Jobs in processes of their own: whatever a job does, the executor lives and says what happened."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drawloom.executor import Ended, Executor, Note
from drawloom.ir import UserError
from drawloom.limits import Limits
from drawloom.warm import Call

HERE = Path(__file__).parent
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _jobs_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def executor() -> Iterator[Executor]:
    with Executor() as made:
        yield made


def call(name: str, argument: object = None) -> Call:
    return Call(f"jobs:{name}", argument)


def finish(executor: Executor) -> tuple[list[Note], dict[int, Ended]]:
    """Wait for all jobs."""
    notes: list[Note] = []
    ended: dict[int, Ended] = {}
    deadline = time.monotonic() + PATIENCE
    while executor.running:
        assert time.monotonic() < deadline, "jobs do not end"
        for happened in executor.poll(0.2):
            if isinstance(happened, Ended):
                ended[happened.token] = happened
            else:
                notes.append(happened)
    return notes, ended


def run(executor: Executor, job: Call, log: Path, limits: Limits | None = None) -> Ended:
    token = executor.submit(job, log, limits)
    return finish(executor)[1][token]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_results_and_notes(executor: Executor, tmp_path: Path) -> None:
    tokens = [executor.submit(call("double", value), tmp_path / "log") for value in (3, 4, 5)]
    notes, ended = finish(executor)
    assert [ended[token].result for token in tokens] == [6, 8, 10]
    assert all(end.reason is None and 0 < end.seconds < PATIENCE for end in ended.values())
    assert {note.token: note.payload["value"] for note in notes} == dict(
        zip(tokens, (1.5, 2.0, 2.5), strict=True)
    )


def test_the_warm_up_is_done_once_for_all_jobs(tmp_path: Path) -> None:
    with Executor(call("warm_up", 7)) as executor:
        results = [run(executor, call("warmth"), tmp_path / "log").result for _ in range(2)]
    assert [warmed for warmed, _ in results] == [[7], [7]]
    assert results[0][1] == results[1][1] != os.getpid()


def test_libraries_get_one_thread(executor: Executor, tmp_path: Path) -> None:
    assert run(executor, call("environment", "OMP_NUM_THREADS"), tmp_path / "log").result == "1"


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (call("fail", "no such luck"), r"RuntimeError: no such luck \(jobs\.py:\d+\)"),
        (call("segfault"), r"killed by SIGSEGV \(Segmentation fault\)"),
        (call("leave", 3), "exited with status 3 before it gave a result"),
        (call("leave", 0), "exited with status 0 before it gave a result"),
        (call("unreadable"), "sent an unreadable message: cannot be read back"),
        (
            call("no_such_job"),
            r"AttributeError: module 'jobs' has no attribute 'no_such_job' \(warm\.py:\d+\)",
        ),
    ],
)
def test_a_job_that_fails_says_why_and_harms_nobody(
    executor: Executor, tmp_path: Path, job: Call, reason: str
) -> None:
    ended = run(executor, job, tmp_path / "log")
    assert ended.result is None
    assert ended.reason is not None
    assert re.fullmatch(reason, ended.reason), ended.reason
    assert run(executor, call("double", 1), tmp_path / "log").result == 2


def test_crashes_are_in_the_log(executor: Executor, tmp_path: Path) -> None:
    run(executor, call("segfault"), tmp_path / "log")
    run(executor, call("fail", "no such luck"), tmp_path / "log")
    log = (tmp_path / "log").read_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "second line" in log


def test_a_job_that_hangs(executor: Executor, tmp_path: Path) -> None:
    started = time.monotonic()
    ended = run(executor, call("hang"), tmp_path / "log", Limits(seconds=0.3))
    assert ended.reason == "took longer than its limit of 0.3 s"
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("job", ["hold_memory", "hold_memory_in_child"])
def test_a_job_that_takes_too_much_memory(executor: Executor, tmp_path: Path, job: str) -> None:
    ended = run(executor, call(job, 400 << 20), tmp_path / "log", Limits(seconds=20, memory=200 << 20))
    assert ended.reason is not None
    assert ended.reason.endswith("of memory, its limit is 200 MiB"), ended.reason


def test_what_a_job_leaves_behind_is_killed(executor: Executor, tmp_path: Path) -> None:
    child = run(executor, call("leave_a_child", str(tmp_path / "pid")), tmp_path / "log").result
    assert eventually(lambda: gone(child))


def test_one_measures_at_a_time_and_waiting_is_free(executor: Executor, tmp_path: Path) -> None:
    limits = Limits(seconds=0.9)
    for i in range(4):
        executor.submit(call("measure", (str(tmp_path / f"held{i}"), 0.4)), tmp_path / "log", limits)
    _, ended = finish(executor)
    assert [end.reason for end in ended.values()] == [None] * 4
    assert max(end.result["others"] for end in ended.values()) == 3
    held = sorted(tuple(map(float, (tmp_path / f"held{i}").read_text().split())) for i in range(4))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(held))


def test_a_job_that_dies_while_measuring_frees_the_machine(executor: Executor, tmp_path: Path) -> None:
    first = executor.submit(call("die_measuring"), tmp_path / "log")
    second = executor.submit(call("measure", (str(tmp_path / "held"), 0.0)), tmp_path / "log")
    _, ended = finish(executor)
    assert ended[first].reason == "killed by SIGABRT (Aborted)"
    assert ended[second].reason is None


def test_a_failing_warm_up_is_a_user_error(tmp_path: Path) -> None:
    with Executor(call("refuse_to_warm_up", "libfoo.so is missing")) as executor:
        executor.submit(call("double", 1), tmp_path / "log")
        with pytest.raises(UserError, match=r"the trials cannot start: ImportError: libfoo\.so is missing"):
            finish(executor)


def test_a_warm_up_that_kills_the_process_is_a_user_error(tmp_path: Path) -> None:
    with Executor(call("die_warming_up")) as executor:
        executor.submit(call("double", 1), tmp_path / "log")
        with pytest.raises(UserError, match=r"process that starts trials died \(going down\)"):
            finish(executor)


def test_the_warm_process_is_replaced_when_it_is_killed(executor: Executor, tmp_path: Path) -> None:
    _, warm = run(executor, call("warmth"), tmp_path / "log").result
    token = executor.submit(call("write_own_pid_and_hang", str(tmp_path / "pid")), tmp_path / "log")
    while not (tmp_path / "pid").exists():
        executor.poll(0.05)
    os.kill(warm, signal.SIGKILL)
    _, ended = finish(executor)
    assert ended[token].reason == "the process that starts trials was killed"
    assert eventually(lambda: gone(int((tmp_path / "pid").read_text())))
    assert run(executor, call("double", 4), tmp_path / "log").result == 8


def test_closing_kills_what_runs(tmp_path: Path) -> None:
    with Executor() as executor:
        executor.submit(call("write_own_pid_and_hang", str(tmp_path / "pid")), tmp_path / "log")
        while not (tmp_path / "pid").exists():
            executor.poll(0.05)
    assert eventually(lambda: gone(int((tmp_path / "pid").read_text())))


def test_jobs_do_not_outlive_a_killed_study(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        f"sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path\n"
        "from drawloom.executor import Executor\n"
        "from drawloom.warm import Call\n"
        "executor = Executor().__enter__()\n"
        f"job = Call('jobs:write_own_pid_and_hang', {str(tmp_path / 'pid')!r})\n"
        f"executor.submit(job, Path({str(tmp_path / 'log')!r}))\n"
        "while True: executor.poll(1.0)\n"
    )
    study = subprocess.Popen([sys.executable, "-c", source])
    assert eventually((tmp_path / "pid").exists)
    study.kill()
    study.wait()
    assert eventually(lambda: gone(int((tmp_path / "pid").read_text())))
