"""Studies from making to front, with evaluators that pretend."""

import os
import threading
from collections.abc import Callable
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
from drawloom.frontend import elaborate, load
from drawloom.ir import Module, Source, UserError, choice_text, parse_module, structural_hash
from drawloom.limits import Limits
from drawloom.study import Study

Make = Callable[..., Study]

pytestmark = pytest.mark.usefixtures("evaluators")


def test_a_search(make: Make, toy: Module, toy_file: Path) -> None:
    study = make(toy, space_path=toy_file, seed=4)
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


def test_the_front_is_not_dominated_and_in_order(make: Make, toy: Module) -> None:
    study = make(toy)
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


def test_optuna_reads_the_study(make: Make, toy: Module) -> None:
    study = make(toy)
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


def test_random_search_for_one_objective(make: Make, toy: Module) -> None:
    study = make(toy, objectives=["accuracy"], strategy="random")
    study.run(workers=1, evaluator="evaluators:pretend")
    best = max(trial.values["accuracy"] for trial in study.trials)
    assert {trial.values["accuracy"] for trial in study.front()} == {best}
    assert {trial.origin for trial in study.trials} == {"random"}


def test_counted_objectives_need_no_library(make: Make, toy: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    study = make(toy, objectives=["parameters", "multiply_adds"])
    study.run(workers=1)
    assert all(trial.values["parameters"] == trial.parameters for trial in study.trials)


@pytest.mark.parametrize(
    ("objective", "library", "title"), [("latency", "tvm", "Apache TVM"), ("accuracy", "torch", "PyTorch")]
)
def test_an_objective_that_cannot_be_measured_is_refused(
    make: Make,
    tmp_path: Path,
    toy: Module,
    monkeypatch: pytest.MonkeyPatch,
    objective: str,
    library: str,
    title: str,
) -> None:
    from importlib.util import find_spec

    made = make(toy, name="made", objectives=[objective])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else find_spec(name))
    with pytest.raises(
        UserError, match=rf"'{objective}' needs {title}, which is not installed \(install it: pip"
    ):
        make(toy, objectives=["parameters", objective])
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
def test_bad_settings_make_no_study(
    make: Make, tmp_path: Path, toy: Module, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make(toy, **settings)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_a_space_that_does_not_fit_the_task(make: Make) -> None:
    space = elaborate(
        Source(
            "big.loom", "network big(x: f32[4]) { return x |> linear(choose n from [2, 3]) |> linear(10) }"
        )
    )
    with pytest.raises(UserError, match=r"takes f32\[4\], task 'fashion_mnist' has f32\[1, 28, 28\]"):
        make(space)


def test_a_network_without_decisions_is_no_space(make: Make) -> None:
    net = elaborate(
        Source("one.loom", "network one(x: f32[1, 28, 28]) { return x |> global_avg_pool |> linear(10) }")
    )
    with pytest.raises(UserError, match="nothing to search"):
        make(net)


def test_candidates_that_fail_cost_one_trial_each(make: Make, toy: Module) -> None:
    study = make(toy, budget=12, limits=Limits(seconds=0.5))
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
def test_evaluators_that_do_not_keep_their_word(make: Make, toy: Module, evaluator: str, reason: str) -> None:
    study = make(toy, budget=1)
    study.run(workers=1, evaluator=f"evaluators:{evaluator}")
    assert study.trials[0].reason == reason


def test_a_small_space_ends_the_search_early(make: Make) -> None:
    source = """network few(x: f32[1, 28, 28]) {
        return x |> conv(choose n from [2, 3, 4], kernel=3) |> global_avg_pool |> linear(10)
    }"""
    study = make(elaborate(Source("few.loom", source)))
    events: list[Event] = []
    study.run(workers=2, on_event=events.append, evaluator="evaluators:pretend")
    assert len(study.trials) == 3
    assert [event for event in events if isinstance(event, SpaceExhausted)]


def test_a_search_in_a_thread(make: Make, toy: Module) -> None:
    study = make(toy, budget=2)
    thread = threading.Thread(target=lambda: study.run(workers=1, evaluator="evaluators:pretend"))
    thread.start()
    thread.join(30)
    assert len(study.trials) == 2


def test_one_search_at_a_time(make: Make, toy: Module) -> None:
    study = make(toy)
    with (
        study.folder.locked(),
        pytest.raises(UserError, match=rf"another search is running .*process {os.getpid()}"),
    ):
        study.run(workers=1, evaluator="evaluators:pretend")
    study.folder.lock.write_text("999999")  # of a process that died
    study.run(1, workers=1, evaluator="evaluators:pretend")
    assert len(study.trials) == 1


def test_a_folder_that_exists_is_not_touched(make: Make, toy: Module) -> None:
    make(toy)
    with pytest.raises(UserError, match=r"already exists \(continue it with --resume"):
        make(toy)


def test_a_study_of_another_space_is_refused(make: Make, toy: Module, toy_file: Path) -> None:
    study = make(toy, space_path=toy_file)
    other = elaborate(
        Source("other.loom", toy_file.read_text().replace("toy", "other").replace("[1, 3, 5]", "[1, 3]"))
    )
    with pytest.raises(UserError, match=rf"another space: 'toy' of {toy_file} \(.{{8}}\), not 'other'"):
        Study.open(study.folder.root, other)
    with pytest.raises(UserError, match=r"resume it with '.*space\.ir'"):
        Study.open(study.folder.root, other)
    assert Study.open(study.folder.root, load(study.folder.space)).config == study.config
    reformatted = elaborate(Source("toy.loom", "# a comment\n" + toy_file.read_text()))
    assert Study.open(study.folder.root, reformatted).config == study.config


def test_the_study_does_not_need_the_file_of_its_space(make: Make, toy: Module, toy_file: Path) -> None:
    study = make(toy, space_path=toy_file)
    text = toy_file.read_text()
    toy_file.unlink()
    opened = Study.open(study.folder.root)
    assert opened.config.space.text == text
    opened.run(1, workers=1, evaluator="evaluators:pretend")
    assert len(opened.trials) == 1
