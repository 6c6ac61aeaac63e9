"""Studies from making to front, with evaluators that pretend."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from drawloom.events import (
    EpochFinished,
    Event,
    SearchStarted,
    SpaceExhausted,
    TrialEnded,
    TrialStarted,
)
from drawloom.frontend import elaborate
from drawloom.ir import Module, Source, UserError, choice_text, parse_module, structural_hash
from drawloom.limits import Limits
from drawloom.study import SearchInterrupted, Study, TrialRecord

pytestmark = pytest.mark.usefixtures("evaluators")


def make(tmp_path: Path, toy: Module, name: str = "study", **settings: Any) -> Study:
    return Study.create(tmp_path / "runs" / name, toy, **{"budget": 8, **settings})


def facts(trials: list[TrialRecord]) -> list[tuple[object, ...]]:
    """What must not depend on when and how often a search ran; parents are named by their proposals."""

    def origin(trial: TrialRecord) -> str:
        kind, _, parent = trial.origin.partition("#")
        return f"{kind}{trials[int(parent)].proposal}" if parent else kind

    return [(t.proposal, t.assignment, origin(t), t.values, t.intermediate) for t in trials if not t.interrupted]


def test_a_search(tmp_path: Path, toy: Module, toy_file: Path) -> None:
    study = make(tmp_path, toy, space_path=toy_file, seed=4)
    events: list[Event] = []
    study.run(workers=2, on_event=events.append, evaluator="evaluators:pretend")

    trials = Study.open(study.folder.root, toy).trials
    assert [trial.number for trial in trials] == list(range(8))
    assert {trial.state for trial in trials} == {"complete"}
    assert len({trial.architecture for trial in trials}) == 8
    first = trials[0]
    assert first.values["latency"] == pytest.approx(first.multiply_adds * 1e-9 if first.multiply_adds else 0)
    assert first.values["test_accuracy"] == pytest.approx(first.values["accuracy"] - 0.01)
    assert [epoch for epoch, _, _ in first.intermediate] == [1, 2]
    assert first.measurement is not None
    assert first.measurement["median"] == first.values["latency"]
    assert first.seconds is not None
    assert first.seconds > 0
    assert any(trial.origin.startswith("mutation of #") for trial in trials)
    network = parse_module(study.folder.network(3).read_text())
    assert structural_hash(network) == trials[3].architecture

    assert events[0] == SearchStarted(8, 0, 2)
    assert sum(isinstance(event, TrialStarted) for event in events) == 8
    assert sum(isinstance(event, EpochFinished) for event in events) == 16
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert len(ended) == 8
    assert [trial.number for trial in ended[-1].front] == [trial.number for trial in study.front()]


def test_the_front_is_not_dominated_and_in_order(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy)
    study.run(workers=1, evaluator="evaluators:pretend")
    front = study.front()
    accuracies = [trial.values["accuracy"] for trial in front]
    assert accuracies == sorted(accuracies, reverse=True)
    for trial in study.trials:
        better = [
            other
            for other in front
            if other.values["accuracy"] >= trial.values["accuracy"]
            and other.values["latency"] <= trial.values["latency"]
        ]
        assert better


def test_optuna_reads_the_study(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy)
    study.run(workers=1, evaluator="evaluators:pretend")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    loaded = optuna.load_study(study_name=None, storage=f"sqlite:///{study.folder.database}")
    assert [direction.name for direction in loaded.directions] == ["MAXIMIZE", "MINIMIZE"]
    for theirs, ours in zip(loaded.trials, study.trials, strict=True):
        assert theirs.params == {name: choice_text(value) for name, value in ours.assignment.items()}
        assert theirs.values == [ours.values["accuracy"], ours.values["latency"]]
        assert theirs.intermediate_values == {epoch: accuracy for epoch, _, accuracy in ours.intermediate}
        assert theirs.user_attrs["architecture"] == ours.architecture
    assert {trial.number for trial in loaded.best_trials} == {trial.number for trial in study.front()}
    loaded.ask({name: theirs.distributions[name] for name in theirs.params})  # samplers know the parameters


def test_random_search_for_one_objective(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy, objectives=["accuracy"], strategy="random")
    study.run(workers=1, evaluator="evaluators:pretend")
    best = max(trial.values["accuracy"] for trial in study.trials)
    assert {trial.values["accuracy"] for trial in study.front()} == {best}
    assert {trial.origin for trial in study.trials} == {"random"}


def test_counted_objectives_need_no_library(tmp_path: Path, toy: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    study = make(tmp_path, toy, objectives=["parameters", "multiply_adds"])
    study.run(workers=1)
    assert all(trial.values["parameters"] == trial.parameters for trial in study.trials)


@pytest.mark.parametrize(
    ("objective", "library", "title"), [("latency", "tvm", "Apache TVM"), ("accuracy", "torch", "PyTorch")]
)
def test_an_objective_that_cannot_be_measured_is_refused(
    tmp_path: Path, toy: Module, monkeypatch: pytest.MonkeyPatch, objective: str, library: str, title: str
) -> None:
    from importlib.util import find_spec

    made = make(tmp_path, toy, name="made", objectives=[objective])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else find_spec(name))
    with pytest.raises(UserError, match=rf"'{objective}' needs {title}, which is not installed \(install it: pip"):
        make(tmp_path, toy, objectives=["parameters", objective])
    assert not (tmp_path / "runs" / "study").exists()
    with pytest.raises(UserError, match="is not installed"):
        made.run(workers=1)
    assert made.trials == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objectives": ["latancy"]}, "unknown objective 'latancy' .*'latency'"),
        ({"objectives": ["latency", "latency"]}, "'latency' is given twice"),
        ({"objectives": []}, "needs an objective"),
        ({"strategy": "randm"}, "unknown strategy 'randm' .*'random'"),
        ({"options": {"popluation": 3}}, "'popluation'.*'population'"),
        ({"task": "fashion"}, "unknown task 'fashion'"),
        ({"target": "cpuu"}, "unknown target 'cpuu'"),
        ({"budget": 0}, "budget of 0 trials"),
        ({"epochs": 0}, "for 0 epochs"),
    ],
)
def test_bad_settings_make_no_study(tmp_path: Path, toy: Module, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(tmp_path, toy, **settings)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_a_space_that_does_not_fit_the_task(tmp_path: Path) -> None:
    space = elaborate(Source("big.loom", "network big(x: f32[4]) { return x |> linear(choose n from [2, 3]) |> linear(10) }"))
    with pytest.raises(UserError, match=r"takes f32\[4\], task 'fashion_mnist' has f32\[1, 28, 28\]"):
        make(tmp_path, space)


def test_a_network_without_decisions_is_no_space(tmp_path: Path) -> None:
    net = elaborate(Source("one.loom", "network one(x: f32[1, 28, 28]) { return x |> global_avg_pool |> linear(10) }"))
    with pytest.raises(UserError, match="nothing to search"):
        make(tmp_path, net)


def test_candidates_that_fail_cost_one_trial_each(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy, budget=12, limits=Limits(seconds=0.5))
    study.run(workers=2, evaluator="evaluators:troubled")
    trials = study.trials
    assert [trial.state for trial in trials] == (["failed"] * 5 + ["complete"]) * 2
    reasons = [str(trial.reason) for trial in trials[:5]]
    assert reasons[0] == "killed by SIGSEGV (Segmentation fault)"
    assert reasons[1].startswith("ValueError: training diverged (evaluators.py:")
    assert reasons[2] == "this network cannot be run on the target"
    assert reasons[3] == "took longer than its limit of 0.5 s"
    assert reasons[4] == "accuracy is nan"
    assert "Segmentation fault" in study.folder.log(0).read_text()
    assert trials[0].values == {}


@pytest.mark.parametrize(
    ("evaluator", "reason"),
    [("silent", "latency is missing"), ("confused", "the evaluator gave str instead of a result")],
)
def test_evaluators_that_do_not_keep_their_word(tmp_path: Path, toy: Module, evaluator: str, reason: str) -> None:
    study = make(tmp_path, toy, budget=1)
    study.run(workers=1, evaluator=f"evaluators:{evaluator}")
    assert study.trials[0].reason == reason


def test_a_small_space_ends_the_search_early(tmp_path: Path) -> None:
    source = "network few(x: f32[1, 28, 28]) { return x |> conv(choose n from [2, 3, 4], kernel=3) |> global_avg_pool |> linear(10) }"
    study = make(tmp_path, elaborate(Source("few.loom", source)))
    events: list[Event] = []
    study.run(workers=2, on_event=events.append, evaluator="evaluators:pretend")
    assert len(study.trials) == 3
    assert [event for event in events if isinstance(event, SpaceExhausted)]


def test_a_budget_in_two_parts_is_the_same_search(tmp_path: Path, toy: Module) -> None:
    whole = make(tmp_path, toy, name="whole", seed=3, budget=12)
    whole.run(workers=1, evaluator="evaluators:pretend")
    parts = make(tmp_path, toy, name="parts", seed=3, budget=12)
    for budget in (1, 5, 12, 12):
        Study.open(parts.folder.root).run(budget, workers=1, evaluator="evaluators:pretend")
    assert facts(parts.trials) == facts(whole.trials)
    assert Study.open(parts.folder.root).config.budget == 12


def test_killed_at_any_moment_and_resumed(tmp_path: Path, toy: Module) -> None:
    whole = make(tmp_path, toy, name="whole", seed=5, budget=14)
    whole.run(workers=1, evaluator="evaluators:leisurely")
    study = make(tmp_path, toy, name="killed", seed=5, budget=14)
    finished: dict[int, TrialRecord] = {}
    kills = 0
    for delay in (0.9, 1.05, 1.2, 1.35, 1.5, 1.8, 30.0):
        search = spawn(study, workers=1)
        try:
            assert search.wait(delay) == 0
        except subprocess.TimeoutExpired:
            search.kill()
            search.wait()
            kills += 1
        trials = Study.open(study.folder.root, toy).trials
        for number, record in finished.items():
            assert trials[number] == record, "a finished trial was lost or changed"
        finished = {trial.number: trial for trial in trials if trial.complete}
    assert kills >= 4
    assert facts(study.trials) == facts(whole.trials)
    assert {trial.state for trial in study.trials} <= {"complete", "failed"}


def test_killed_with_several_workers_and_resumed(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy, budget=14)
    for delay in (1.1, 1.3, 30.0):
        search = spawn(study, workers=3)
        try:
            assert search.wait(delay) == 0
        except subprocess.TimeoutExpired:
            search.kill()
            search.wait()
    trials = study.trials
    complete = [trial for trial in trials if trial.complete]
    assert len(complete) == 14
    assert sorted(trial.proposal for trial in complete) == list(range(14))
    assert len({trial.architecture for trial in complete}) == 14
    assert all(trial.interrupted for trial in trials if not trial.complete)


def spawn(study: Study, workers: int) -> "subprocess.Popen[bytes]":
    script = Path(__file__).with_name("search_process.py")
    arguments = [str(study.folder.root), str(study.config.budget), str(workers)]
    return subprocess.Popen([sys.executable, str(script), *arguments])


def test_a_trial_left_running_is_evaluated_again(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy, budget=3)
    search = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"from drawloom.study import Study; Study.open({str(study.folder.root)!r}).run(workers=2, evaluator='evaluators:patient')",
        ]
    )
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


def wait_for(condition: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_says_how_to_go_on(tmp_path: Path, toy: Module, number: signal.Signals) -> None:
    study = make(tmp_path, toy)
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


def test_a_search_in_a_thread(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy, budget=2)
    thread = threading.Thread(target=lambda: study.run(workers=1, evaluator="evaluators:pretend"))
    thread.start()
    thread.join(30)
    assert len(study.trials) == 2


def test_one_search_at_a_time(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy)
    with study.folder.locked(), pytest.raises(UserError, match=rf"another search is running .*process {os.getpid()}"):
        study.run(workers=1, evaluator="evaluators:pretend")
    study.folder.lock.write_text("999999")  # of a process that died
    study.run(1, workers=1, evaluator="evaluators:pretend")
    assert len(study.trials) == 1


def test_a_folder_that_exists_is_not_touched(tmp_path: Path, toy: Module) -> None:
    make(tmp_path, toy)
    with pytest.raises(UserError, match=r"already exists \(continue it with --resume"):
        make(tmp_path, toy)


def test_a_study_of_another_space_is_refused(tmp_path: Path, toy: Module, toy_file: Path) -> None:
    study = make(tmp_path, toy, space_path=toy_file)
    other = elaborate(Source("other.loom", toy_file.read_text().replace("toy", "other").replace("[1, 3, 5]", "[1, 3]")))
    with pytest.raises(UserError, match=rf"another space: 'toy' of {toy_file} \(.{{8}}\), not 'other'"):
        Study.open(study.folder.root, other)
    reformatted = elaborate(Source("toy.loom", "# a comment\n" + toy_file.read_text()))
    assert Study.open(study.folder.root, reformatted).config == study.config


def test_the_study_does_not_need_the_file_of_its_space(tmp_path: Path, toy: Module, toy_file: Path) -> None:
    study = make(tmp_path, toy, space_path=toy_file)
    text = toy_file.read_text()
    toy_file.unlink()
    opened = Study.open(study.folder.root)
    assert opened.config.space.text == text
    opened.run(1, workers=1, evaluator="evaluators:pretend")
    assert len(opened.trials) == 1


def test_no_study(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no study"):
        Study.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"it has no study\.json"):
        Study.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is damaged"),
        ('{"format": 1, "space"', "is damaged"),
        ("[]", "holds no JSON object"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1}', "is damaged: space: Field required"),
    ],
)
def test_a_damaged_description_is_said_so(tmp_path: Path, toy: Module, content: str, message: str) -> None:
    study = make(tmp_path, toy)
    study.folder.config.write_text(content)
    with pytest.raises(UserError, match=message):
        Study.open(study.folder.root)
    assert study.folder.config.read_text() == content


def test_a_wrong_value_in_the_description_is_named(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy)
    data = json.loads(study.folder.config.read_text())
    data["budget"] = "many"
    study.folder.config.write_text(json.dumps(data))
    with pytest.raises(UserError, match=r"study\.json' is damaged: budget: "):
        Study.open(study.folder.root)


def test_a_damaged_space_is_said_so(tmp_path: Path, toy: Module) -> None:
    study = make(tmp_path, toy)
    study.folder.space.write_text(study.folder.space.read_text().replace("8", "9"))
    with pytest.raises(UserError, match=r"space\.ir' is damaged"):
        Study.open(study.folder.root)


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "half", "scribbled", "no tables"])
def test_a_damaged_database_is_said_so_and_left_alone(tmp_path: Path, toy: Module, damage: str) -> None:
    study = make(tmp_path, toy)
    study.run(4, workers=1, evaluator="evaluators:pretend")
    path = study.folder.database
    content = path.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"this is no database" * 100,
        "half": content[: len(content) // 2],
        "scribbled": content[:4096] + os.urandom(len(content) - 4096),
    }
    if damage == "missing":
        path.unlink()
    elif damage == "no tables":
        path.unlink()
        subprocess.run(
            [sys.executable, "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('create table a (b)')", str(path)],
            check=True,
        )
    else:
        path.write_bytes(damaged[damage])
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(UserError, match=r"the database '.*study\.db' is (missing|damaged)"):
        Study.open(study.folder.root)
    assert (path.read_bytes() if path.exists() else None) == before


def test_half_a_study_is_never_seen(tmp_path: Path, toy: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    from drawloom.study_folder import StudyFolder

    def fail(self: StudyFolder, config: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StudyFolder, "write_config", fail)
    with pytest.raises(UserError, match="cannot be made: No space left on device"):
        make(tmp_path, toy)
    assert list((tmp_path / "runs").iterdir()) == []
