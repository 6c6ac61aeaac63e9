"""Studies that are stopped and go on: by budget, by Ctrl-C, by kill -9."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from drawloom.events import Event, TrialStarted
from drawloom.ir import Module
from drawloom.study import SearchInterrupted, Study, TrialRecord

Make = Callable[..., Study]

pytestmark = pytest.mark.usefixtures("evaluators")


def facts(trials: list[TrialRecord]) -> list[tuple[object, ...]]:
    """What must not depend on when and how often a search ran; parents are named by their proposals."""

    def origin(trial: TrialRecord) -> str:
        kind, _, parent = trial.origin.partition("#")
        return f"{kind}{trials[int(parent)].proposal}" if parent else kind

    return [
        (t.proposal, t.assignment, origin(t), t.values, t.intermediate) for t in trials if not t.interrupted
    ]


def test_a_budget_in_two_parts_is_the_same_search(make: Make, toy: Module) -> None:
    whole = make(toy, name="whole", seed=3, budget=8)
    whole.run(workers=1, evaluator="evaluators:pretend")
    parts = make(toy, name="parts", seed=3, budget=8)
    for budget in (1, 5, 8, 8):
        Study.open(parts.folder.root).run(budget, workers=1, evaluator="evaluators:pretend")
    assert facts(parts.trials) == facts(whole.trials)
    assert Study.open(parts.folder.root).config.budget == 8


def kill_during(search: subprocess.Popen[bytes], study: Study, after: float) -> bool:
    """Kill a search some seconds after it began its first trial; False when it was faster than that."""
    before = count_trials(study)
    wait_for(lambda: search.poll() is not None or count_trials(study) > before)
    time.sleep(after)
    killed = search.poll() is None
    search.kill()
    search.wait()
    return killed


def count_trials(study: Study) -> int:
    with closing(sqlite3.connect(study.folder.database)) as file:
        (count,) = file.execute("SELECT count(*) FROM trials").fetchone()
    return int(count)


def spawn(study: Study, workers: int, evaluator: str = "leisurely") -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("search_process.py")
    return subprocess.Popen([sys.executable, str(script), str(study.folder.root), str(workers), evaluator])


def test_killed_at_any_moment_and_resumed(make: Make, toy: Module) -> None:
    whole = make(toy, name="whole", seed=5, budget=10)
    whole.run(workers=1, evaluator="evaluators:pretend")
    study = make(toy, name="killed", seed=5, budget=10)
    finished: dict[int, TrialRecord] = {}
    kills = 0
    rng = random.Random(0)
    while kills < 4 and len(finished) < 10:
        kills += kill_during(spawn(study, workers=1), study, rng.uniform(0.0, 0.25))
        trials = Study.open(study.folder.root, toy).trials
        for number, record in finished.items():
            assert trials[number] == record, "a finished trial was lost or changed"
        finished = {trial.number: trial for trial in trials if trial.complete}
    assert kills >= 3
    study.run(workers=1, evaluator="evaluators:pretend")
    assert facts(study.trials) == facts(whole.trials)
    assert {trial.state for trial in study.trials} <= {"complete", "failed"}


def test_killed_with_several_workers_and_resumed(make: Make, toy: Module) -> None:
    study = make(toy, budget=14)
    for after in (0.1, 0.25):
        kill_during(spawn(study, workers=3), study, after)
    study.run(workers=3, evaluator="evaluators:pretend")
    trials = study.trials
    complete = [trial for trial in trials if trial.complete]
    assert len(complete) == 14
    assert sorted(trial.proposal for trial in complete) == list(range(14))
    assert len({trial.architecture for trial in complete}) == 14
    assert all(trial.interrupted for trial in trials if not trial.complete)


def test_a_trial_left_running_is_evaluated_again(make: Make, toy: Module) -> None:
    study = make(toy, budget=3)
    search = spawn(study, workers=2, evaluator="patient")
    wait_for(lambda: sum(trial.state == "running" for trial in study.trials) == 2)
    search.kill()
    search.wait()
    left = study.trials
    study.run(workers=1, evaluator="evaluators:pretend")
    trials = study.trials
    assert [trial.reason for trial in trials[:2]] == ["interrupted", "interrupted"]
    assert [t.assignment for t in trials[2:4]] == [t.assignment for t in left]
    assert [trial.proposal for trial in trials] == [0, 1, 0, 1, 2]
    assert sum(trial.complete for trial in trials) == 3


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_says_how_to_go_on(make: Make, toy: Module, number: signal.Signals) -> None:
    study = make(toy)
    before = signal.getsignal(number)

    def interrupt_during_the_third(event: Event) -> None:
        if isinstance(event, TrialStarted) and event.trial.number == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(SearchInterrupted, match=r"interrupted after \d of 8 trials .*--resume"):
        study.run(workers=1, on_event=interrupt_during_the_third, evaluator="evaluators:leisurely")
    assert signal.getsignal(number) == before
    assert [trial.state for trial in study.trials[:2]] == ["complete"] * 2
    assert "running" not in {trial.state for trial in study.trials}
    study.run(workers=1, evaluator="evaluators:pretend")
    assert sum(trial.complete for trial in study.trials) == 8
